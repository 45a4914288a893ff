#include "server/ops/activation.h"
#include "server/ops/bounds.h"

namespace gradus {
namespace {

struct Hardtanh : Activation<Hardtanh> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kHardtanh;
  static constexpr std::string_view kFormula = "a = z, or the bound that z lies beyond";
  static constexpr std::string_view kVjp = "grad(z) = u where min < z < max, else 0";
  static constexpr std::string_view kKinks = "z = min and z = max: derivative 0";

  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckBounds(BoundsOf(node), "hardtanh");
  }
  template <class T>
  static T Value(const v1::Node& node, const T& z) {
    return Limit(BoundsOf(node), z);
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& z, const T&) {
    return LimitDerivative(BoundsOf(node), z);
  }

 private:
  static Bounds BoundsOf(const v1::Node& node) {
    const v1::Hardtanh& attributes = node.hardtanh();
    return {.min = attributes.has_min() ? attributes.min() : -1,
            .max = attributes.has_max() ? attributes.max() : 1};
  }
};

}  // namespace

const Op& HardtanhOp() { return OpOf<Hardtanh>(); }

}  // namespace gradus
