#ifndef GRADUS_SERVER_GRADING_FORMULA_DRAWS_H_
#define GRADUS_SERVER_GRADING_FORMULA_DRAWS_H_

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"

#include "server/engine/graph.h"
#include "server/engine/plan.h"
#include "server/grading/formula.h"
#include "server/tensor/tensor.h"

namespace gradus {

// The numbers of a problem for random values of its parameters and inputs, to tell whether two
// formulas are the same: at the problem's own values a wrong one may be right by chance.
//
// Every parameter and input is drawn, with magnitudes from 0.1 to 1; not so inputs that are read as
// indices, the upstream gradient and the optimizer's state, which stay as given. Rows of an input
// that sum to 1, such as one-hot targets, do so in every draw, since right formulas rest on it:
// p - t is the gradient of a cross entropy only then. In ten draws both signs occur, every other
// one having the parameters of the one before it with opposite signs, so that each unit of a first
// rectifier is on in one and off in the other; in ten more all numbers are positive, for logarithms
// and roots. The draws are the same on every machine.
//
// Draws are made when first needed. They are kept up to some megabytes; what is beyond is made anew
// each time.
//
// Safe from several threads at once; nobody waits while another makes a draw.
class FormulaDraws {
 public:
  // The plan, which has no pins, outlives the draws.
  explicit FormulaDraws(const Plan& plan);

  // Are two formulas equal in the first five draws in which both are finite? False if there are
  // fewer. Equal is a difference of at most 1e-9 of the larger one; or, where terms cancel, one
  // that a relative change of 1e-13 in what the formulas name would make, and of at most 1e-12 of
  // the largest number named, so that two ways to write zero may count as different, but nothing
  // small counts as zero. A quantity that the plan does not compute is NaN. Errors: CANCELLED, or
  // that of Execute for numbers that are kept.
  absl::StatusOr<bool> AreEqual(const Formula& a, const Formula& b,
                                const std::atomic<bool>& cancelled) const;

 private:
  static constexpr size_t kDraws = 20;

  // Every quantity, given ones included, by update.
  using Numbers = std::map<std::pair<Quantity, int>, Tensor<double>>;

  absl::StatusOr<std::shared_ptr<const Numbers>> Draw(size_t i,
                                                      const std::atomic<bool>& cancelled) const;
  absl::StatusOr<Numbers> Make(size_t i, const std::atomic<bool>& cancelled) const;

  const Plan& plan_;
  mutable std::mutex mutex_;
  mutable std::array<std::shared_ptr<const Numbers>, kDraws> kept_;  // null: not made, or not kept
  mutable double kept_bytes_ = 0;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_FORMULA_DRAWS_H_
