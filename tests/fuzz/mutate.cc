#include "tests/fuzz/mutate.h"

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/v1/problem.pb.h"
#include "gradus/v1/tensor.pb.h"

// Of libFuzzer: changes bytes, and takes them from its dictionary.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace gradus::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

constexpr int64_t kIntegers[] = {-1,        16,        1000,      INT32_MIN, INT32_MAX,
                                 1LL << 31, 1LL << 32, 1LL << 62, INT64_MIN, INT64_MAX};
constexpr double kDoubles[] = {-0.0, 1e-9, 1e16, 1e300, -1e300, 5e-324, HUGE_VAL, -HUGE_VAL, NAN};

// A message and what it holds, all the way down.
struct Parts {
  explicit Parts(Message* message) { Add(message); }

  void Add(Message* message) {
    messages.push_back(message);
    std::vector<const FieldDescriptor*> fields;
    const Reflection& reflection = *message->GetReflection();
    reflection.ListFields(*message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field->name() == "name" && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        names.push_back(reflection.GetString(*message, field));
      }
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      if (!field->is_repeated()) Add(reflection.MutableMessage(message, field));
      const int size = field->is_repeated() ? reflection.FieldSize(*message, field) : 0;
      for (int i = 0; i < size; ++i) Add(reflection.MutableRepeatedMessage(message, field, i));
    }
  }

  std::vector<Message*> messages;
  std::vector<std::string> names;
};

