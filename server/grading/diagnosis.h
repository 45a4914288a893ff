#ifndef GRADUS_SERVER_GRADING_DIAGNOSIS_H_
#define GRADUS_SERVER_GRADING_DIAGNOSIS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "server/checking/tolerance.h"
#include "server/grading/compiled_problem.h"
#include "server/grading/hypotheses/hypothesis.h"
#include "server/grading/view.h"

namespace gradus {

// One number of a tensor in which something went wrong.
struct Evidence {
  int64_t position;
  double written;
  bool is_wrong;    // else it is right, and a hypothesis must agree with it too
  double widening;  // what the window grows by on either side
  Tolerance tolerance;
};

// What may be said about a tensor in which something went wrong.
struct Diagnosis {
  // The known mistakes that explain every number written, and that chance could not explain.
  // Several explain the same numbers: they cannot be told apart. Generic ones only where no
  // structural one is found.
  std::vector<const Hypothesis*> named;
  // Whether a structural mistake explains the numbers, but is not named as chance could too. Nobody
  // can say then that no mistake explains them.
  bool has_unnamed = false;
};

// `right` is F_q from `own`, its windows widened as for judging; `own` is as before afterwards.
Diagnosis NameMistakes(const CompiledProblem& problem, View& own, const Quantity& q,
                       const Estimated& right, const std::vector<Evidence>& evidence);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_DIAGNOSIS_H_
