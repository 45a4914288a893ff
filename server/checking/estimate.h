#ifndef GRADUS_SERVER_CHECKING_ESTIMATE_H_
#define GRADUS_SERVER_CHECKING_ESTIMATE_H_

#include <optional>

#include "server/checking/probe.h"

namespace gradus {

// The slopes on both sides of a kink.
struct KinkSlopes {
  double left;
  double right;
};

// A derivative by some method.
struct Estimate {
  double value = 0;
  double error = 0;  // how far it may be from the truth; infinite if the method cannot tell
  std::optional<KinkSlopes> kink;
};

// The step beyond which a kink is not at the point any more, as a share of the point's size.
inline constexpr double kKinkDistance = 0x1p-30;

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_ESTIMATE_H_
