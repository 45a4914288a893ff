#ifndef GRADUS_SERVER_TRANSPORT_GRADIENT_SERVICE_H_
#define GRADUS_SERVER_TRANSPORT_GRADIENT_SERVICE_H_

#include "gradus/v1/gradient_service.grpc.pb.h"
#include "server/engine/limits.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// GradientService over the engine. `settings` and `pool` outlive the gRPC server that this is
// registered with.
class GradientServiceImpl final : public v1::GradientService::CallbackService {
 public:
  GradientServiceImpl(const CallSettings& settings, const Limits& limits, ComputePool& pool)
      : settings_(settings), limits_(limits), pool_(pool) {}

  grpc::ServerUnaryReactor* Forward(grpc::CallbackServerContext* context,
                                    const v1::ForwardRequest* request,
                                    v1::ForwardResponse* response) override;
  grpc::ServerUnaryReactor* Backward(grpc::CallbackServerContext* context,
                                     const v1::BackwardRequest* request,
                                     v1::BackwardResponse* response) override;
  grpc::ServerUnaryReactor* Step(grpc::CallbackServerContext* context,
                                 const v1::StepRequest* request,
                                 v1::StepResponse* response) override;
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const v1::CheckRequest* request,
                                  v1::CheckResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerWriteReactor<v1::StreamTraceResponse>* StreamTrace(
      grpc::CallbackServerContext* context, const v1::StreamTraceRequest* request) override;
  grpc::ServerUnaryReactor* ListOps(grpc::CallbackServerContext* context,
                                    const v1::ListOpsRequest* request,
                                    v1::ListOpsResponse* response) override;
  grpc::ServerUnaryReactor* GetLimits(grpc::CallbackServerContext* context,
                                      const v1::GetLimitsRequest* request,
                                      v1::GetLimitsResponse* response) override;

 private:
  const CallSettings& settings_;
  const Limits limits_;
  ComputePool& pool_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_GRADIENT_SERVICE_H_
