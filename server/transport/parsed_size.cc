#include "server/transport/parsed_size.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"

namespace gradus {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;

enum class WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5,
};
constexpr int kTagTypeBits = 3;
constexpr uint32_t kTagTypeMask = (1U << kTagTypeBits) - 1;

// Protobuf parses no deeper.
constexpr int kMaxDepth = 100;

// What the allocator needs for each object.
constexpr double kAllocation = 16;
// An array that grows one by one holds room for up to twice as many.
constexpr double kGrowth = 2;
// A pointer to a string or message in a repeated field.
constexpr double kElement = kGrowth * sizeof(void*) + kAllocation;
constexpr double kText = sizeof(std::string) + kElement;
// What an array of numbers takes at least.
constexpr double kFirstNumbers = 4 * sizeof(uint64_t) + kAllocation;
// A number in a repeated field, sent by itself.
constexpr double kNumber = kGrowth * sizeof(uint64_t);
// A field that the type does not have, and the set that it begins.
constexpr double kUnknownField = 160;

// What has to be known of a type.
struct MessageType {
  struct Field {
    enum class Kind { kNumber, kNumbers, kText, kMessage };
    Kind kind = Kind::kNumber;
    WireType wire_type = WireType::kLengthDelimited;
    // Of one number in memory.
    double number_bytes = 0;
    const MessageType* message = nullptr;
  };
  double object_bytes = 0;
  std::map<uint32_t, Field> fields;
};

// All types asked for. They stay for as long as the program runs.
class MessageTypes {
 public:
  const MessageType& Of(const Descriptor& descriptor) {
    const std::lock_guard lock(mutex_);
    return Add(descriptor);
  }

 private:
  const MessageType& Add(const Descriptor& descriptor) {
    std::unique_ptr<MessageType>& type = types_[&descriptor];
    if (type != nullptr) return *type;  // perhaps not complete: types hold each other
    type = std::make_unique<MessageType>();
    MessageType& added = *type;
    added.object_bytes = static_cast<double>(google::protobuf::MessageFactory::generated_factory()
                                                 ->GetPrototype(&descriptor)
                                                 ->SpaceUsedLong());
    for (int i = 0; i < descriptor.field_count(); ++i) {
      added.fields[static_cast<uint32_t>(descriptor.field(i)->number())] =
          FieldOf(*descriptor.field(i));
    }
    return added;
  }

  MessageType::Field FieldOf(const FieldDescriptor& field) {
    using Kind = MessageType::Field::Kind;
    const Kind numbers = field.is_repeated() ? Kind::kNumbers : Kind::kNumber;
    switch (field.type()) {
      case FieldDescriptor::TYPE_MESSAGE:
      case FieldDescriptor::TYPE_GROUP:
        return {.kind = Kind::kMessage, .message = &Add(*field.message_type())};
      case FieldDescriptor::TYPE_STRING:
      case FieldDescriptor::TYPE_BYTES:
        return {.kind = Kind::kText};
      case FieldDescriptor::TYPE_DOUBLE:
      case FieldDescriptor::TYPE_FIXED64:
      case FieldDescriptor::TYPE_SFIXED64:
        return {.kind = numbers, .wire_type = WireType::kFixed64, .number_bytes = 8};
      case FieldDescriptor::TYPE_FLOAT:
      case FieldDescriptor::TYPE_FIXED32:
      case FieldDescriptor::TYPE_SFIXED32:
        return {.kind = numbers, .wire_type = WireType::kFixed32, .number_bytes = 4};
      case FieldDescriptor::TYPE_INT64:
      case FieldDescriptor::TYPE_UINT64:
      case FieldDescriptor::TYPE_SINT64:
        return {.kind = numbers, .wire_type = WireType::kVarint, .number_bytes = 8};
      case FieldDescriptor::TYPE_BOOL:
        return {.kind = numbers, .wire_type = WireType::kVarint, .number_bytes = 1};
      default:  // 32 bits, and enums
        return {.kind = numbers, .wire_type = WireType::kVarint, .number_bytes = 4};
    }
  }

