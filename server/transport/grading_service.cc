#include "server/transport/grading_service.h"

#include <algorithm>
#include <string>

#include "server/grading/grade.h"
#include "server/grading/held_assignments.h"
#include "server/grading/lint.h"
#include "server/transport/grade_stream.h"
#include "server/transport/unary_call.h"

namespace gradus {
namespace {

constexpr Method GradingMethod(std::string_view name, Access access) {
  return {v1::GradingService::service_full_name(), name, access};
}
constexpr Method kGrade = GradingMethod("Grade", Access::kStudents);
constexpr Method kLintAssignment = GradingMethod("LintAssignment", Access::kStaff);
constexpr Method kListAssignments = GradingMethod("ListAssignments", Access::kStudents);
constexpr Method kGetAssignment = GradingMethod("GetAssignment", Access::kStudents);

}  // namespace

grpc::ServerUnaryReactor* GradingServiceImpl::Grade(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::GradeRequest, v1::GradeResponse>(settings_, kGrade, context,
                                                                  request, response);
  call->RunOn(pool_, [this, call] {
    if (absl::Status s = MayGradeAgainst(call->caller(), call->request()); !s.ok()) return s;
    absl::Status status =
        gradus::Grade(call->request(), call->caller().max_feedback_level, *assignments_, limits_,
                      call->cancelled(), &call->response());
    if (status.ok()) call->AddGraded(1);
    return status;
  });
  return call;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GradingServiceImpl::GradeStream(
    grpc::CallbackServerContext* context) {
  return new GradeStreamCall(settings_, context, limits_, GradeStreamLimits{}, *assignments_,
                             pool_);
}

grpc::ServerUnaryReactor* GradingServiceImpl::LintAssignment(grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer* request,
                                                             grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::LintAssignmentRequest, v1::LintAssignmentResponse>(
      settings_, kLintAssignment, context, request, response);
  call->RunOn(pool_, [this, call] {
    return Lint(call->request(), limits_, call->cancelled(), &call->response());
  });
  return call;
}

grpc::ServerUnaryReactor* GradingServiceImpl::ListAssignments(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::ListAssignmentsRequest, v1::ListAssignmentsResponse>(
      settings_, kListAssignments, context, request, response);
  call->RunOn(pool_, [this, call] {
    call->response() = gradus::ListAssignments(*assignments_);
    auto& names = *call->response().mutable_names();
    names.erase(
        std::remove_if(names.begin(), names.end(),
                       [&](const std::string& name) { return !MayUse(call->caller(), name).ok(); }),
        names.end());
    return absl::OkStatus();
  });
  return call;
}

grpc::ServerUnaryReactor* GradingServiceImpl::GetAssignment(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request,
                                                            grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::GetAssignmentRequest, v1::GetAssignmentResponse>(
      settings_, kGetAssignment, context, request, response);
  call->RunOn(pool_, [this, call] {
    if (absl::Status s = MayUse(call->caller(), call->request().name()); !s.ok()) return s;
    return gradus::GetAssignment(call->request(), *assignments_, &call->response());
  });
  return call;
}

}  // namespace gradus
