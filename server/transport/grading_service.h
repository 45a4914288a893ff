#ifndef GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_
#define GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_

#include <memory>
#include <utility>

#include <grpcpp/support/byte_buffer.h>

#include "gradus/v1/grading_service.grpc.pb.h"
#include "server/engine/limits.h"
#include "server/grading/assignment_store.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// The service with all its RPCs over bytes.
using RawGradingService = v1::GradingService::WithRawCallbackMethod_Grade<
    v1::GradingService::WithRawCallbackMethod_GradeStream<
        v1::GradingService::WithRawCallbackMethod_LintAssignment<
            v1::GradingService::WithRawCallbackMethod_ListAssignments<
                v1::GradingService::WithRawCallbackMethod_GetAssignment<
                    v1::GradingService::Service>>>>>;

// GradingService over the grader. `assignments` are those that callers may name. `settings` and
// `pool` outlive the gRPC server that this is registered with.
class GradingServiceImpl final : public RawGradingService {
 public:
  GradingServiceImpl(const CallSettings& settings, const Limits& limits,
                     std::shared_ptr<const AssignmentStore> assignments, ComputePool& pool)
      : settings_(settings), limits_(limits), assignments_(std::move(assignments)), pool_(pool) {}

  grpc::ServerUnaryReactor* Grade(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GradeStream(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* LintAssignment(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListAssignments(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetAssignment(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  const CallSettings& settings_;
  const Limits limits_;
  const std::shared_ptr<const AssignmentStore> assignments_;
  ComputePool& pool_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_GRADING_SERVICE_H_
