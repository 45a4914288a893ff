#ifndef GRADUS_SERVER_GRADING_HYPOTHESES_HYPOTHESIS_H_
#define GRADUS_SERVER_GRADING_HYPOTHESES_HYPOTHESIS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "server/engine/quantity.h"
#include "server/grading/compiled_problem.h"
#include "server/tensor/interval.h"
#include "server/tensor/tensor.h"

namespace gradus {

// A place where something went wrong, in one number system: double, or Interval for the windows.
template <class T>
struct Scene {
  const CompiledProblem& problem;
  const Quantity& quantity;  // the root
  int update;                // its update
  // The student's own numbers, or what follows from them, up to the quantity; what comes later in
  // the order is not there yet. Hypotheses change it by an Override only.
  World<T>& own;
  // What correct arithmetic makes of the quantity from `own`.
  const Tensor<T>& right;
  // What the student wrote, row-major; nullopt where nothing could be read.
  std::span<const std::optional<double>> written;
  // Positions of what was written and judged wrong.
  std::span<const int64_t> wrong;

  const Graph& graph() const { return problem.graph(); }
  // What correct arithmetic makes of any quantity from `own` as it is now.
  Tensor<T> Compute(const Quantity& q) const { return problem.Compute(own, q, update); }
};

// What a mistake makes of the quantity: several readings where it can be made in several ways, none
// where it cannot be made. All have the quantity's shape. The readings of both number systems are
// the same, in the same order.
template <class T>
using Readings = std::vector<Tensor<T>>;

enum class Generality {
  // Says what was done wrong in the calculation.
  kStructural,
  // Says how the numbers look; is named only when no structural mistake is.
  kGeneric,
};

// A known mistake.
struct Hypothesis {
  // Stable identifier in snake_case.
  std::string_view code;
  // What happened and what to look at, for the student: whole sentences, no number.
  std::string_view message;
  Generality generality;
  void (*add_numbers)(const Scene<double>&, Readings<double>&);
  void (*add_windows)(const Scene<Interval>&, Readings<Interval>&);
};

// The Hypothesis that a struct describes by kCode, kMessage, optionally kGenerality, and
//
//   template <class T> static void Add(const Scene<T>& scene, Readings<T>& readings);
template <class Impl>
constexpr Hypothesis HypothesisOf() {
  Generality generality = Generality::kStructural;
  if constexpr (requires { Impl::kGenerality; }) generality = Impl::kGenerality;
  return {Impl::kCode, Impl::kMessage, generality, &Impl::template Add<double>,
          &Impl::template Add<Interval>};
}

// The catalogue, more general ones first: a special case of another follows it.
std::span<const Hypothesis> Hypotheses();

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_HYPOTHESES_HYPOTHESIS_H_
