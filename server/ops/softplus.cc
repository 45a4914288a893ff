#include "server/ops/activation.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/logistic.h"

namespace gradus {
namespace {

// Where beta z is large, as z + log(1 + exp(-beta z)) / beta, which does not overflow.
struct Softplus : Activation<Softplus> {
  static constexpr auto kCase = v1::Node::kSoftplus;
  static constexpr std::string_view kFormula = "a = log(1 + exp(beta z)) / beta";
  static constexpr std::string_view kVjp = "grad(z) = u / (1 + exp(-beta z))";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckPositive("softplus.beta", Beta(node));
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    // Both are the same function, so this is no kink.
    constexpr double kLarge = 30;
    const T beta = T(Beta(node));
    if (PlainValue(beta * z) > kLarge) return z + SoftPlus(-beta * z) / beta;
    return SoftPlus(beta * z) / beta;
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    return Logistic(T(Beta(node)) * z);
  }

 private:
  static double Beta(const v1::Node& node) {
    return node.softplus().has_beta() ? node.softplus().beta() : 1;
  }
};

}  // namespace

const Op& SoftplusOp() { return OpOf<Softplus>(); }

}  // namespace gradus
