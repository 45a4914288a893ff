#ifndef GRADUS_SERVER_GRADING_VIEW_H_
#define GRADUS_SERVER_GRADING_VIEW_H_

#include <cstdint>
#include <optional>

#include "server/engine/step.h"
#include "server/engine/world.h"
#include "server/grading/compiled_problem.h"
#include "server/tensor/interval.h"
#include "server/tensor/tensor.h"

namespace gradus {

// A quantity as a number and as an interval around it, element by element.
struct Estimated {
  Tensor<double> numbers;
  Tensor<Interval> windows;
};

// One world of a paper, held as numbers and as intervals, one update at a time.
//
// Not for two threads at once.
class View {
 public:
  // `problem` outlives the view.
  explicit View(const CompiledProblem& problem)
      : problem_(problem),
        numbers_(problem.graph(), problem.plan().slot_count()),
        windows_(problem.graph(), problem.plan().slot_count()) {}

  // Goes on to an update: 0 at first, then one after the other. Inputs are exact; so are the
  // parameters before the first update.
  void Begin(int update);
  // Takes over all that another view of the same problem holds.
  void CopyFrom(const View& other);

  // F_q, from what the view holds.
  Estimated Compute(const Quantity& q);
  void Set(const Quantity& q, Estimated estimated);
  Estimated At(const Quantity& q) { return {numbers_.At(q), windows_.At(q)}; }

  World<double>& numbers() { return numbers_; }
  World<Interval>& windows() { return windows_; }
  int update() const { return update_; }

 private:
  const CompiledProblem& problem_;
  World<double> numbers_;
  World<Interval> windows_;
  int update_ = 0;
  // Made when the first of an update's results is computed: all gradients are there by then.
  std::optional<Updater<double>> numbers_updater_;
  std::optional<Updater<Interval>> windows_updater_;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_VIEW_H_
