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
                                                    const v1::GradeRequest* request,
                                                    v1::GradeResponse* response) {
  auto* call = new UnaryCall(settings_, kGrade, context, request, response);
  call->RunOn(pool_, [this, call, request, response] {
    if (absl::Status s = MayGradeAgainst(call->caller(), *request); !s.ok()) return s;
    absl::Status status = gradus::Grade(*request, call->caller().max_feedback_level, *assignments_,
                                        limits_, call->cancelled(), response);
    if (status.ok()) call->AddGraded(1);
    return status;
  });
  return call;
}

grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse>*
GradingServiceImpl::GradeStream(grpc::CallbackServerContext* context) {
  return new GradeStreamCall(settings_, context, limits_, GradeStreamLimits{}, *assignments_,
                             pool_);
}

grpc::ServerUnaryReactor* GradingServiceImpl::LintAssignment(
    grpc::CallbackServerContext* context, const v1::LintAssignmentRequest* request,
    v1::LintAssignmentResponse* response) {
  auto* call = new UnaryCall(settings_, kLintAssignment, context, request, response);
  call->RunOn(pool_, [this, call, request, response] {
    return Lint(*request, limits_, call->cancelled(), response);
  });
  return call;
}

grpc::ServerUnaryReactor* GradingServiceImpl::ListAssignments(
    grpc::CallbackServerContext* context, const v1::ListAssignmentsRequest* request,
    v1::ListAssignmentsResponse* response) {
  auto* call = new UnaryCall(settings_, kListAssignments, context, request, response);
  call->RunOn(pool_, [this, call, response] {
    *response = gradus::ListAssignments(*assignments_);
    auto& names = *response->mutable_names();
    names.erase(
        std::remove_if(names.begin(), names.end(),
                       [&](const std::string& name) { return !MayUse(call->caller(), name).ok(); }),
        names.end());
    return absl::OkStatus();
  });
  return call;
}

grpc::ServerUnaryReactor* GradingServiceImpl::GetAssignment(grpc::CallbackServerContext* context,
                                                            const v1::GetAssignmentRequest* request,
                                                            v1::GetAssignmentResponse* response) {
  auto* call = new UnaryCall(settings_, kGetAssignment, context, request, response);
  call->RunOn(pool_, [this, call, request, response] {
    if (absl::Status s = MayUse(call->caller(), request->name()); !s.ok()) return s;
    return gradus::GetAssignment(*request, *assignments_, response);
  });
  return call;
}

}  // namespace gradus
