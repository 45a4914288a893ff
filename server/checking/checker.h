#ifndef GRADUS_SERVER_CHECKING_CHECKER_H_
#define GRADUS_SERVER_CHECKING_CHECKER_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gradus/v1/gradient_service.pb.h"
#include "server/checking/estimate.h"
#include "server/checking/probe.h"
#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/tensor.h"

namespace gradus {

struct CheckOptions {
  // As CheckRequest.relative_tolerance; 0: the method's default.
  double relative_tolerance = 0;
  // Of random directions.
  uint64_t seed = 0;
};

// Judges gradients of one computation by methods that do not use the backward pass. What counts as
// agreement is documented at CheckRequest and CheckResult.
//
// Not for two threads at once.
class Checker {
 public:
  // `world` holds the values and gradients of one forward and backward pass, whose objective has
  // the upstream gradient `upstream`. All outlive the checker. Once `cancelled` is true, checks end
  // soon, and their results mean nothing.
  Checker(const Graph& graph, const World<double>& world, const Tensor<double>& upstream,
          const CheckOptions& options, const std::atomic<bool>& cancelled);

  // Checks `gradient`, ours or somebody else's, against one method. It has the value's shape.
  v1::CheckResult Check(ValueId value, const Tensor<double>& gradient, v1::CheckMethod method);

 private:
  // What the derivative along one way is by a method, and by the gradient.
  struct Comparison {
    Estimate numeric;
    double analytic;
    double rounding;  // of either, at most
    v1::CheckVerdict verdict;
  };

  bool IsCancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void BoundRounding(const Tensor<double>& upstream);
  // What is seen of it along a direction: steps so small that the function is a straight line, but
  // for rounding.
  double MeasureNoise(const Tensor<double>& direction, double size);
  double Relative(v1::CheckMethod method) const;
  // Decides about one element or direction; `scale` is the size of the largest number around.
  void Judge(Comparison& comparison, double relative, double scale) const;
  bool AcceptsZero(const Comparison& comparison, double relative, double scale) const;

  v1::CheckResult CheckElements(ValueId value, const Tensor<double>& gradient,
                                v1::CheckMethod method);
  v1::CheckResult CheckDirection(ValueId value, const Tensor<double>& gradient,
                                 v1::CheckMethod method);
  static void AddFinding(const Comparison& comparison, const std::string& address,
                         v1::CheckResult& result);
  // A result without a conclusion.
  v1::CheckResult ResultFor(ValueId value, v1::CheckMethod method) const;
  std::string Describe(const v1::CheckResult& result, const Tensor<double>& analytic,
                       const Tensor<double>& numeric) const;

  const Graph& graph_;
  const World<double>& world_;
  const CheckOptions options_;
  const std::atomic<bool>& cancelled_;
  Probe probe_;
  // By value: how far rounding may take each element of its gradient.
  std::vector<Tensor<double>> rounding_;
  // How far rounding in the forward pass can take the objective at most, and does when the value
  // that the probe aims at moves.
  double most_noise_ = 0;
  double noise_ = 0;
};

// Estimated floating-point operations of making a checker, and of checking a gradient by all of
// `methods`.
double CheckerFlops(const Graph& graph);
double CheckFlops(const Graph& graph, ValueId value, std::span<const v1::CheckMethod> methods);

// Bytes that a checker and its largest check take, estimated.
double CheckerBytes(const Graph& graph);

// Bytes of a result in a response, at most, estimated.
double CheckResultBytes(const Value& value);

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_CHECKER_H_
