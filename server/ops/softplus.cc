#include <cmath>

#include "fmt/format.h"
#include "server/ops/activation.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// Softplus, elementwise:  a = log(1 + exp(beta z)) / beta,
// as max(z, 0) + log(1 + exp(-|beta z|)) / beta, which neither overflows nor loses the small tail.
// Slope 1 / (1 + exp(-beta z)).
struct Softplus : Activation<Softplus> {
  static constexpr auto kCase = v1::Node::kSoftplus;

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
    const T beta = T(Beta(node));
    const T minus_magnitude = SelectPositive(z, -z, z);
    return SelectPositive(z, z, T(0)) + log1p(exp(beta * minus_magnitude)) / beta;
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
