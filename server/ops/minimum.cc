#include "server/ops/extremum.h"

namespace gradus {
namespace {

struct Minimum : Extremum<Minimum> {
  static constexpr auto kCase = v1::Node::kMinimum;
  static constexpr std::string_view kFormula = "y = min(a, b)";
  static constexpr std::string_view kVjp =
      "grad(a) = u where a < b, grad(b) = u where a > b, each summed over what it was broadcast to";

  static const v1::Minimum& Attributes(const v1::Node& node) { return node.minimum(); }

  template <class T>
  static T Choose(const T& a, const T& b) {
    return Min(a, b);
  }
  template <class T>
  static T SelectBeyond(const T& a, const T& b, const T& if_beyond, const T& otherwise) {
    return SelectGreater(T(-a), T(-b), if_beyond, otherwise);
  }
};

}  // namespace

const Op& MinimumOp() { return OpOf<Minimum>(); }

}  // namespace gradus
