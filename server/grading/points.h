#ifndef GRADUS_SERVER_GRADING_POINTS_H_
#define GRADUS_SERVER_GRADING_POINTS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gradus {

// Points are added as whole thousandths, so that a sum of them is exact.

// The thousandths of the points in a report; 0 for NaN and below 0, which are no points.
inline int64_t ToThousandths(double points) {
  constexpr double kMostPoints = 1e10;  // 10,000 items of 1,000,000 points
  if (!(points > 0)) return 0;
  return std::llround(std::min(points, kMostPoints) * 1000);
}

inline double ToPoints(int64_t thousandths) { return static_cast<double>(thousandths) / 1000; }

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_POINTS_H_