  std::mutex mutex_;
  std::map<const Descriptor*, std::unique_ptr<MessageType>> types_;
};

// Adds up what fields take, while it walks over them.
class Walk {
 public:
  explicit Walk(CodedInputStream& wire) : wire_(wire) {}

  double bytes() const { return bytes_; }

  // The fields of one message, up to the end of it. False if they cannot be read further. A null
  // type is that of fields which no type has.
  bool Message(const MessageType* type, int depth) {
    if (depth > kMaxDepth) return false;
    while (const uint32_t tag = wire_.ReadTag()) {
      if (static_cast<WireType>(tag & kTagTypeMask) == WireType::kEndGroup) return true;
      if (!Field(type, tag, depth)) return false;
    }
    return wire_.ConsumedEntireMessage();
  }

 private:
  bool Field(const MessageType* type, uint32_t tag, int depth) {
    const MessageType::Field* field = nullptr;
    if (type != nullptr) {
      const auto found = type->fields.find(tag >> kTagTypeBits);
      if (found != type->fields.end()) field = &found->second;
    }
    const auto wire_type = static_cast<WireType>(tag & kTagTypeMask);
    switch (wire_type) {
      case WireType::kVarint: {
        uint64_t number = 0;
        AddNumber(field, wire_type);
        return wire_.ReadVarint64(&number);
      }
      case WireType::kFixed64:
        AddNumber(field, wire_type);
        return wire_.Skip(sizeof(uint64_t));
      case WireType::kFixed32:
        AddNumber(field, wire_type);
        return wire_.Skip(sizeof(uint32_t));
      case WireType::kLengthDelimited: {
        uint32_t length = 0;
        return wire_.ReadVarint32(&length) && length <= uint32_t{INT32_MAX} &&
               LengthDelimited(field, static_cast<int>(length), depth);
      }
      case WireType::kStartGroup:
        bytes_ += kUnknownField;
        return Message(nullptr, depth + 1);
      default:
        return false;
    }
  }

  void AddNumber(const MessageType::Field* field, WireType wire_type) {
    if (field == nullptr || field->wire_type != wire_type) {
      bytes_ += kUnknownField;
    } else if (field->kind == MessageType::Field::Kind::kNumbers) {
      bytes_ += kNumber;
    }
  }

  bool LengthDelimited(const MessageType::Field* field, int length, int depth) {
    using Kind = MessageType::Field::Kind;
    const Kind kind = field == nullptr ? Kind::kNumber : field->kind;
    if (kind == Kind::kMessage) {
      bytes_ += field->message->object_bytes + kElement;
      const CodedInputStream::Limit end = wire_.PushLimit(length);
      const bool is_read = Message(field->message, depth + 1);
      wire_.PopLimit(end);
      return is_read;
    }
    const int begin = wire_.CurrentPosition();
    const bool is_all_there = wire_.Skip(length);
    // What a length claims beyond that takes no memory.
    const int read = wire_.CurrentPosition() - begin;
    switch (kind) {
      case Kind::kText:
        bytes_ += kText + read;
        break;
      case Kind::kNumbers:
        bytes_ += kFirstNumbers + kGrowth * field->number_bytes * NumbersIn(*field, read);
        break;
      case Kind::kNumber:  // of which there is no array, so it is an unknown field
        bytes_ += kUnknownField + read;
        break;
      case Kind::kMessage:
        break;
    }
    return is_all_there;
  }

  // The most that a packed array of this length holds.
  static double NumbersIn(const MessageType::Field& field, int length) {
    const bool is_fixed = field.wire_type != WireType::kVarint;
    return length / (is_fixed ? field.number_bytes : 1.0);
  }

  CodedInputStream& wire_;
  double bytes_ = 0;
};

}  // namespace

double ParsedBytes(const Descriptor& descriptor, google::protobuf::io::ZeroCopyInputStream* wire) {
  static MessageTypes& types = *new MessageTypes;
  const MessageType& type = types.Of(descriptor);
  CodedInputStream coded(wire);
  Walk walk(coded);
  walk.Message(&type, 0);
  return type.object_bytes + walk.bytes();
}

}  // namespace gradus
