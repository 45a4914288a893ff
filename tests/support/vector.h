// Test vectors from an independent oracle, as problems of ours.
//
// tests/golden/vectors/README.md describes the files. A vector is a small network together with
// every number that it computes; here it becomes a Problem, and each number gets its address.

#ifndef GRADUS_TESTS_SUPPORT_VECTOR_H_
#define GRADUS_TESTS_SUPPORT_VECTOR_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "gradus/v1/problem.pb.h"

namespace gradus::testing {

// What a quantity must be.
struct ExpectedQuantity {
  // In the grammar of trace.proto: "fc1", "loss@1", "grad(fc1.W)", "next(fc1.W)@2".
  std::string address;
  std::vector<int64_t> shape;
  // Row-major.
  std::vector<double> values;
  // Comes after an update, where the oracle promises a relative accuracy of 1e-8; elsewhere 1e-9,
  // with an absolute floor of 1e-11.
  bool after_step;
};

// One network with its numbers.
struct Vector {
  // Unique among the files; fit to be the name of a test.
  std::string name;
  // With an optimizer, and one empty batch per update, where the vector has a step. The loss is a
  // node "loss", the objective. Under regularization it is the sum of "data_loss" and one node for
  // each penalty, "penalty.1".
  v1::Problem problem;
  // Forward values, losses, gradients of the total loss, and parameters and optimizer state after
  // the last update.
  // "loss@k" after the last update is computed only where a StepRequest names it in `only`.
  std::vector<ExpectedQuantity> expected;
};

// Translates one vector. Throws std::runtime_error, with the name of the vector, where it has
// something that Gradus has not: an op, an attribute, a reduction or an optimizer.
Vector LoadVector(const nlohmann::json& vector);

// Every vector of the .json files in `directory`, also where a vector is nested in something else,
// in the order of the file names. Throws std::runtime_error, with the name of the file, where it
// cannot be read, holds no vector, or holds one that cannot be translated.
std::vector<Vector> LoadVectors(const std::filesystem::path& directory);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_VECTOR_H_
