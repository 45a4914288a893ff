#include "server/kernels/interruption.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/vector_loss.h"

namespace gradus {
namespace {

// The distance of two vectors, or its square.
template <class T>
class Distance {
 public:
  // All outlive it.
  Distance(const v1::TripletLoss& attributes, const Tensor<T>& from, const Tensor<T>& to,
           const Lane& lane)
      : attributes_(attributes), from_(from), to_(to), lane_(lane) {
    if (attributes.squared()) {
      ForEachIndex(lane.length, [&](int64_t i) { value_ += Square(Difference(i)); });
    } else {
      value_ = EuclideanLength<T>(lane.length, [&](int64_t i) { return Difference(i); });
    }
  }

  const T& value() const { return value_; }
  // dvalue/dfrom_i; dvalue/dto_i is its negative. Of a distance of 0 it is 0.
  T Slope(int64_t i) const {
    if (attributes_.squared()) return T(2) * Difference(i);
    // Never beyond -1 ... 1: this says it where the distance is an interval from near 0.
    const T slope = Max(T(-1), Min(T(1), T(Difference(i) / value_)));
    return SelectPositive(value_, slope, T(0));
  }

 private:
  T Difference(int64_t i) const {
    return from_[lane_[i]] - to_[lane_[i]] + T(attributes_.difference_offset());
  }

  const v1::TripletLoss& attributes_;
  const Tensor<T>& from_;
  const Tensor<T>& to_;
  const Lane lane_;
  T value_ = T(0);
};

struct TripletLoss : VectorLoss<TripletLoss> {
  static constexpr auto kCase = v1::Node::kTripletLoss;
  static constexpr std::string_view kFormula =
      "term = max(0, d(anchor, positive) - d(anchor, negative) + margin), d(x, y) = |x - y + "
      "difference_offset|, or its square with squared";
  static constexpr std::string_view kVjp =
      "grad(anchor) = u (p - n), grad(positive) = -u p, grad(negative) = u n where the term is "
      "above 0, else 0; p = (anchor - positive + difference_offset) / d(anchor, positive), n the "
      "same for negative; with squared, 2 in place of 1 / d";
  static constexpr std::string_view kKinks =
      "d(anchor, positive) - d(anchor, negative) + margin = 0: derivative 0; d = 0 unless "
      "squared: derivative 0 of d";
  static constexpr std::string_view kOperands[] = {"anchor", "positive", "negative"};
  static constexpr int kVectorOperands = 3;

  static const v1::TripletLoss& Attributes(const v1::Node& node) { return node.triplet_loss(); }

  static absl::Status CheckAttributes(const v1::Node& node) {
    if (absl::Status s = CheckNotNegative("triplet_loss.margin", Margin(node)); !s.ok()) {
      return s;
    }
    return CheckFinite("triplet_loss.difference_offset", node.triplet_loss().difference_offset());
  }

  template <class T>
  static T Term(const OpCall<T>& call, int64_t, const Lane& lane) {
    return Max(T(0), Excess(call, To(call, 1, lane), To(call, 2, lane)));
  }

  template <class T>
  static void AddGradient(const OpCall<T>& call, int64_t, const Lane& lane, int position,
                          const T& upstream, Tensor<T>& gradient) {
    const Distance<T> positive = To(call, 1, lane);
    const Distance<T> negative = To(call, 2, lane);
    const T pull = SelectPositive(Excess(call, positive, negative), upstream, T(0));
    ForEachIndex(lane.length, [&](int64_t i) {
      const T slope = position == 0   ? T(positive.Slope(i) - negative.Slope(i))
                      : position == 1 ? T(-positive.Slope(i))
                                      : negative.Slope(i);
      gradient[lane[i]] += pull * slope;
    });
  }

 private:
  static double Margin(const v1::Node& node) {
    return node.triplet_loss().has_margin() ? node.triplet_loss().margin() : 1;
  }
  // The distance of the anchor from the operand at `position`.
  template <class T>
  static Distance<T> To(const OpCall<T>& call, int position, const Lane& lane) {
    return {call.node.triplet_loss(), call[0], call[position], lane};
  }
  // By how much the positive example is too far, or the negative one too near.
  template <class T>
  static T Excess(const OpCall<T>& call, const Distance<T>& positive, const Distance<T>& negative) {
    return positive.value() - negative.value() + T(Margin(call.node));
  }
};

}  // namespace

const Op& TripletLossOp() { return OpOf<TripletLoss>(); }

}  // namespace gradus
