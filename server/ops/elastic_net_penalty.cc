#include "server/ops/penalty.h"
#include "server/ops/sign.h"

namespace gradus {
namespace {

// A part whose share is 0 is left out: without |w| there is no kink.
struct ElasticNetPenalty : Penalty<ElasticNetPenalty> {
  static constexpr auto kCase = v1::Node::kElasticNetPenalty;
  static constexpr std::string_view kFormula =
      "y = strength (r sum |w| + (1 - r) / 2 sum w^2), r = l1_ratio";
  static constexpr std::string_view kVjp = "grad(w) = u strength (r sign(w) + (1 - r) w)";
  static constexpr std::string_view kKinks = "w = 0: |w| counts with slope 0";

  static const v1::ElasticNetPenalty& Attributes(const v1::Node& node) {
    return node.elastic_net_penalty();
  }
  static absl::Status CheckAttributes(const v1::Node& node) {
    return CheckFromTo("elastic_net_penalty.l1_ratio", node.elastic_net_penalty().l1_ratio(), 0, 1);
  }

  template <class T>
  static T Term(const v1::Node& node, const T& w) {
    const T ratio = T(node.elastic_net_penalty().l1_ratio());
    const T squares = (T(1) - ratio) * T(0.5) * Square(w);
    return IsKinked(node) ? T(ratio * Absolute(w) + squares) : squares;
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& w) {
    const T ratio = T(node.elastic_net_penalty().l1_ratio());
    const T squares = (T(1) - ratio) * w;
    return IsKinked(node) ? T(ratio * Sign(w) + squares) : squares;
  }

 private:
  static bool IsKinked(const v1::Node& node) { return node.elastic_net_penalty().l1_ratio() != 0; }
};

}  // namespace

const Op& ElasticNetPenaltyOp() { return OpOf<ElasticNetPenalty>(); }

}  // namespace gradus
