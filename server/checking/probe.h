#ifndef GRADUS_SERVER_CHECKING_PROBE_H_
#define GRADUS_SERVER_CHECKING_PROBE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "server/engine/graph.h"
#include "server/engine/world.h"
#include "server/tensor/dual.h"
#include "server/tensor/tensor.h"

namespace gradus {

// What a probe sees at one point.
struct Reading {
  double rise;   // of the objective, from the point where nothing is moved
  double slope;  // along the direction of the movement, exact but for rounding
  // Of the numbers that the rise is a difference of: what it is rounded against. 0 if the objective
  // does not depend on what moves.
  double magnitude;
  uint64_t branches;
  bool at_kink;

  // False: to the last digit, the objective does not depend on what was moved.
  bool moves() const { return rise != 0 || slope != 0; }
};

// The objective of a network as a function of one of its values, everything before that value being
// held: what a gradient claims to be the derivative of. It knows the forward code only. The
// objective is the sum of its elements times the upstream gradient.
//
// Not for two threads at once.
class Probe {
 public:
  // `world` holds the values of a forward pass. All three outlive the probe.
  Probe(const Graph& graph, const World<double>& world, const Tensor<double>& upstream);

  // Chooses the value that the following readings move.
  void Aim(ValueId value);

  const Tensor<double>& point() const { return base_.value(aim_); }

  // Moves element `position` by `step`.
  Reading Move(int64_t position, double step);
  // Moves the whole value by `step` times a direction of its shape.
  Reading Move(const Tensor<double>& direction, double step);

 private:
  Reading Read();

  const Graph& graph_;
  const World<double>& base_;
  const Tensor<double>& upstream_;
  World<Dual> world_;
  ValueId aim_ = 0;
  std::vector<ValueId> dependents_;
};

// Estimated floating-point operations of one reading that moves `value`.
double ReadingFlops(const Graph& graph, ValueId value);

}  // namespace gradus

#endif  // GRADUS_SERVER_CHECKING_PROBE_H_
