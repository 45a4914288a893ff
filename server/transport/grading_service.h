#ifndef GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_
#define GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_

#include <memory>
#include <utility>

#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/engine/limits.h"
#include "server/grading/assignment_store.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// GradingService over the grader. `assignments` are those that callers may name. `settings` and
// `pool` outlive the gRPC server that this is registered with.
class GradingServiceImpl final : public v1::GradingService::CallbackService {
 public:
  GradingServiceImpl(const CallSettings& settings, const Limits& limits,
                     std::shared_ptr<const AssignmentStore> assignments, ComputePool& pool)
      : settings_(settings), limits_(limits), assignments_(std::move(assignments)), pool_(pool) {}

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
  const std::shared_ptr<const AssignmentStore> assignments_;
  ComputePool& pool_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_