class Mutator {
 private:
  int Below(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  // One of a list's elements, which are not none.
  template <class List>
  const auto& Pick(const List& list) {
    return list[static_cast<size_t>(Below(static_cast<int>(std::size(list))))];
  }

 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  // One change: libFuzzer makes several in a row.
  void Mutate(Message* root) {
    Parts parts(root);
    names_ = std::move(parts.names);
    MutateField(Pick(parts.messages));
    Mend(root);
  }

  void CrossOver(Message* other, Message* root) {
    Message* part = Pick(Parts(root).messages);
    std::vector<Message*> fitting;
    for (Message* candidate : Parts(other).messages) {
      if (candidate->GetDescriptor() == part->GetDescriptor()) fitting.push_back(candidate);
    }
    if (!fitting.empty()) part->CopyFrom(*Pick(fitting));
    Mend(root);
  }

 private:
  // Each oneof counts as one field: Node.op has more than eighty. Names are seldom changed, as what
  // refers to them stays as it is.
  const FieldDescriptor* PickField(const Message& message) {
    const google::protobuf::Descriptor& type = *message.GetDescriptor();
    std::vector<const FieldDescriptor*> fields;
    for (int i = 0; i < type.field_count(); ++i) {
      if (type.field(i)->real_containing_oneof() != nullptr) continue;
      if (type.field(i)->name() == "name" && Below(8) != 0) continue;
      fields.push_back(type.field(i));
    }
    for (int i = 0; i < type.real_oneof_decl_count(); ++i) {
      const OneofDescriptor& oneof = *type.oneof_decl(i);
      fields.push_back(oneof.field(Below(oneof.field_count())));
    }
    return fields.empty() ? nullptr : Pick(fields);
  }

  void MutateField(Message* message) {
    const FieldDescriptor* field = PickField(*message);
    if (field == nullptr) return;
    const Reflection& reflection = *message->GetReflection();
    if (!field->is_repeated()) {
      if (Below(8) == 0) return reflection.ClearField(message, field);
      return SetOrAdd(message, field, -1);
    }
    const int size = reflection.FieldSize(*message, field);
    const int i = size == 0 ? 0 : Below(size);
    switch (size == 0 ? 3 : Below(4)) {
      case 0:
        reflection.SwapElements(message, field, i, size - 1);
        return reflection.RemoveLast(message, field);
      case 1:
        return reflection.SwapElements(message, field, i, Below(size));
      case 2:
        return SetOrAdd(message, field, i);
      default:
        return SetOrAdd(message, field, size);
    }
  }

  // Sets a field, its element i, or adds one where i is how many there are; i < 0: it is not
  // repeated.
  void SetOrAdd(Message* message, const FieldDescriptor* field, int i) {
    const Reflection& r = *message->GetReflection();
    const bool adds = i >= 0 && i == r.FieldSize(*message, field);
    const auto put = [&](auto set, auto set_element, auto add, auto value) {
      if (i < 0) return (r.*set)(message, field, value);
      return adds ? (r.*add)(message, field, value) : (r.*set_element)(message, field, i, value);
    };
    using R = Reflection;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return put(&R::SetInt32, &R::SetRepeatedInt32, &R::AddInt32, static_cast<int>(Integer()));
      case FieldDescriptor::CPPTYPE_INT64:
        return put(&R::SetInt64, &R::SetRepeatedInt64, &R::AddInt64, Integer());
      case FieldDescriptor::CPPTYPE_UINT64:
        return put(&R::SetUInt64, &R::SetRepeatedUInt64, &R::AddUInt64,
                   static_cast<uint64_t>(Integer()));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return put(&R::SetDouble, &R::SetRepeatedDouble, &R::AddDouble, Double());
      case FieldDescriptor::CPPTYPE_BOOL:
        return put(&R::SetBool, &R::SetRepeatedBool, &R::AddBool, Below(2) == 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        // One more than there are.
        return put(&R::SetEnumValue, &R::SetRepeatedEnumValue, &R::AddEnumValue,
                   Below(field->enum_type()->value_count() + 1));
      case FieldDescriptor::CPPTYPE_STRING: {
        const bool is_bytes = field->type() == FieldDescriptor::TYPE_BYTES;
        std::string text = adds    ? ""
                           : i < 0 ? r.GetString(*message, field)
                                   : r.GetRepeatedString(*message, field, i);
        return put(&R::SetString, &R::SetRepeatedString, &R::AddString,
                   is_bytes || names_.empty() || Below(4) == 0  ? Bytes(text, is_bytes)
                   : field->name() == "inputs" || Below(2) == 0 ? Pick(names_)
                                                                : Address());
      }
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (i < 0) {
          r.MutableMessage(message, field);
        } else if (adds && i > 0) {
          const int from = Below(i);
          Message* copy = r.AddMessage(message, field);
          copy->CopyFrom(r.GetRepeatedMessage(*message, field, from));
          MutateField(copy);
          // A name that is given twice goes no further than the first check.
          const FieldDescriptor* name = copy->GetDescriptor()->FindFieldByName("name");
          if (name != nullptr)
            copy->GetReflection()->SetString(copy, name, "n" + std::to_string(Below(1000)));
        } else {
          MutateField(adds ? r.AddMessage(message, field)
                           : r.MutableRepeatedMessage(message, field, i));
        }
        return;
      default:
        return;  // types that our contract does not use
    }
  }

  int64_t Integer() { return Below(4) == 0 ? Pick(kIntegers) : Below(6); }
  double Double() { return Below(4) == 0 ? Pick(kDoubles) : (Below(33) - 16) / 8.0; }

  // An address made from a name in the message.
  std::string Address() {
    constexpr std::string_view kBefore[] = {"", "grad(", "next(", "slope(", "state("};
    constexpr std::string_view kBehind[] = {"", "[0]", "[]", "@1", "x", "[0,1]"};
    const std::string_view before = Pick(kBefore);
    std::string name = std::string(before) + Pick(names_);
    if (!before.empty()) name += before == "state(" ? ").m" : ")";
    return name += Pick(kBehind);
  }

  std::string Bytes(std::string text, bool is_bytes) {
    constexpr size_t kMostBytes = 64;
    std::string bytes = text.substr(0, kMostBytes);
    const size_t old_size = bytes.size();
    bytes.resize(kMostBytes);
    bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes.data()), old_size, kMostBytes));
    // Only UTF-8 can be read.
    if (!is_bytes) {
      for (char& c : bytes) c = static_cast<char>(c & 0x7f);
    }
    return bytes;
  }

  // Sees to it, mostly, that a message passes the first checks.
  void Mend(Message* root) {
    if (Below(8) == 0) return;
    // Mending a problem removes messages, but no other problem.
    std::vector<v1::Problem*> problems;
    for (Message* message : Parts(root).messages) {
      if (auto* problem = dynamic_cast<v1::Problem*>(message)) problems.push_back(problem);
    }
    for (v1::Problem* problem : problems) MendProblem(problem);
    for (Message* message : Parts(root).messages) {
      if (auto* tensor = dynamic_cast<v1::Tensor*>(message)) MendTensor(tensor);
    }
  }

  // Gives the inputs that the network has, and an objective.
  static void MendProblem(v1::Problem* problem) {
    const v1::Network& network = problem->network();
    auto& inputs = *problem->mutable_inputs();
    while (inputs.size() > network.inputs_size()) inputs.RemoveLast();
    while (inputs.size() < network.inputs_size()) inputs.Add();
    for (int i = 0; i < inputs.size(); ++i) {
      inputs[i].set_name(network.inputs(i).name());
      inputs[i].mutable_tensor();
    }
    if (problem->objective().empty() && network.nodes_size() > 0) {
      problem->set_objective(network.nodes(network.nodes_size() - 1).name());
    }
  }

  // Gives a number for each element.
  void MendTensor(v1::Tensor* tensor) {
    constexpr int64_t kMostElements = 64;
    int64_t count = 1;
    for (const int64_t length : tensor->shape()) {
      if (length < 0 || length > kMostElements) return;
      count *= length;
      if (count > kMostElements) return;
    }
    if (!tensor->raw_le_f64().empty()) {
      return tensor->mutable_raw_le_f64()->resize(static_cast<size_t>(8 * count));
    }
    while (tensor->values_size() < count) tensor->add_values(Double());
    tensor->mutable_values()->Truncate(static_cast<int>(count));
  }

  std::mt19937 random_;
  std::vector<std::string> names_;
};

}  // namespace

void MutateMessage(Message* message, unsigned seed) { Mutator(seed).Mutate(message); }

void CrossOver(Message* other, Message* message, unsigned seed) {
  Mutator(seed).CrossOver(other, message);
}

}  // namespace gradus::testing
