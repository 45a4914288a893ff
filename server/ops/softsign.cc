#include "server/ops/activation.h"

namespace gradus {
namespace {

struct Softsign : Activation<Softsign> {
  static constexpr auto kCase = v1::Node::kSoftsign;
  static constexpr std::string_view kFormula = "a = z / (1 + |z|)";
  static constexpr std::string_view kVjp = "grad(z) = u / (1 + |z|)^2";

  template <class T>
  static T Value(const v1::Node&, const T& z) {
    return z / (T(1) + Absolute(z));
  }
  template <class T>
  static T Slope(const v1::Node&, const T& z, const T&) {
    return T(1) / Square(T(1) + Absolute(z));
  }
};

}  // namespace

const Op& SoftsignOp() { return OpOf<Softsign>(); }

}  // namespace gradus
