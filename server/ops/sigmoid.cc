#include "server/ops/activation.h"
#include "server/ops/logistic.h"

namespace gradus {
namespace {

struct Sigmoid : Activation<Sigmoid> {
  static constexpr auto kCase = v1::Node::kSigmoid;
  static constexpr std::string_view kFormula = "a = 1 / (1 + exp(-z))";
  static constexpr std::string_view kVjp = "grad(z) = u a (1 - a), from the output";

  template <class T>
  static T Value(const v1::Node&, const T& z) {
    return Logistic(z);
  }
  template <class T>
  static T Slope(const v1::Node&, const T&, const T& a) {
    return a * (T(1) - a);
  }
};

}  // namespace

const Op& SigmoidOp() { return OpOf<Sigmoid>(); }

}  // namespace gradus
