#ifndef GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_
#define GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_

#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/engine/limits.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// GradingService over the grader. `settings` and `pool` outlive the gRPC server that this is
// registered with.
class GradingServiceImpl final : public v1::GradingService::CallbackService {
 public:
  GradingServiceImpl(const CallSettings& settings, const Limits& limits, ComputePool& pool)
      : settings_(settings), limits_(limits), pool_(pool) {}

  grpc::ServerUnaryReactor* Grade(grpc::CallbackServerContext* context,
                                  const v1::GradeRequest* request,
                                  v1::GradeResponse* response) override;
  grpc::ServerBidiReactor<v1::GradeStreamRequest, v1::GradeStreamResponse>* GradeStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* LintAssignment(grpc::CallbackServerContext* context,
                                           const v1::LintAssignmentRequest* request,
                                           v1::LintAssignmentResponse* response) override;
  grpc::ServerUnaryReactor* ListAssignments(grpc::CallbackServerContext* context,
                                            const v1::ListAssignmentsRequest* request,
                                            v1::ListAssignmentsResponse* response) override;
  grpc::ServerUnaryReactor* GetAssignment(grpc::CallbackServerContext* context,
                                          const v1::GetAssignmentRequest* request,
                                          v1::GetAssignmentResponse* response) override;

 private:
  const CallSettings& settings_;
  const Limits limits_;
  ComputePool& pool_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_
