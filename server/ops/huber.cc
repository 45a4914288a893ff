#include "server/ops/attribute_checks.h"
#include "server/ops/bent_line.h"
#include "server/ops/loss.h"

namespace gradus {
namespace {

struct Huber : ElementwiseLoss<Huber> {
  static constexpr auto kCase = v1::Node::kHuber;
  static constexpr std::string_view kFormula =
      "term = r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2), r = prediction - target";
  static constexpr std::string_view kVjp =
      "grad(prediction) = u r, with r limited to -delta ... delta; grad(target) = "
      "-grad(prediction)";

  static const v1::Huber& Attributes(const v1::Node& node) { return node.huber(); }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckPositive("huber.delta", Limit(node));
  }
  template <class T>
  static T Term(const v1::Node& node, const T& y, const T& t) {
    const double limit = Limit(node);
    const T r = y - t;
    return BentLine(r, limit, T(T(0.5) * Square(r)),
                    [&](const T& magnitude) { return T(limit) * (magnitude - T(limit / 2)); });
  }
  template <class T>
  static T PredictionSlope(const v1::Node& node, const T& y, const T& t) {
    return LimitMagnitude(T(y - t), Limit(node));
  }
  template <class T>
  static T TargetSlope(const v1::Node& node, const T& y, const T& t) {
    return LimitMagnitude(T(t - y), Limit(node));
  }

 private:
  static double Limit(const v1::Node& node) {
    return node.huber().has_delta() ? node.huber().delta() : 1;
  }
};

}  // namespace

const Op& HuberOp() { return OpOf<Huber>(); }

}  // namespace gradus
