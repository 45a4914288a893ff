#include "server/kernels/interruption.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/class_loss.h"

namespace gradus {
namespace {

struct MulticlassHinge : ClassLoss<MulticlassHinge> {
  static constexpr auto kCase = v1::Node::kMulticlassHinge;
  static constexpr std::string_view kFormula =
      "term = sum_{j != c} max(0, prediction_j - prediction_c + margin), c = target";
  static constexpr std::string_view kVjp =
      "grad(prediction_j) = u for each j != c that comes too near, else 0; grad(prediction_c) = "
      "-sum of those";
  static constexpr std::string_view kKinks =
      "prediction_j - prediction_c + margin = 0: derivative 0";
  static constexpr bool kTakesSoftLabels = false;

  static const v1::MulticlassHinge& Attributes(const v1::Node& node) {
    return node.multiclass_hinge();
  }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckNotNegative("multiclass_hinge.margin", Margin(node));
  }

  template <class T>
  static T Term(const v1::Node& node, const ClassExample<T>& y) {
    const int64_t right = y.Index();
    T sum = T(0);
    ForEachIndex(y.target.classes(), [&](int64_t wrong) {
      if (wrong != right) sum += Max(T(0), Excess(node, y, wrong, right));
    });
    return sum;
  }

  template <class T>
  static void AddGradient(const v1::Node& node, const ClassExample<T>& y, int, const T& upstream,
                          T* gradient) {
    const int64_t right = y.Index();
    ForEachIndex(y.target.classes(), [&](int64_t wrong) {
      if (wrong == right) return;
      const T pull = SelectPositive(Excess(node, y, wrong, right), upstream, T(0));
      gradient[wrong] += pull;
      gradient[right] -= pull;
    });
  }

 private:
  static double Margin(const v1::Node& node) {
    const v1::MulticlassHinge& attributes = node.multiclass_hinge();
    return attributes.has_margin() ? attributes.margin() : 1;
  }
  // By how much a wrong class comes too near to the right one.
  template <class T>
  static T Excess(const v1::Node& node, const ClassExample<T>& y, int64_t wrong, int64_t right) {
    return y[wrong] - y[right] + T(Margin(node));
  }
};

}  // namespace

const Op& MulticlassHingeOp() { return OpOf<MulticlassHinge>(); }

}  // namespace gradus
