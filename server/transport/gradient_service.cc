#include "server/transport/gradient_service.h"

#include <optional>

#include "absl/status/statusor.h"

#include "server/checking/check.h"
#include "server/engine/evaluation.h"
#include "server/ops/documentation.h"
#include "server/transport/unary_call.h"
#include "server/transport/unimplemented.h"
#include "server/transport/version.h"

namespace gradus {
namespace {

// A gRPC thread does no more work than this: it also serves health checks and cancellations.
constexpr double kInlineMicroseconds = 20;

// True if Prepare itself is sure to be quick: it takes well under a microsecond per thing named.
template <class Request>
bool IsQuickToPrepare(const Request& request) {
  constexpr int kMaxThings = 32;
  constexpr size_t kMaxBytes = size_t{16} * 1024;
  const v1::Network& network = request.problem().network();
  int things = request.problem().inputs_size() + request.problem().batches_size() +
               request.pins_size() + request.trace().only_size() + network.inputs_size() +
               network.parameters_size() + network.nodes_size();
  if (things > kMaxThings) return false;
  for (const v1::Node& node : network.nodes()) things += node.inputs_size();
  return things <= 2 * kMaxThings && request.ByteSizeLong() <= kMaxBytes;
}

// Students could have their homework done, so they get nothing computed.
constexpr Method GradientMethod(std::string_view name, Access access = Access::kStaff) {
  return {v1::GradientService::service_full_name(), name, access};
}
constexpr Method kForward = GradientMethod("Forward");
constexpr Method kBackward = GradientMethod("Backward");
constexpr Method kStep = GradientMethod("Step");
constexpr Method kCheck = GradientMethod("Check");
constexpr Method kExplain = GradientMethod("Explain");
constexpr Method kStreamTrace = {v1::GradientService::service_full_name(), "StreamTrace",
                                 Access::kStaff, /*is_stream=*/true};
constexpr Method kListOps = GradientMethod("ListOps", Access::kStudents);
constexpr Method kGetLimits = GradientMethod("GetLimits", Access::kStudents);

// Small requests are answered on the calling thread, all others on the pool.
template <class Request, class Response>
grpc::ServerUnaryReactor* Serve(UnaryCall* call, const Method& method, const Limits& limits,
                                ComputePool& pool, const Request* request, Response* response) {
  if (!call->admission().ok()) {
    call->Answer(call->admission());
    return call;
  }
  if (!IsQuickToPrepare(*request)) {
    call->RunOn(pool, [call, request, response, limits] {
      const absl::StatusOr<Evaluation> evaluation = Prepare(*request, limits);
      if (!evaluation.ok()) return evaluation.status();
      return gradus::Run(*evaluation, call->cancelled(), response);
    });
    return call;
  }
  std::optional<Evaluation> evaluation;
  const absl::Status prepared = WithoutExceptions(method, [&] {
    absl::StatusOr<Evaluation> result = Prepare(*request, limits);
    if (!result.ok()) return result.status();
    evaluation = *std::move(result);
    return absl::OkStatus();
  });
  if (!prepared.ok()) {
    call->Answer(prepared);
  } else if (evaluation->plan.EstimatedMicroseconds() <= kInlineMicroseconds) {
    call->Run([&] { return gradus::Run(*evaluation, call->cancelled(), response); });
  } else {
    call->RunOn(pool, [call, response, evaluation = *std::move(evaluation)] {
      return gradus::Run(evaluation, call->cancelled(), response);
    });
  }
  return call;
}

}  // namespace

grpc::ServerUnaryReactor* GradientServiceImpl::Forward(grpc::CallbackServerContext* context,
                                                       const v1::ForwardRequest* request,
                                                       v1::ForwardResponse* response) {
  return Serve(new UnaryCall(settings_, kForward, context, request, response), kForward, limits_,
               pool_, request, response);
}

grpc::ServerUnaryReactor* GradientServiceImpl::Backward(grpc::CallbackServerContext* context,
                                                        const v1::BackwardRequest* request,
                                                        v1::BackwardResponse* response) {
  return Serve(new UnaryCall(settings_, kBackward, context, request, response), kBackward, limits_,
               pool_, request, response);
}

grpc::ServerUnaryReactor* GradientServiceImpl::Step(grpc::CallbackServerContext* context,
                                                    const v1::StepRequest* request,
                                                    v1::StepResponse* response) {
  return Serve(new UnaryCall(settings_, kStep, context, request, response), kStep, limits_, pool_,
               request, response);
}

grpc::ServerUnaryReactor* GradientServiceImpl::Check(grpc::CallbackServerContext* context,
                                                     const v1::CheckRequest* request,
                                                     v1::CheckResponse* response) {
  auto* call = new UnaryCall(settings_, kCheck, context, request, response);
  call->RunOn(pool_, [call, request, response, limits = limits_] {
    return gradus::Check(*request, limits, call->cancelled(), response);
  });
  return call;
}

grpc::ServerUnaryReactor* GradientServiceImpl::Explain(grpc::CallbackServerContext* context,
                                                       const v1::ExplainRequest* request,
                                                       v1::ExplainResponse* response) {
  auto* call = new UnaryCall(settings_, kExplain, context, request, response);
  call->Answer(NotImplemented(kExplain.name));
  return call;
}

grpc::ServerWriteReactor<v1::StreamTraceResponse>* GradientServiceImpl::StreamTrace(
    grpc::CallbackServerContext* context, const v1::StreamTraceRequest*) {
  return new Unimplemented<grpc::ServerWriteReactor<v1::StreamTraceResponse>>(
      settings_, kStreamTrace, *context);
}

grpc::ServerUnaryReactor* GradientServiceImpl::ListOps(grpc::CallbackServerContext* context,
                                                       const v1::ListOpsRequest* request,
                                                       v1::ListOpsResponse* response) {
  auto* call = new UnaryCall(settings_, kListOps, context, request, response);
  call->RunOn(pool_, [request, response] { return gradus::ListOps(*request, response); });
  return call;
}

grpc::ServerUnaryReactor* GradientServiceImpl::GetLimits(grpc::CallbackServerContext* context,
                                                         const v1::GetLimitsRequest* request,
                                                         v1::GetLimitsResponse* response) {
  response->set_version(kVersion);
  response->set_max_name_count(limits_.max_names);
  response->set_max_tensor_element_count(limits_.max_tensor_elements);
  response->set_max_computation_bytes(static_cast<int64_t>(limits_.max_bytes));
  response->set_max_computation_flops(limits_.max_flops);
  response->set_max_operand_count(limits_.max_operands);
  response->set_max_request_bytes(limits_.max_request_bytes);
  response->set_max_response_bytes(static_cast<int64_t>(limits_.max_response_bytes));
  auto* call = new UnaryCall(settings_, kGetLimits, context, request, response);
  call->Answer(absl::OkStatus());
  return call;
}

}  // namespace gradus
