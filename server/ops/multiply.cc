#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct Multiply : BinaryFunction<Multiply> {
  using OpBase::Flops;
  static constexpr auto kCase = v1::Node::kMultiply;
  static constexpr std::string_view kFormula = "y = a b";
  static constexpr std::string_view kVjp =
      "grad(a) = u b, grad(b) = u a, each summed over what it was broadcast to";

  template <class T>
  static T Value(const v1::Node&, const T& a, const T& b) {
    return a * b;
  }
  template <class T>
  static T DerivativeOfA(const v1::Node&, const T&, const T& b) {
    return b;
  }
  template <class T>
  static T DerivativeOfB(const v1::Node&, const T& a, const T&) {
    return a;
  }
};

}  // namespace

const Op& MultiplyOp() { return OpOf<Multiply>(); }

}  // namespace gradus
