#include <cmath>

#include "server/ops/elementwise.h"

namespace gradus {
namespace {

struct Log : ElementwiseFunction<Log> {
  static constexpr auto kCase = v1::Node::kLog;
  static constexpr std::string_view kFormula = "y = log(x)";
  static constexpr std::string_view kVjp = "grad(x) = u / x";

  template <class T>
  static T Value(const v1::Node&, const T& x) {
    using std::log;
    return log(x);
  }
  template <class T>
  static T InputGradient(const v1::Node&, const T& u, const T& x) {
    return u / x;
  }
};

}  // namespace

const Op& LogOp() { return OpOf<Log>(); }

}  // namespace gradus
