#ifndef GRADUS_SERVER_TENSOR_SCALAR_H_
#define GRADUS_SERVER_TENSOR_SCALAR_H_

#include <tuple>

namespace gradus {

// The number systems that every op is compiled for: Family<T> once per scalar. A further one, such
// as dual numbers, is added here, brings the functions below and those of <cmath>, and touches no
// op.
template <template <class> class Family>
using PerScalar = std::tuple<Family<double>, Family<float>>;

// The plain number nearest to x, without derivative or width. What is computed from it is a
// constant: the shift of a softmax, an index.
inline double PlainValue(double x) { return x; }
inline double PlainValue(float x) { return static_cast<double>(x); }

// `if_positive` where x > 0, else `otherwise`. Ops branch on computed numbers only through this,
// because "x > 0" is undecided for an interval around 0, which takes the hull of both.
template <class T>
T SelectPositive(const T& x, const T& if_positive, const T& otherwise) {
  return x > T(0) ? if_positive : otherwise;
}

}  // namespace gradus

#endif  // GRADUS_SERVER_TENSOR_SCALAR_H_
