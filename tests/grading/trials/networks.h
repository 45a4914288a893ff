#ifndef GRADUS_TESTS_GRADING_TRIALS_NETWORKS_H_
#define GRADUS_TESTS_GRADING_TRIALS_NETWORKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/v1/assignment.pb.h"
#include "gradus/v1/problem.pb.h"

namespace gradus::testing {

// A network that grading is tried on.
struct TrialNetwork {
  std::string kind;  // what is particular about it
  v1::Problem problem;
};

// `count` networks of each kind: random widths of 2 to 4, batches of none, 1 to 4, numbers of order
// one. There is a kind for every part that a known mistake is about.
std::vector<TrialNetwork> TrialNetworks(uint64_t seed, int count);

// An assignment that asks for every quantity of a problem under its address, with 3 decimals
// required, and tells everything.
v1::Assignment AskForAll(const v1::Problem& problem);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_GRADING_TRIALS_NETWORKS_H_
