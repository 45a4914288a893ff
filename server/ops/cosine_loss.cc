#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/vector_loss.h"

namespace gradus {
namespace {

// The cosine of two vectors. 1 - cos is computed as |a/|a| - b/|b||^2 / 2, which keeps its digits
// for vectors that are nearly parallel and is exactly 0 for equal ones.
template <class T>
class Cosine {
 public:
  // `a` and `b` outlive it.
  Cosine(const Tensor<T>& a, const Tensor<T>& b, const Lane& lane)
      : a_(a), b_(b), lane_(lane), a_length_(LengthOf(a, lane)), b_length_(LengthOf(b, lane)) {
    T sum = T(0);
    ForEachIndex(lane.length, [&](int64_t i) {
      value_ += UnitA(i) * UnitB(i);
      sum += Square(T(UnitA(i) - UnitB(i)));
    });
    complement_ = T(0.5) * sum;
  }

  const T& value() const { return value_; }
  // 1 - value.
  const T& complement() const { return complement_; }
  // dvalue/da_i = (b_i/|b| - cos a_i/|a|) / |a|, and the same for b.
  T SlopeOfA(int64_t i) const {
    return ((UnitB(i) - UnitA(i)) + complement_ * UnitA(i)) / a_length_;
  }
  T SlopeOfB(int64_t i) const {
    return ((UnitA(i) - UnitB(i)) + complement_ * UnitB(i)) / b_length_;
  }

 private:
  static T LengthOf(const Tensor<T>& x, const Lane& lane) {
    return EuclideanLength<T>(lane.length, [&](int64_t i) { return x[lane[i]]; });
  }
  T UnitA(int64_t i) const { return a_[lane_[i]] / a_length_; }
  T UnitB(int64_t i) const { return b_[lane_[i]] / b_length_; }

  const Tensor<T>& a_;
  const Tensor<T>& b_;
  const Lane lane_;
  T a_length_;
  T b_length_;
  T value_ = T(0);
  T complement_;
};

// Targets choose between two functions, and so have gradient 0.
struct CosineLoss : VectorLoss<CosineLoss> {
  static constexpr auto kCase = v1::Node::kCosineLoss;
  static constexpr std::string_view kFormula =
      "term = 1 - cos where target > 0 or there is none, else max(0, cos - margin), cos = a b' / "
      "(|a| |b|)";
  static constexpr std::string_view kVjp =
      "grad(a) = v (b / |b| - cos a / |a|) / |a|, grad(b) = v (a / |a| - cos b / |b|) / |b|, v = "
      "-u where target > 0, else u where cos > margin, else 0; grad(target) = 0";
  static constexpr std::string_view kKinks = "target <= 0 and cos = margin: derivative 0";
  static constexpr std::string_view kOperands[] = {"a", "b", "target"};
  static constexpr int kOptionalOperands = 1;
  static constexpr int kVectorOperands = 2;

  static const v1::CosineLoss& Attributes(const v1::Node& node) { return node.cosine_loss(); }

  static absl::Status CheckOthers(const ShapeCall& call) {
    const Shape& a = call.operands[0];
    if (call.operands.size() > 2 && call.operands[2] != ExamplesOf(a)) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("a has shape {}, target has shape {}, expected one number per example {}",
                      a.ToString(), call.operands[2].ToString(), ExamplesOf(a).ToString()));
    }
    return absl::OkStatus();
  }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFromTo("cosine_loss.margin", node.cosine_loss().margin(), -1, 1);
  }

  template <class T>
  static T Term(const OpCall<T>& call, int64_t example, const Lane& lane) {
    const Cosine<T> cosine(call[0], call[1], lane);
    if (IsLike(call, example)) return cosine.complement();
    return Max(T(0), Excess(call, cosine));
  }

  template <class T>
  static void AddGradient(const OpCall<T>& call, int64_t example, const Lane& lane, int position,
                          const T& upstream, Tensor<T>& gradient) {
    if (position == 2) return;
    const Cosine<T> cosine(call[0], call[1], lane);
    const T toward =
        IsLike(call, example) ? -upstream : SelectPositive(Excess(call, cosine), upstream, T(0));
    ForEachIndex(lane.length, [&](int64_t i) {
      gradient[lane[i]] += toward * (position == 0 ? cosine.SlopeOfA(i) : cosine.SlopeOfB(i));
    });
  }

 private:
  // Whether the vectors of an example ought to be parallel.
  template <class T>
  static bool IsLike(const OpCall<T>& call, int64_t example) {
    return call.operand_count() < 3 || PlainValue(call[2][example]) > 0;
  }
  // By how much unlike vectors are too near.
  template <class T>
  static T Excess(const OpCall<T>& call, const Cosine<T>& cosine) {
    return cosine.value() - T(call.node.cosine_loss().margin());
  }
};

}  // namespace

const Op& CosineLossOp() { return OpOf<CosineLoss>(); }

}  // namespace gradus
