#ifndef GRADUS_SERVER_OPS_EXTREMUM_H_
#define GRADUS_SERVER_OPS_EXTREMUM_H_

#include "server/ops/elementwise.h"

namespace gradus {

// What the larger and the smaller of two operands have in common. `Impl` adds kCase, kFormula, kVjp
// and
//
//   static const auto& Attributes(const v1::Node& node);         has split_ties()
//   template <class T> static T Choose(const T& a, const T& b);  at a tie a counts
//   // `if_beyond` where a is chosen and b is not, else `otherwise`.
//   template <class T> static T SelectBeyond(const T& a, const T& b, const T& if_beyond,
//                                            const T& otherwise);
template <class Impl>
struct Extremum : BinaryFunction<Impl> {
  static constexpr std::string_view kKinks =
      "a = b: derivative 1 by a and 0 by b, or 1/2 by each with split_ties";

  template <class T>
  static T Value(const v1::Node& node, const T& a, const T& b) {
    if (!Impl::Attributes(node).split_ties()) return Impl::Choose(a, b);
    // One number in two ways, which differ in who counts at a tie.
    return T(0.5) * Impl::Choose(a, b) + T(0.5) * Impl::Choose(b, a);
  }
  template <class T>
  static T DerivativeOfA(const v1::Node& node, const T& a, const T& b) {
    const T at_tie = T(Impl::Attributes(node).split_ties() ? 0.5 : 1);
    return Impl::SelectBeyond(a, b, T(1), Impl::SelectBeyond(b, a, T(0), at_tie));
  }
  template <class T>
  static T DerivativeOfB(const v1::Node& node, const T& a, const T& b) {
    return T(1) - DerivativeOfA(node, a, b);
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_EXTREMUM_H_
