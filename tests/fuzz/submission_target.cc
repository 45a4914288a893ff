#include "gradus/v1/grade.pb.h"
#include "server/files/json.h"
#include "server/grading/answer.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/promise.h"
#include "tests/fuzz/target.h"

namespace gradus::testing {
namespace {

void ReadAsAnswer(const v1::Answer& answer, const Shape& shape, const ReadOptions& options) {
  const ReadAnswer read = ReadAnswerFor(answer, shape, options);
  bool is_complete = static_cast<int64_t>(read.values.size()) == shape.element_count();
  Require(is_complete || read.values.empty(), "an answer has the item's elements, or none");
  for (const auto& value : read.values) is_complete = is_complete && value.has_value();
  Require(is_complete == read.problem.empty(), "what could not be read is a problem");
}

}  // namespace

void FuzzSubmission(std::string_view input) {
  v1::Submission submission;
  if (!ReadInput(input, &submission)) return;
  // Protobuf writes -0 into JSON and reads 0.
  for (v1::Answer& answer : *submission.mutable_answers()) {
    if (!answer.has_tensor()) continue;
    for (double& value : *answer.mutable_tensor()->mutable_values()) value += 0.0;
  }

  const absl::StatusOr<std::string> json = ToJson(submission, JsonFields::kSet);
  Require(json.ok(), "what can be read can be written as JSON");
  v1::Submission again;
  Require(ParseJson(*json, &again).ok(), "JSON that we wrote can be read");
  Require(*ToJson(again, JsonFields::kSet) == *json, "JSON holds all of a submission");

  const ReadOptions options = {.decimal_comma = submission.answers_size() % 2 == 1,
                               .declared = submission.declared_digits()};
  for (const v1::Answer& answer : submission.answers()) {
    for (const Shape& shape : {Shape(), Shape({2}), Shape({2, 2})}) {
      ReadAsAnswer(answer, shape, options);
    }
  }
}

}  // namespace gradus::testing
