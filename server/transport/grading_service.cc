#include "server/transport/grading_service.h"

#include "server/grading/grade.h"
#include "server/grading/lint.h"
#include "server/transport/grade_stream.h"
#include "server/transport/unary_call.h"
#include "server/transport/unimplemented.h"

namespace gradus {

grpc::ServerUnaryReactor* GradingServiceImpl::Grade(grpc::CallbackServerContext*,
                                                    const v1::GradeRequest* request,
                                                    v1::GradeResponse* response) {
  auto* call = new UnaryCall("Grade");
  call->RunOn(pool_, [this, call, request, response] {
    return gradus::Grade(*request, limits_, call->cancelled(), response);
  });
  return call;
}

grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse>*
GradingServiceImpl::GradeStream(grpc::CallbackServerContext*) {
  return new GradeStreamCall(limits_, GradeStreamLimits{}, pool_);
}

grpc::ServerUnaryReactor* GradingServiceImpl::LintAssignment(
    grpc::CallbackServerContext*, const v1::LintAssignmentRequest* request,
    v1::LintAssignmentResponse* response) {
  auto* call = new UnaryCall("LintAssignment");
  call->RunOn(pool_, [this, call, request, response] {
    return Lint(*request, limits_, call->cancelled(), response);
  });
  return call;
}

grpc::ServerUnaryReactor* GradingServiceImpl::ListAssignments(grpc::CallbackServerContext*,
                                                              const v1::ListAssignmentsRequest*,
                                                              v1::ListAssignmentsResponse*) {
  return new Unimplemented<grpc::ServerUnaryReactor>("ListAssignments");
}

grpc::ServerUnaryReactor* GradingServiceImpl::GetAssignment(grpc::CallbackServerContext*,
                                                            const v1::GetAssignmentRequest*,
                                                            v1::GetAssignmentResponse*) {
  return new Unimplemented<grpc::ServerUnaryReactor>("GetAssignment");
}

}  // namespace gradus
