#include "tests/fuzz/target.h"

#include "gradus/v1/gradient_service.pb.h"
#include "gradus/v1/grading_service.pb.h"

namespace gradus::testing {
namespace {

template <class Message>
const google::protobuf::Message* Default() {
  return &Message::default_instance();
}

constexpr FuzzTarget kTargets[] = {
    {"address", &FuzzAddress, nullptr},
    {"number", &FuzzNumber, nullptr},
    {"formula", &FuzzFormula, nullptr},
    {"token", &FuzzToken, nullptr},
    {"submission", &FuzzSubmission, &Default<v1::Submission>},
    {"compute", &FuzzCompute, &Default<v1::StepRequest>},
    {"check", &FuzzCheck, &Default<v1::CheckRequest>},
    {"grade", &FuzzGrade, &Default<v1::GradeRequest>},
    {"lint", &FuzzLint, &Default<v1::LintAssignmentRequest>},
};

}  // namespace

std::span<const FuzzTarget> FuzzTargets() { return kTargets; }

}  // namespace gradus::testing
