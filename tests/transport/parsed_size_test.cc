#include "server/transport/parsed_size.h"

#include <memory>
#include <string>
#include <tuple>

#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"

#include "gradus/v1/gradient_service.pb.h"
#include "gradus/v1/grading_service.pb.h"
#include "tests/support/random.h"

namespace gradus::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

double ParsedBytes(const Descriptor& type, const std::string& wire) {
  google::protobuf::io::ArrayInputStream stream(wire.data(), static_cast<int>(wire.size()));
  return gradus::ParsedBytes(type, &stream);
}

// What the parsed message takes in fact, as protobuf counts it. It leaves out what the allocator
// adds to each object.
double SpaceUsed(const Descriptor& type, const std::string& wire) {
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  // Of what cannot be read to its end, what came before.
  std::ignore = message->ParsePartialFromString(wire);
  return static_cast<double>(message->SpaceUsedLong());
}

void Add(const Reflection& reflection, const FieldDescriptor& field, int depth, Message* message,
         Random* random);

// Fills a message with anything, down to this depth.
void Fill(int depth, Message* message, Random* random) {
  const Descriptor& type = *message->GetDescriptor();
  if (depth == 0 || type.field_count() == 0) return;
  for (int64_t i = random->Below(6); i > 0; --i) {
    const FieldDescriptor& field = *type.field(static_cast<int>(random->Below(type.field_count())));
    const int64_t count = field.is_repeated() ? random->Below(random->Below(20) == 0 ? 300 : 5) : 1;
    for (int64_t k = 0; k < count; ++k) {
      Add(*message->GetReflection(), field, depth, message, random);
    }
  }
}

void Add(const Reflection& reflection, const FieldDescriptor& field, int depth, Message* message,
         Random* random) {
  const bool is_repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Fill(depth - 1,
                  is_repeated ? reflection.AddMessage(message, &field)
                              : reflection.MutableMessage(message, &field),
                  random);
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text(static_cast<size_t>(random->Below(40)), 'a');
      return is_repeated ? reflection.AddString(message, &field, text)
                         : reflection.SetString(message, &field, text);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return is_repeated ? reflection.AddDouble(message, &field, 0.5)
                         : reflection.SetDouble(message, &field, 0.5);
    case FieldDescriptor::CPPTYPE_INT64:
      return is_repeated ? reflection.AddInt64(message, &field, random->Below(1000))
                         : reflection.SetInt64(message, &field, random->Below(1000));
    case FieldDescriptor::CPPTYPE_INT32:
      return is_repeated ? reflection.AddInt32(message, &field, 1)
                         : reflection.SetInt32(message, &field, 1);
    default:
      return;
  }
}

TEST(ParsedSizeTest, IsAboutWhatARandomMessageTakes) {
  Random random(1);
  for (const Message* prototype :
       {static_cast<const Message*>(&v1::StepRequest::default_instance()),
        static_cast<const Message*>(&v1::CheckRequest::default_instance()),
        static_cast<const Message*>(&v1::GradeRequest::default_instance()),
        static_cast<const Message*>(&v1::GradeStreamRequest::default_instance()),
        static_cast<const Message*>(&v1::GradeResponse::default_instance())}) {
    const Descriptor& type = *prototype->GetDescriptor();
    for (int i = 0; i < 300; ++i) {
      const std::unique_ptr<Message> message(prototype->New());
      Fill(8, message.get(), &random);
      const std::string wire = message->SerializeAsString();
      const double estimate = ParsedBytes(type, wire);
      const double used = SpaceUsed(type, wire);
      ASSERT_GE(estimate, 0.8 * used) << message->DebugString();
      ASSERT_LE(estimate, 4 * used) << message->DebugString();
    }
  }
}

// Bytes that are fields of all kinds, few of which the type has. Where they end in the middle of a
// field, protobuf has already made an object for it.
TEST(ParsedSizeTest, IsNotLessThanWhatRandomBytesTake) {
  Random random(2);
  const Descriptor& type = *v1::ForwardRequest::descriptor();
  for (int i = 0; i < 20'000; ++i) {
    std::string wire;
    for (int64_t fields = random.Below(300); fields > 0; --fields) {
      const auto number = static_cast<char>(1 + random.Below(15));
      const auto wire_type = static_cast<char>(random.Below(6));
      wire += static_cast<char>(number << 3 | wire_type);
      wire += static_cast<char>(random.Below(20));
    }
    ASSERT_GE(ParsedBytes(type, wire) + 500, 0.8 * SpaceUsed(type, wire)) << i;
  }
}

std::string Repeated(const std::string& field, size_t bytes) {
  std::string wire;
  while (wire.size() < bytes) wire += field;
  return wire;
}

// Each of the smallest fields at its worst: what two bytes can become.
TEST(ParsedSizeTest, SeesWhatGrows) {
  constexpr size_t kBytes = size_t{1} << 20;
  const std::string empty_nodes = Repeated(std::string("\x22\x00", 2), kBytes);
  EXPECT_GT(ParsedBytes(*v1::Network::descriptor(), empty_nodes), 30.0 * kBytes);
  const std::string empty_texts = Repeated(std::string("\x12\x00", 2), kBytes);
  EXPECT_GT(ParsedBytes(*v1::TextTensor::descriptor(), empty_texts), 15.0 * kBytes);
  // One that no Network has, and a group.
  const std::string unknown = Repeated(std::string("\x78\x00", 2), kBytes);
  EXPECT_GT(ParsedBytes(*v1::Network::descriptor(), unknown), 8.0 * kBytes);
  const std::string groups = Repeated(std::string("\x7b\x7c", 2), kBytes);
  EXPECT_GT(ParsedBytes(*v1::Network::descriptor(), groups), 15.0 * kBytes);
  for (const std::string& wire : {empty_nodes, unknown, groups}) {
    EXPECT_GE(ParsedBytes(*v1::Network::descriptor(), wire),
              0.8 * SpaceUsed(*v1::Network::descriptor(), wire));
  }
}

TEST(ParsedSizeTest, PackedNumbersTakeLittleMoreThanTheyHad) {
  v1::Tensor tensor;
  for (int i = 0; i < 1 << 20; ++i) tensor.add_values(0.1);
  const std::string wire = tensor.SerializeAsString();
  const double bytes = ParsedBytes(*v1::Tensor::descriptor(), wire);
  EXPECT_GE(bytes, static_cast<double>(wire.size()));
  EXPECT_LE(bytes, 2.1 * static_cast<double>(wire.size()));
}

TEST(ParsedSizeTest, EndsWhereNothingCanBeRead) {
  const Descriptor& type = *v1::ForwardRequest::descriptor();
  const double empty = ParsedBytes(type, "");
  EXPECT_GT(empty, 0);
  // Cut short, a length beyond the end, no such wire type, a group that ends before it began.
  for (const std::string wire : {"\x0a", "\x0a\x7f", "\xff\xff\xff\xff\xff\xff", "\x0f", "\x0c"}) {
    EXPECT_LT(ParsedBytes(type, wire), empty + 1000);
  }
  // Nested far deeper than protobuf parses.
  EXPECT_LT(ParsedBytes(type, std::string(1 << 20, '\x7b')), empty + 1e5);
}

}  // namespace
}  // namespace gradus::testing
