#ifndef GRADUS_SERVER_GRADING_WORLDS_H_
#define GRADUS_SERVER_GRADING_WORLDS_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "server/grading/assignment.h"
#include "server/grading/diagnosis.h"
#include "server/grading/paper.h"

namespace gradus {

// A tensor, or an item whose key is a formula, with numbers that are wrong in themselves.
struct Root {
  std::string quantity;               // its address; empty for a formula
  std::vector<size_t> items;          // that ask for it
  std::vector<std::string> elements;  // addresses of the wrong ones, unless it has one only
  int64_t order = 0;
  bool is_slip = false;
  Diagnosis diagnosis;
  // The wrong elements, as item and element.
  std::vector<std::pair<size_t, size_t>> wrong;
  // For mistakes that are told by how a tensor looks and not by the catalogue.
  bool is_single = false;
};

// Judges what a paper says about one problem: fills in its elements, and adds the roots in order of
// computation. CANCELLED is the only error.
absl::Status JudgeProblem(const CompiledAssignment& assignment, size_t problem,
                          const std::atomic<bool>& cancelled, Paper& paper,
                          std::vector<Root>& roots);

}  // namespace gradus

#endif  // GRADUS_SERVER_GRADING_WORLDS_H_
