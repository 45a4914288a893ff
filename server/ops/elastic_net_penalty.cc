#include "server/ops/penalty.h"
#include "server/ops/sign.h"

namespace gradus {
namespace {

// A part whose share is 0 is left out: without |w| there is no kink, without w^2 no overflow.
struct ElasticNetPenalty : Penalty<ElasticNetPenalty> {
  static constexpr auto kCase = v1::Node::kElasticNetPenalty;
  static constexpr std::string_view kFormula =
      "y = strength (r sum |w| + (1 - r) / 2 sum w^2), r = l1_ratio";
  static constexpr std::string_view kVjp = "grad(w) = u strength (r sign(w) + (1 - r) w)";
  static constexpr std::string_view kKinks = "w = 0: derivative 0 of |w|";

  static const v1::ElasticNetPenalty& Attributes(const v1::Node& node) {
    return node.elastic_net_penalty();
  }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFromTo("elastic_net_penalty.l1_ratio", Ratio(node), 0, 1);
  }

  template <class T>
  static T Term(const v1::Node& node, const T& w) {
    const double ratio = Ratio(node);
    if (ratio == 1) return Absolute(w);
    const T squares = T((1 - ratio) / 2) * Square(w);
    return ratio == 0 ? squares : T(T(ratio) * Absolute(w) + squares);
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& w) {
    const double ratio = Ratio(node);
    if (ratio == 1) return Sign(w);
    return T(ratio) * Sign(w) + T(1 - ratio) * w;
  }

 private:
  static double Ratio(const v1::Node& node) { return node.elastic_net_penalty().l1_ratio(); }
};

}  // namespace

const Op& ElasticNetPenaltyOp() { return OpOf<ElasticNetPenalty>(); }

}  // namespace gradus
