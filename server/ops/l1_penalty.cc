#include "server/ops/penalty.h"
#include "server/ops/sign.h"

namespace gradus {
namespace {

struct L1Penalty : Penalty<L1Penalty> {
  static constexpr auto kCase = v1::Node::kL1Penalty;
  static constexpr std::string_view kFormula = "y = strength sum |w|";
  static constexpr std::string_view kVjp = "grad(w) = u strength sign(w)";
  static constexpr std::string_view kKinks = "w = 0: derivative 0";

  static const v1::L1Penalty& Attributes(const v1::Node& node) { return node.l1_penalty(); }

  template <class T>
  static T Term(const v1::Node&, const T& w) {
    return Absolute(w);
  }
  template <class T>
  static T Slope(const v1::Node&, const T& w) {
    return Sign(w);
  }
};

}  // namespace

const Op& L1PenaltyOp() { return OpOf<L1Penalty>(); }

}  // namespace gradus
