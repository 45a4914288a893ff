#include "server/ops/activation.h"
#include "server/ops/logistic.h"

namespace gradus {
namespace {

struct Silu : Activation<Silu> {
  static constexpr auto kCase = v1::Node::kSilu;
  static constexpr std::string_view kFormula = "a = z s(z), s(z) = 1 / (1 + exp(-z))";
  static constexpr std::string_view kVjp = "grad(z) = u s(z) (1 + z (1 - s(z)))";

  template <class T>
  static T Value(const v1::Node&, const T& z) {
    return z * Logistic(z);
  }
  template <class T>
  static T Slope(const v1::Node&, const T& z, const T&) {
    return Logistic(z) * (T(1) + z * Logistic(-z));
  }
};

}  // namespace

const Op& SiluOp() { return OpOf<Silu>(); }

}  // namespace gradus
