#include "server/ops/activation.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/bounds.h"

namespace gradus {
namespace {

struct HardSigmoid : Activation<HardSigmoid> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kHardSigmoid;
  static constexpr std::string_view kFormula = "a = slope z + 1/2, limited to 0 ... 1";
  static constexpr std::string_view kVjp = "grad(z) = u slope where 0 < slope z + 1/2 < 1, else 0";
  static constexpr std::string_view kKinks = "slope z = -1/2 and slope z = 1/2: derivative 0";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckPositive("hard_sigmoid.slope", SlopeInTheMiddle(node));
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    return Limit(kBounds, Line(node, z));
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    return T(SlopeInTheMiddle(node)) * LimitDerivative(kBounds, Line(node, z));
  }

 private:
  static constexpr Bounds kBounds = {.min = 0, .max = 1};

  static double SlopeInTheMiddle(const v1::Node& node) {
    return node.hard_sigmoid().has_slope() ? node.hard_sigmoid().slope() : 1.0 / 6;
  }
  template <class T>
  static T Line(const v1::Node& node, const T& z) {
    return T(SlopeInTheMiddle(node)) * z + T(0.5);
  }
};

}  // namespace

const Op& HardSigmoidOp() { return OpOf<HardSigmoid>(); }

}  // namespace gradus
