#include "server/transport/gradient_service.h"

#include <optional>
#include <utility>

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

// True if Prepare itself is sure to be quick on a small request: it takes well under a microsecond
// per thing named.
template <class Request>
bool IsQuickToPrepare(const Request& request) {
  constexpr int kMaxThings = 32;
  const v1::Network& network = request.problem().network();
  int things = request.problem().inputs_size() + request.problem().batches_size() +
               request.pins_size() + request.trace().only_size() + network.inputs_size() +
               network.parameters_size() + network.nodes_size();
  if (things > kMaxThings) return false;
  for (const v1::Node& node : network.nodes()) things += node.inputs_size();
  return things <= 2 * kMaxThings;
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
grpc::ServerUnaryReactor* Serve(TypedCall<Request, Response>* call, const Limits& limits,
                                ComputePool& pool, GraphCache& graphs) {
  const auto compute = [call, limits, &graphs] {
    const absl::StatusOr<Evaluation> evaluation = Prepare(call->request(), limits, &graphs);
    if (!evaluation.ok()) return evaluation.status();
    return gradus::Run(*evaluation, call->cancelled(), &call->response());
  };
  if (!call->IsSmall()) {
    call->RunOn(pool, compute);
    return call;
  }
  if (const absl::Status read = call->ReadRequest(); !read.ok()) {
    call->Refuse(read);
    return call;
  }
  if (!IsQuickToPrepare(call->request())) {
    call->RunOn(pool, compute);
    return call;
  }
  std::optional<Evaluation> evaluation;
  const absl::Status prepared = WithoutExceptions(call->method(), [&] {
    absl::StatusOr<Evaluation> result = Prepare(call->request(), limits, &graphs);
    if (!result.ok()) return result.status();
    evaluation = *std::move(result);
    return absl::OkStatus();
  });
  if (!prepared.ok()) {
    call->Refuse(prepared);
  } else if (evaluation->plan.EstimatedMicroseconds() <= kInlineMicroseconds) {
    call->Run([&] { return gradus::Run(*evaluation, call->cancelled(), &call->response()); });
  } else {
    call->RunOn(pool, [call, evaluation = *std::move(evaluation)] {
      return gradus::Run(evaluation, call->cancelled(), &call->response());
    });
  }
  return call;
}

}  // namespace

grpc::ServerUnaryReactor* GradientServiceImpl::Forward(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::ForwardRequest, v1::ForwardResponse>(settings_, kForward, context,
                                                                      request, response);
  return Serve(call, limits_, pool_, graphs_);
}

grpc::ServerUnaryReactor* GradientServiceImpl::Backward(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::BackwardRequest, v1::BackwardResponse>(settings_, kBackward,
                                                                        context, request, response);
  return Serve(call, limits_, pool_, graphs_);
}

grpc::ServerUnaryReactor* GradientServiceImpl::Step(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::StepRequest, v1::StepResponse>(settings_, kStep, context, request,
                                                                response);
  return Serve(call, limits_, pool_, graphs_);
}

grpc::ServerUnaryReactor* GradientServiceImpl::Check(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::CheckRequest, v1::CheckResponse>(settings_, kCheck, context,
                                                                  request, response);
  call->RunOn(pool_, [this, call] {
    return gradus::Check(call->request(), limits_, call->cancelled(), &call->response(), &graphs_);
  });
  return call;
}

grpc::ServerUnaryReactor* GradientServiceImpl::Explain(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::ExplainRequest, v1::ExplainResponse>(settings_, kExplain, context,
                                                                      request, response);
  call->Refuse(NotImplemented(kExplain.name));
  return call;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* GradientServiceImpl::StreamTrace(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer*) {
  return new Unimplemented<grpc::ServerWriteReactor<grpc::ByteBuffer>>(settings_, kStreamTrace,
                                                                       *context);
}

grpc::ServerUnaryReactor* GradientServiceImpl::ListOps(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::ListOpsRequest, v1::ListOpsResponse>(settings_, kListOps, context,
                                                                      request, response);
  call->RunOn(pool_, [call] { return gradus::ListOps(call->request(), &call->response()); });
  return call;
}

grpc::ServerUnaryReactor* GradientServiceImpl::GetLimits(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  auto* call = new TypedCall<v1::GetLimitsRequest, v1::GetLimitsResponse>(
      settings_, kGetLimits, context, request, response);
  const auto work = [call, limits = limits_] {
    v1::GetLimitsResponse& told = call->response();
    told.set_version(kVersion);
    told.set_max_name_count(limits.max_names);
    told.set_max_tensor_element_count(limits.max_tensor_elements);
    told.set_max_computation_bytes(static_cast<int64_t>(limits.max_bytes));
    told.set_max_computation_flops(limits.max_flops);
    told.set_max_operand_count(limits.max_operands);
    told.set_max_request_bytes(limits.max_request_bytes);
    told.set_max_response_bytes(static_cast<int64_t>(limits.max_response_bytes));
    return absl::OkStatus();
  };
  if (call->IsSmall()) {
    call->Run(work);
  } else {
    call->RunOn(pool_, work);
  }
  return call;
}

}  // namespace gradus
