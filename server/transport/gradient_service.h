#ifndef GRADUS_SERVER_TRANSPORT_GRADIENT_SERVICE_H_
#define GRADUS_SERVER_TRANSPORT_GRADIENT_SERVICE_H_

#include <grpcpp/support/byte_buffer.h>

#include "gradus/v1/gradient_service.grpc.pb.h"
#include "server/engine/graph_cache.h"
#include "server/engine/limits.h"
#include "server/transport/call.h"
#include "server/transport/compute_pool.h"

namespace gradus {

// The service with all its RPCs over bytes.
using RawGradientService = v1::GradientService::WithRawCallbackMethod_Forward<
    v1::GradientService::WithRawCallbackMethod_Backward<
        v1::GradientService::WithRawCallbackMethod_Step<
            v1::GradientService::WithRawCallbackMethod_Check<
                v1::GradientService::WithRawCallbackMethod_Explain<
                    v1::GradientService::WithRawCallbackMethod_StreamTrace<
                        v1::GradientService::WithRawCallbackMethod_ListOps<
                            v1::GradientService::WithRawCallbackMethod_GetLimits<
                                v1::GradientService::Service>>>>>>>>;

// GradientService over the engine. `settings` and `pool` outlive the gRPC server that this is
// registered with.
class GradientServiceImpl final : public RawGradientService {
 public:
  GradientServiceImpl(const CallSettings& settings, const Limits& limits, ComputePool& pool)
      : settings_(settings), limits_(limits), pool_(pool) {}

  const GraphCache& graphs() const { return graphs_; }

  grpc::ServerUnaryReactor* Forward(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Backward(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Step(grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamTrace(grpc::CallbackServerContext* context,
                                                          const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListOps(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetLimits(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;

 private:
  const CallSettings& settings_;
  const Limits limits_;
  ComputePool& pool_;
  GraphCache graphs_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_GRADIENT_SERVICE_H_
