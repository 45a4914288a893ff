#include "server/ops/attribute_checks.h"
#include "server/ops/loss.h"

namespace gradus {
namespace {

struct BinaryHinge : ElementwiseLoss<BinaryHinge> {
  static constexpr auto kCase = v1::Node::kBinaryHinge;
  static constexpr std::string_view kFormula = "term = max(0, margin - target prediction)";
  static constexpr std::string_view kVjp =
      "grad(prediction) = -u target and grad(target) = -u prediction where the term is above 0, "
      "else 0";
  static constexpr std::string_view kKinks = "target prediction = margin: derivative 0";

  static const v1::BinaryHinge& Attributes(const v1::Node& node) { return node.binary_hinge(); }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckNotNegative("binary_hinge.margin", Margin(node));
  }
  template <class T>
  static T Term(const v1::Node& node, const T& y, const T& t) {
    return Max(T(0), T(T(Margin(node)) - t * y));
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& y, const T& t) {
    return SelectPositive(T(T(Margin(node)) - t * y), T(-t), T(0));
  }
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& y, const T& t) {
    return PredictionSlope(node, t, y);
  }

 private:
  static double Margin(const v1::Node& node) {
    return node.binary_hinge().has_margin() ? node.binary_hinge().margin() : 1;
  }
};

}  // namespace

const Op& BinaryHingeOp() { return OpOf<BinaryHinge>(); }

}  // namespace gradus
