#include <cmath>

#include "fmt/format.h"
#include "server/ops/activation.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// Where exp(beta z) is large, as z + log(1 + exp(-beta z)) / beta, which does not overflow.
struct Softplus : Activation<Softplus> {
  static constexpr auto kCase = v1::Node::kSoftplus;
  static constexpr std::string_view kFormula = "a = log(1 + exp(beta z)) / beta";
  static constexpr std::string_view kVjp = "grad(z) = u / (1 + exp(-beta z))";

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    const double beta = Beta(call.node);
    if (!std::isfinite(beta) || beta <= 0) {
      return FieldError("softplus.beta", Reason::kInvalidValue,
                        fmt::format("{} is not a finite number above 0", beta));
    }
    return call.operands[0];
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    using std::exp;
    using std::log1p;
    // Both are the same function, so this is no kink.
    constexpr double kLarge = 30;
    const double beta = Beta(node);
    const T scaled = T(beta) * z;
    if (PlainValue(scaled) > kLarge) return z + log1p(exp(-scaled)) / T(beta);
    return log1p(exp(scaled)) / T(beta);
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    using std::exp;
    return T(1) / (T(1) + exp(T(-Beta(node)) * z));
  }

 private:
  static double Beta(const v1::Node& node) {
    return node.softplus().has_beta() ? node.softplus().beta() : 1;
  }
};

}  // namespace

const Op& SoftplusOp() { return OpOf<Softplus>(); }

}  // namespace gradus
