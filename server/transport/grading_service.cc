#include "server/transport/grading_service.h"

#include "server/grading/grade.h"
#include "server/grading/held_assignments.h"
#include "server/grading/lint.h"
#include "server/transport/grade_stream.h"
#include "server/transport/unary_call.h"

namespace gradus {
namespace {

constexpr Method MethodOf(std::string_view name) {
  return {v1::GradingService::service_full_name(), name};
}
constexpr Method kGrade = MethodOf("Grade");
constexpr Method kLintAssignment = MethodOf("LintAssignment");
constexpr Method kListAssignments = MethodOf("ListAssignments");
constexpr Method kGetAssignment = MethodOf("GetAssignment");

}  // namespace

grpc::ServerUnaryReactor* GradingServiceImpl::Grade(grpc::CallbackServerContext* context,
                                                    const v1::GradeRequest* request,
                                                    v1::GradeResponse* response) {
  auto* call = new UnaryCall(settings_, kGrade, context, request, response);
  call->RunOn(pool_, [this, call, request, response] {
    absl::Status status =
        gradus::Grade(*request, *assignments_, limits_, call->cancelled(), response);
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
  call->RunOn(pool_, [this, response] {
    *response = gradus::ListAssignments(*assignments_);
    return absl::OkStatus();
  });
  return call;
}

grpc::ServerUnaryReactor* GradingServiceImpl::GetAssignment(grpc::CallbackServerContext* context,
                                                            const v1::GetAssignmentRequest* request,
                                                            v1::GetAssignmentResponse* response) {
  auto* call = new UnaryCall(settings_, kGetAssignment, context, request, response);
  call->RunOn(pool_, [this, request, response] {
    return gradus::GetAssignment(*request, *assignments_, response);
  });
  return call;
}

}  // namespace gradus
