#include "server/ops/penalty.h"

namespace gradus {
namespace {

struct L2Penalty : Penalty<L2Penalty> {
  static constexpr auto kCase = v1::Node::kL2Penalty;
  static constexpr std::string_view kFormula = "y = strength sum w^2, or half of it with halved";
  static constexpr std::string_view kVjp = "grad(w) = 2 u strength w, or u strength w with halved";

  static const v1::L2Penalty& Attributes(const v1::Node& node) { return node.l2_penalty(); }

  template <class T>
  static T Term(const v1::Node& node, const T& w) {
    return node.l2_penalty().halved() ? T(T(0.5) * Square(w)) : Square(w);
  }
  template <class T>
  static T Slope(const v1::Node& node, const T& w) {
    return node.l2_penalty().halved() ? w : T(T(2) * w);
  }
};

}  // namespace

const Op& L2PenaltyOp() { return OpOf<L2Penalty>(); }

}  // namespace gradus
