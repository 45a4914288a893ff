#include "server/ops/bounds.h"
#include "server/ops/elementwise.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

struct Clip : ElementwiseFunction<Clip> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kClip;
  static constexpr std::string_view kFormula = "y = x, or the bound that x lies beyond";
  static constexpr std::string_view kVjp = "grad(x) = u where min < x < max, else 0";
  static constexpr std::string_view kKinks = "x = min and x = max: derivative 0";

  static absl::Status CheckAttributes(const v1::Node& node) {
    const Bounds bounds = BoundsOf(node);
    if (!bounds.min.has_value() && !bounds.max.has_value()) {
      return FieldError("clip", Reason::kMissingField, "no bound; set min, max or both");
    }
    return CheckBounds(bounds, "clip");
  }
  template <class T>
  static T Value(const v1::Node& node, const T& x) {
    return Limit(BoundsOf(node), x);
  }
  template <class T>
  static T Derivative(const v1::Node& node, const T& x) {
    return LimitDerivative(BoundsOf(node), x);
  }

 private:
  static Bounds BoundsOf(const v1::Node& node) {
    Bounds bounds;
    if (node.clip().has_min()) bounds.min = node.clip().min();
    if (node.clip().has_max()) bounds.max = node.clip().max();
    return bounds;
  }
};

}  // namespace

const Op& ClipOp() { return OpOf<Clip>(); }

}  // namespace gradus
