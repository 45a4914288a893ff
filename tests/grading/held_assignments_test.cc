// What GetAssignment tells, and above all what not.

#include "server/grading/held_assignments.h"

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

#include "tests/support/temporary_folder.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromText;
using ::testing::HasSubstr;
using ::testing::Not;

// Its numbers, given and computed, are like no other: y = W x = [28.4769, 63.7263].
v1::Assignment Secret() {
  return FromText<v1::Assignment>(R"pb(
    name: "secret"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          parameters {
            name: "W"
            value {
              shape: [ 2, 2 ]
              values: [ 1.5707, 2.7182, 3.1415, 6.2831 ]
            }
          }
          nodes {
            name: "y"
            inputs: [ "x", "W" ]
            dense {}
          }
          nodes {
            name: "L"
            inputs: "y"
            sum {}
          }
        }
        inputs {
          name: "x"
          tensor {
            shape: 2
            values: [ 4.6692, 7.7777 ]
          }
        }
        objective: "L"
      }
    }
    items { id: "y" quantity: "y" points: 2 }
    items {
      id: "second"
      problem: "p"
      quantity: "y[1]"
      tolerance { relative: 0.25 }
      required_digits { decimals: 7 }
    }
    items { id: "dW" quantity: "grad(W)" }
    items { id: "letters" formula: "x[0] + 31337 w22" }
    symbols { name: "w22" quantity: "W[1,1]" }
    policy { feedback_level: FEEDBACK_LEVEL_MISTAKE }
  )pb");
}

v1::GetAssignmentResponse Shown(const v1::Assignment& assignment) {
  const std::atomic<bool> never = false;
  const auto compiled = CompiledAssignment::Compile(assignment, Limits(), never);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return WithoutKey(*compiled);
}

TEST(WithoutKeyTest, TellsItemsAndTheirShapes) {
  const auto expected = FromText<v1::GetAssignmentResponse>(R"pb(
    assignment {
      name: "secret"
      items { id: "y" quantity: "y" points: 2 }
      items {
        id: "second"
        problem: "p"
        quantity: "y[1]"
        tolerance { relative: 0.25 }
        required_digits { decimals: 7 }
      }
      items { id: "dW" quantity: "grad(W)" }
      items { id: "letters" }
      policy { feedback_level: FEEDBACK_LEVEL_MISTAKE }
    }
    shapes { item: "y" shape: 2 }
    shapes { item: "second" }
    shapes { item: "dW" shape: 2 shape: 2 }
    shapes { item: "letters" }
  )pb");
  EXPECT_EQ(Shown(Secret()).DebugString(), expected.DebugString());
}

TEST(WithoutKeyTest, PublishesProblemsButNoFormula) {
  v1::Assignment assignment = Secret();
  assignment.mutable_policy()->set_publishes_problems(true);
  const v1::Assignment shown = Shown(assignment).assignment();
  EXPECT_EQ(shown.problems(0).DebugString(), assignment.problems(0).DebugString());
  EXPECT_EQ(shown.symbols(0).DebugString(), assignment.symbols(0).DebugString());
  EXPECT_EQ(shown.items(3).key_case(), v1::Item::KEY_NOT_SET);
  EXPECT_THAT(shown.DebugString(), Not(HasSubstr("31337")));
}

// All numbers in a message, wherever they are.
void CollectNumbers(const google::protobuf::Message& message, std::set<double>& numbers) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
        numbers.insert(field->is_repeated() ? reflection.GetRepeatedDouble(message, field, i)
                                            : reflection.GetDouble(message, field));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        CollectNumbers(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, i)
                                            : reflection.GetMessage(message, field),
                       numbers);
      }
    }
  }
}

// Neither a number of the key, nor one that the key is made from, nor a tolerance made from one.
TEST(WithoutKeyTest, NoNumberOfTheHomeworkIsTold) {
  const auto homework = testing::FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  std::set<double> told;
  CollectNumbers(Shown(homework), told);
  // The points and the tolerance that the assignment says.
  std::set<double> written;
  for (const v1::Item& item : homework.items()) CollectNumbers(item, written);
  CollectNumbers(homework.policy(), written);
  EXPECT_EQ(told, written);

  const std::string text = Shown(Secret()).DebugString();
  for (const char* number :
       {"1.57", "2.718", "3.14", "6.28", "4.66", "7.77", "28.", "63.", "31337", "w22"}) {
    EXPECT_THAT(text, Not(HasSubstr(number)));
  }
}

TEST(HeldAssignmentsTest, AreListedAndFoundByName) {
  const TemporaryFolder folder;
  std::string text;
  ASSERT_TRUE(google::protobuf::TextFormat::PrintToString(Secret(), &text));
  folder.Write("a.txtpb", text);
  AssignmentStore store({.directory = folder.PathOf("")});
  const std::atomic<bool> never = false;
  ASSERT_THAT(store.Read(never), ::testing::IsEmpty());
  EXPECT_THAT(ListAssignments(store).names(), ::testing::ElementsAre("secret"));
  v1::GetAssignmentRequest request;
  request.set_name("secret");
  v1::GetAssignmentResponse response;
  ASSERT_TRUE(GetAssignment(request, store, &response).ok());
  EXPECT_EQ(response.DebugString(), Shown(Secret()).DebugString());
  request.set_name("sekret");
  const absl::Status unknown = GetAssignment(request, store, &response);
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(unknown.message(),
            "name: no assignment is named 'sekret'; the closest name is 'secret'");
}

}  // namespace
}  // namespace gradus
