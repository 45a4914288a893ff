#include <vector>

#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/hypothesis.h"

namespace gradus {

std::span<const Hypothesis> Hypotheses() {
  static const std::vector<Hypothesis>* const kAll = [] {
    auto* all = new std::vector<Hypothesis>();
    for (const std::span<const Hypothesis> family :
         {ScaleHypotheses(), MeanHypotheses(), ActivationHypotheses(), SoftmaxHypotheses(),
          ConnectionHypotheses(), SumHypotheses(), NormalizationHypotheses(), UpdateHypotheses(),
          WritingHypotheses()}) {
      all->insert(all->end(), family.begin(), family.end());
    }
    return all;
  }();
  return *kAll;
}

}  // namespace gradus
