#include "server/ops/extremum.h"

namespace gradus {
namespace {

struct Maximum : Extremum<Maximum> {
  static constexpr auto kCase = v1::Node::kMaximum;
  static constexpr std::string_view kFormula = "y = max(a, b)";
  static constexpr std::string_view kVjp =
      "grad(a) = u where a > b, grad(b) = u where a < b, each summed over what it was broadcast to";

  static const v1::Maximum& Attributes(const v1::Node& node) { return node.maximum(); }

  template <class T>
  static T Choose(const T& a, const T& b) {
    return Max(a, b);
  }
  template <class T>
  static T SelectBeyond(const T& a, const T& b, const T& if_beyond, const T& otherwise) {
    return SelectGreater(a, b, if_beyond, otherwise);
  }
};

}  // namespace

const Op& MaximumOp() { return OpOf<Maximum>(); }

}  // namespace gradus
