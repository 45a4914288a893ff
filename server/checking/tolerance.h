#ifndef GRADUS_SERVER_CHECKING_TOLERANCE_H_
#define GRADUS_SERVER_CHECKING_TOLERANCE_H_

#include <cmath>

namespace gradus {

// How far a number may be from a reference: a part relative to the reference plus an absolute
// floor. The floor is in the units of the quantity; it must stay below the smallest difference that
// matters.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

// |x - reference| <= absolute + relative |reference|. NaN and infinity, in any of the three, are
// near nothing; the comparison is written so that an unordered one fails.
inline bool IsNear(double x, double reference, const Tolerance& tolerance) {
  const double allowed = tolerance.absolute + tolerance.relative * std::abs(reference);
  if (!std::isfinite(x) || !std::isfinite(reference) || !std::isfinite(allowed)) return false;
  return !(std::abs(x - reference) > allowed);
}

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_TOLERANCE_H_
