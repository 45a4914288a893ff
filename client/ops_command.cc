#include "client/ops_command.h"

#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "gradus/v1/gradient_service.grpc.pb.h"
#include "server/files/json.h"

namespace gradus {
namespace {

constexpr size_t kLineWidth = 100;

// "dense(input, weight[, bias])", "add(a, b, ...)".
std::string Signature(const v1::OpDescription& op) {
  std::string text = op.name() + "(";
  for (int i = 0; i < op.operands_size(); ++i) {
    if (i >= op.required_operand_count()) text += "[";
    if (i > 0) text += ", ";
    text += op.operands(i);
  }
  if (op.variadic()) text += ", ...";
  for (int i = op.required_operand_count(); i < op.operands_size(); ++i) text += "]";
  return text + ")";
}

// Words of a text on lines that begin with `indent`; an empty line stays one.
std::string Wrap(const std::string& text, std::string_view indent) {
  std::string wrapped;
  std::istringstream paragraphs(text);
  std::string paragraph;
  while (std::getline(paragraphs, paragraph)) {
    std::string line;
    std::istringstream words(paragraph);
    std::string word;
    while (words >> word) {
      if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kLineWidth) {
        wrapped += fmt::format("{}{}\n", indent, line);
        line.clear();
      }
      if (!line.empty()) line += " ";
      line += word;
    }
    wrapped += line.empty() ? "\n" : fmt::format("{}{}\n", indent, line);
  }
  return wrapped;
}

std::string OpsTable(const v1::ListOpsResponse& response) {
  std::vector<std::vector<std::string>> rows = {{"op", "formula"}};
  for (const v1::OpDescription& op : response.ops()) rows.push_back({Signature(op), op.formula()});
  return AlignColumns(rows, "");
}

absl::StatusOr<std::string> Ops(const OpsOptions& options) {
  const absl::StatusOr<Connection> connection = Connection::Open(options.connection);
  if (!connection.ok()) return connection.status();
  v1::ListOpsRequest request;
  request.set_name(options.name);
  const absl::StatusOr<v1::ListOpsResponse> response =
      connection->Call(&v1::GradientService::Stub::ListOps, request);
  if (!response.ok()) return response.status();
  if (response->ops().empty()) return absl::InternalError("the server's answer makes no sense");
  switch (options.format) {
    case OpsFormat::kJson:
      return ToJson(*response, JsonFields::kSet);
    case OpsFormat::kMarkdown:
      return OpsMarkdown(*response);
    case OpsFormat::kText:
      break;
  }
  return options.name.empty() ? OpsTable(*response) : OpText(response->ops(0));
}

}  // namespace

std::string OpText(const v1::OpDescription& op) {
  std::string text = Signature(op) + "\n\n";
  text += Wrap(op.formula(), "  ") + Wrap(op.vjp(), "  ");
  if (!op.kinks().empty()) text += Wrap("kinks: " + op.kinks(), "  ");
  text += "\n" + Wrap(op.comment(), "");
  for (const v1::OpAttribute& attribute : op.attributes()) {
    text += fmt::format("\n{}: {}\n", attribute.name(), attribute.type());
    text += Wrap(attribute.comment(), "  ");
    for (const v1::OpChoice& choice : attribute.choices()) {
      text += Wrap(fmt::format("{}: {}", choice.name(), choice.comment()), "    ");
    }
  }
  return text;
}

std::string OpsMarkdown(const v1::ListOpsResponse& response) {
  std::string text =
      "# Ops\n\n"
      "<!-- Generated: gradus ops --format markdown > docs/ops.md -->\n\n"
      "What a network may compute at a node. In formulas the operands have their names, but a "
      "single "
      "one is `x`, or `z` in an activation; `u` is the upstream gradient, `y` the output (`a` of "
      "an "
      "activation), `A'` the transpose of `A`. A loss makes terms, which its `reduction` turns "
      "into "
      "the output. Elementwise activations have a slope, which is a quantity of its own: "
      "`slope(h)`.\n\n";
  std::vector<std::string> links;
  for (const v1::OpDescription& op : response.ops()) {
    links.push_back(fmt::format("[{0}](#{0})", op.name()));
  }
  text += fmt::format("{}\n", fmt::join(links, ", "));
  for (const v1::OpDescription& op : response.ops()) {
    text += fmt::format("\n## {}\n\n`{}`\n\n```\n{}\n{}\n```\n\n", op.name(), Signature(op),
                        op.formula(), op.vjp());
    if (!op.kinks().empty()) text += fmt::format("Kinks: {}\n\n", op.kinks());
    text += op.comment() + "\n";
    if (op.attributes().empty()) continue;
    text += "\n";
    for (const v1::OpAttribute& attribute : op.attributes()) {
      text +=
          fmt::format("- `{}` ({}): {}\n", attribute.name(), attribute.type(), attribute.comment());
      for (const v1::OpChoice& choice : attribute.choices()) {
        text += fmt::format("  - `{}`: {}\n", choice.name(), choice.comment());
      }
    }
  }
  return text;
}

ExitCode RunOps(const OpsOptions& options) {
  const absl::StatusOr<std::string> text = Ops(options);
  if (!text.ok()) return Fail(text.status());
  Print(*text);
  return ExitCode::kDone;
}

}  // namespace gradus
