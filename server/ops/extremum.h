#ifndef GRADUS_SERVER_OPS_EXTREMUM_H_
#define GRADUS_SERVER_OPS_EXTREMUM_H_

#include "server/ops/elementwise.h"

namespace gradus {

// What the larger and the smaller of two operands have in common. `Impl` adds kCase, kFormula, kVjp
// and
//
//   static const auto& Attributes(const v1::Node& node);              has split_ties()
//   template <class T> static T Choose(const T& a, const T& b);       at a tie a counts
//   template <class T> static T Preference(const T& a, const T& b);   positive where a is chosen
template <class Impl>
struct Extremum : BinaryFunction<Impl> {
  static constexpr std::string_view kKinks =
      "a = b: all of the gradient goes to a, or half to each with split_ties";

  template <class T>
  static T Value(const v1::Node& node, const T& a, const T& b) {
    if (!Impl::Attributes(node).split_ties()) return Impl::Choose(a, b);
    // One number in two ways, which differ in who counts at a tie.
    return T(0.5) * Impl::Choose(a, b) + T(0.5) * Impl::Choose(b, a);
  }
  template <class T>
  static T DerivativeOfA(const v1::Node& node, const T& a, const T& b) {
    const T at_tie = T(Impl::Attributes(node).split_ties() ? 0.5 : 1);
    const T preference = Impl::Preference(a, b);
    return SelectPositive(preference, T(1), SelectPositive(-preference, T(0), at_tie));
  }
  template <class T>
  static T DerivativeOfB(const v1::Node& node, const T& a, const T& b) {
    return T(1) - DerivativeOfA(node, a, b);
  }
};

}  // namespace gradus

#endif  // GRADUS_SERVER_OPS_EXTREMUM_H_
