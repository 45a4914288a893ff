#ifndef GRADUS_SERVER_GRADING_HYPOTHESES_FAMILIES_H_
#define GRADUS_SERVER_GRADING_HYPOTHESES_FAMILIES_H_

#include <span>

#include "server/grading/hypotheses/hypothesis.h"

namespace gradus {

// The hypotheses of each file.
std::span<const Hypothesis> ScaleHypotheses();          // sign, factors, constants
std::span<const Hypothesis> MeanHypotheses();           // sums and means
std::span<const Hypothesis> ActivationHypotheses();     // slopes and activations
std::span<const Hypothesis> SoftmaxHypotheses();        // softmax and its losses
std::span<const Hypothesis> ConnectionHypotheses();     // what is read: weights, inputs, paths
std::span<const Hypothesis> SumHypotheses();            // biases
std::span<const Hypothesis> NormalizationHypotheses();  // terms of a normalisation
std::span<const Hypothesis> UpdateHypotheses();         // the optimizer's step
std::span<const Hypothesis> WritingHypotheses();        // how numbers look

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_HYPOTHESES_FAMILIES_H_
