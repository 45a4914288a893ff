#include "server/ops/documentation.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"

#include "fmt/format.h"
#include "proto/network_descriptor.h"
#include "server/ops/registry.h"
#include "server/status/text.h"

namespace gradus {
namespace {

namespace pb = google::protobuf;

// The contract with its comments.
const pb::Descriptor& NodeMessage() {
  static const pb::Descriptor* const kNode = [] {
    pb::FileDescriptorSet files;
    const std::string_view bytes = NetworkDescriptorSet();
    // It is a part of this program.
    if (!files.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) std::abort();
    auto* pool = new pb::DescriptorPool;
    // A file comes after those that it imports.
    for (const pb::FileDescriptorProto& file : files.file()) pool->BuildFile(file);
    return pool->FindMessageTypeByName("gradus.v1.Node");
  }();
  return *kNode;
}

// Lines of a comment as paragraphs, each on one line, with an empty line between them.
std::string Paragraphs(std::string_view comment) {
  std::string text;
  bool new_paragraph = false;
  while (!comment.empty()) {
    const size_t end = comment.find('\n');
    std::string_view line = comment.substr(0, end);
    comment.remove_prefix(end == std::string_view::npos ? comment.size() : end + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) {
      new_paragraph = !text.empty();
      continue;
    }
    if (!text.empty()) text += new_paragraph ? "\n\n" : " ";
    new_paragraph = false;
    text += line;
  }
  return text;
}

template <class Descriptor>
std::string CommentOf(const Descriptor& descriptor) {
  pb::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return "";
  return Paragraphs(location.leading_comments);
}

std::string TypeOf(const pb::FieldDescriptor& field) {
  const std::string type = field.enum_type() != nullptr ? std::string(field.enum_type()->name())
                                                        : std::string(field.type_name());
  return field.is_repeated() ? "repeated " + type : type;
}

v1::OpAttribute Describe(const pb::FieldDescriptor& field) {
  v1::OpAttribute attribute;
  attribute.set_name(std::string(field.name()));
  attribute.set_type(TypeOf(field));
  attribute.set_comment(CommentOf(field));
  if (field.enum_type() == nullptr) return attribute;
  // The first is the unset one.
  for (int i = 1; i < field.enum_type()->value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *field.enum_type()->value(i);
    v1::OpChoice* choice = attribute.add_choices();
    choice->set_name(std::string(value.name()));
    choice->set_comment(CommentOf(value));
  }
  return attribute;
}

v1::OpDescription Describe(const Op& op) {
  v1::OpDescription description;
  description.set_name(std::string(op.name()));
  for (const std::string_view operand : op.operands) description.add_operands(std::string(operand));
  description.set_required_operand_count(op.required_operands);
  description.set_variadic(op.variadic);
  description.set_formula(std::string(op.text.formula));
  description.set_vjp(std::string(op.text.vjp));
  description.set_kinks(std::string(op.text.kinks));
  description.set_has_slope(op.is_activation());
  const pb::Descriptor& message = *NodeMessage().FindFieldByNumber(op.op_case)->message_type();
  description.set_comment(CommentOf(message));
  for (int i = 0; i < message.field_count(); ++i) {
    *description.add_attributes() = Describe(*message.field(i));
  }
  return description;
}

}  // namespace

absl::Status ListOps(const v1::ListOpsRequest& request, v1::ListOpsResponse* response) {
  std::vector<const Op*> ops(AllOps().begin(), AllOps().end());
  std::sort(ops.begin(), ops.end(),
            [](const Op* a, const Op* b) { return a->op_case < b->op_case; });
  for (const Op* op : ops) {
    if (request.name().empty() || request.name() == op->name()) {
      *response->add_ops() = Describe(*op);
    }
  }
  if (response->ops().empty()) {
    return absl::NotFoundError(fmt::format("no op is named '{}'", Printable(request.name(), 128)));
  }
  return absl::OkStatus();
}

}  // namespace gradus
