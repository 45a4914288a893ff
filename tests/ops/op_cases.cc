#include "tests/ops/op_cases.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "google/protobuf/descriptor.h"

#include "fmt/format.h"
#include "gradus/v1/network.pb.h"

namespace gradus::testing {
namespace {

// A domain whose elements are drawn one by one.
template <class Draw>
Domain Elementwise(Draw draw) {
  return [draw](const Shape& shape, Random& random) {
    Tensor<double> tensor(shape);
    for (int64_t i = 0; i < tensor.size(); ++i) tensor[i] = draw(random);
    return tensor;
  };
}

// Every op but the losses.
std::vector<OpCase> Rows() {
  return {
      // Dense: no bias, one per unit, one shared by all units; one example, a batch, a batch of
      // sequences; and beyond the size from which the product is vectorised.
      {.op = "dense {}", .operands = {{3}, {2, 3}}, .output = Shape{2}},
      {.op = "dense {}", .operands = {{3}, {2, 3}, {2}}, .output = Shape{2}},
      {.op = "dense {}", .operands = {{3}, {2, 3}, {1}}, .output = Shape{2}},
      {.op = "dense {}", .operands = {{4, 3}, {2, 3}}, .output = Shape{4, 2}},
      {.op = "dense {}", .operands = {{4, 3}, {2, 3}, {2}}, .output = Shape{4, 2}},
      {.op = "dense {}", .operands = {{4, 3}, {2, 3}, {1}}, .output = Shape{4, 2}},
      {.op = "dense {}", .operands = {{2, 4, 3}, {5, 3}}, .output = Shape{2, 4, 5}},
      {.op = "dense {}", .operands = {{2, 4, 3}, {5, 3}, {5}}, .output = Shape{2, 4, 5}},
      {.op = "dense {}", .operands = {{2, 4, 3}, {5, 3}, {1}}, .output = Shape{2, 4, 5}},
      {.op = "dense {}", .operands = {{4, 3}, {1, 3}, {1}}, .output = Shape{4, 1}},
      {.op = "dense {}", .operands = {{3, 1}, {2, 1}, {2}}, .output = Shape{3, 2}},
      {.op = "dense {}", .operands = {{9, 8}, {10, 8}, {10}}, .output = Shape{9, 10}},

      // Elementwise arithmetic: equal shapes, and each way to broadcast.
      {.op = "add {}", .operands = {{2, 3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "add {}", .operands = {{2, 3}, {3}}, .output = Shape{2, 3}},
      {.op = "add {}", .operands = {{3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "add {}", .operands = {{2, 1}, {1, 3}}, .output = Shape{2, 3}},
      {.op = "add {}", .operands = {{2, 3, 4}, {2, 1, 4}}, .output = Shape{2, 3, 4}},
      {.op = "add {}", .operands = {{2, 3}, {}}, .output = Shape{2, 3}},
      {.op = "add {}", .operands = {{}, {}}, .output = Shape{}},
      {.op = "add {}", .operands = {{2, 3}, {2, 3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "add {}", .operands = {{2, 1}, {}, {3}, {4, 1, 1}}, .output = Shape{4, 2, 3}},
      {.op = "subtract {}", .operands = {{2, 3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "subtract {}", .operands = {{2, 3}, {3}}, .output = Shape{2, 3}},
      {.op = "subtract {}", .operands = {{3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "subtract {}", .operands = {{2, 1}, {1, 3}}, .output = Shape{2, 3}},
      {.op = "subtract {}", .operands = {{}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "multiply {}", .operands = {{2, 3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "multiply {}", .operands = {{2, 3}, {3}}, .output = Shape{2, 3}},
      {.op = "multiply {}", .operands = {{3}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "multiply {}", .operands = {{2, 1}, {1, 3}}, .output = Shape{2, 3}},
      {.op = "multiply {}", .operands = {{2, 3, 4}, {2, 1, 4}}, .output = Shape{2, 3, 4}},
      {.op = "multiply {}", .operands = {{}, {2, 3}}, .output = Shape{2, 3}},
      {.op = "multiply {}", .operands = {{}, {}}, .output = Shape{}},
      {.op = "scale { factor: -1.5 }", .operands = {{2, 3}}, .output = Shape{2, 3}},
      {.op = "scale {}", .operands = {{3}}, .output = Shape{3}},
      {.op = "divide {}",
       .operands = {{2, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{2, 3}, {3}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{2, 1}, {1, 3}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{2, 3, 4}, {2, 1, 4}},
       .output = Shape{2, 3, 4},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{2, 3}, {}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "divide {}",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {AnyReal(), Magnitudes(0.5, 2)}},
      {.op = "maximum {}",
       .operands = {{2, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum {}",
       .operands = {{2, 3}, {3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum {}",
       .operands = {{3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum {}",
       .operands = {{2, 1}, {1, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum {}",
       .operands = {{}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum {}",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum { split_ties: true }",
       .operands = {{2, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "maximum { split_ties: true }",
       .operands = {{2, 3, 4}, {1, 3, 1}},
       .output = Shape{2, 3, 4},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum {}",
       .operands = {{2, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum {}",
       .operands = {{2, 3}, {3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum {}",
       .operands = {{3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum {}",
       .operands = {{2, 1}, {1, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum {}",
       .operands = {{}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum {}",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum { split_ties: true }",
       .operands = {{2, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},
      {.op = "minimum { split_ties: true }",
       .operands = {{2, 3, 4}, {1, 3, 1}},
       .output = Shape{2, 3, 4},
       .domains = {Magnitudes(0.1, 1), Magnitudes(1.1, 2)}},

      // Elementwise functions: powers that are whole, negative, neither, and constant.
      {.op = "power { exponent: 3 }", .operands = {{2, 3}}},
      {.op = "power { exponent: 2 }", .operands = {{2, 3}}},
      {.op = "power { exponent: 1 }", .operands = {{2, 3}}},
      {.op = "power { exponent: -2 }", .operands = {{2, 3}}, .domains = {Magnitudes(0.5, 2)}},
      {.op = "power { exponent: -1 }", .operands = {{2, 3}}, .domains = {Magnitudes(0.5, 2)}},
      {.op = "power { exponent: 0.5 }", .operands = {{2, 3}}, .domains = {Positive()}},
      {.op = "power { exponent: 2.5 }", .operands = {{2, 3}}, .domains = {Positive()}},
      {.op = "power { exponent: -1.5 }", .operands = {{2, 3}}, .domains = {Positive()}},
      {.op = "power {}", .operands = {{3}}},
      {.op = "exp {}", .operands = {{2, 3}}},
      {.op = "exp {}", .operands = {{}}},
      {.op = "log {}", .operands = {{2, 3}}, .domains = {Positive()}},
      {.op = "log {}", .operands = {{}}, .domains = {Positive()}},
      {.op = "sqrt {}", .operands = {{2, 3}}, .domains = {Positive()}},
      {.op = "sqrt {}", .operands = {{}}, .domains = {Positive()}},
      {.op = "abs {}", .operands = {{2, 3}}, .domains = {AwayFromZero()}},
      {.op = "abs {}", .operands = {{}}, .domains = {AwayFromZero()}},
      {.op = "negate {}", .operands = {{2, 3}}},
      {.op = "negate {}", .operands = {{}}},
      {.op = "clip { min: -1 }", .operands = {{3, 4}}, .domains = {AwayFrom({-1})}},
      {.op = "clip { max: 0.5 }", .operands = {{3, 4}}, .domains = {AwayFrom({0.5})}},
      {.op = "clip { min: -1 max: 0.5 }", .operands = {{3, 4}}, .domains = {AwayFrom({-1, 0.5})}},
      {.op = "clip { min: 0 max: 1 }", .operands = {{}}, .domains = {AwayFrom({0, 1})}},
      {.op = "add_scalar { value: -1.5 }", .operands = {{2, 3}}},
      {.op = "add_scalar {}", .operands = {{}}},

      // MatMul: each transposition, vectors, stacks, stacks that broadcast, and large.
      {.op = "mat_mul {}", .operands = {{2, 3}, {3, 4}}, .output = Shape{2, 4}},
      {.op = "mat_mul { transpose_a: true }", .operands = {{3, 2}, {3, 4}}, .output = Shape{2, 4}},
      {.op = "mat_mul { transpose_b: true }", .operands = {{2, 3}, {4, 3}}, .output = Shape{2, 4}},
      {.op = "mat_mul { transpose_a: true transpose_b: true }",
       .operands = {{3, 2}, {4, 3}},
       .output = Shape{2, 4}},
      {.op = "mat_mul {}", .operands = {{3}, {3, 4}}, .output = Shape{4}},
      {.op = "mat_mul {}", .operands = {{2, 3}, {3}}, .output = Shape{2}},
      {.op = "mat_mul {}", .operands = {{3}, {3}}, .output = Shape{}},
      {.op = "mat_mul { transpose_b: true }", .operands = {{3}, {4, 3}}, .output = Shape{4}},
      {.op = "mat_mul { transpose_a: true }", .operands = {{3, 2}, {3}}, .output = Shape{2}},
      {.op = "mat_mul {}", .operands = {{2, 1}, {1, 3}}, .output = Shape{2, 3}},
      {.op = "mat_mul {}", .operands = {{2, 2, 3}, {2, 3, 4}}, .output = Shape{2, 2, 4}},
      {.op = "mat_mul { transpose_a: true transpose_b: true }",
       .operands = {{2, 3, 2}, {2, 4, 3}},
       .output = Shape{2, 2, 4}},
      {.op = "mat_mul {}", .operands = {{2, 2, 3}, {3, 4}}, .output = Shape{2, 2, 4}},
      {.op = "mat_mul {}", .operands = {{2, 3}, {2, 3, 4}}, .output = Shape{2, 2, 4}},
      {.op = "mat_mul {}", .operands = {{2, 1, 2, 3}, {3, 3, 2}}, .output = Shape{2, 3, 2, 2}},
      {.op = "mat_mul { transpose_a: true }",
       .operands = {{2, 1, 3, 2}, {3, 3, 2}},
       .output = Shape{2, 3, 2, 2}},
      {.op = "mat_mul { transpose_b: true }",
       .operands = {{2, 1, 2, 3}, {3, 2, 3}},
       .output = Shape{2, 3, 2, 2}},
      {.op = "mat_mul {}", .operands = {{3}, {2, 3, 4}}, .output = Shape{2, 4}},
      {.op = "mat_mul {}", .operands = {{2, 2, 3}, {3}}, .output = Shape{2, 2}},
      {.op = "mat_mul {}", .operands = {{9, 8}, {8, 10}}, .output = Shape{9, 10}},
      {.op = "mat_mul { transpose_a: true }",
       .operands = {{8, 9}, {8, 10}},
       .output = Shape{9, 10}},
      {.op = "mat_mul { transpose_b: true }",
       .operands = {{9, 8}, {10, 8}},
       .output = Shape{9, 10}},
      {.op = "mat_mul { transpose_a: true transpose_b: true }",
       .operands = {{8, 9}, {10, 8}},
       .output = Shape{9, 10}},

      // Sums and means over all axes, one, several, counted from the end, kept.
      {.op = "sum {}", .operands = {{2, 3}}, .output = Shape{}},
      {.op = "sum {}", .operands = {{}}, .output = Shape{}},
      {.op = "sum { axes: 0 }", .operands = {{2, 3}}, .output = Shape{3}},
      {.op = "sum { axes: 1 }", .operands = {{2, 3}}, .output = Shape{2}},
      {.op = "sum { axes: -1 }", .operands = {{2, 3, 4}}, .output = Shape{2, 3}},
      {.op = "sum { axes: [ 0, 2 ] }", .operands = {{2, 3, 4}}, .output = Shape{3}},
      {.op = "sum { axes: [ -1, -3 ] }", .operands = {{2, 3, 4}}, .output = Shape{3}},
      {.op = "sum { axes: 0 keep_axes: true }", .operands = {{2, 3}}, .output = Shape{1, 3}},
      {.op = "sum { axes: [ 0, 2 ] keep_axes: true }",
       .operands = {{2, 3, 4}},
       .output = Shape{1, 3, 1}},
      {.op = "sum { keep_axes: true }", .operands = {{2, 3}}, .output = Shape{1, 1}},
      {.op = "mean {}", .operands = {{2, 3}}, .output = Shape{}},
      {.op = "mean {}", .operands = {{}}, .output = Shape{}},
      {.op = "mean { axes: 0 }", .operands = {{2, 3}}, .output = Shape{3}},
      {.op = "mean { axes: 1 }", .operands = {{2, 3}}, .output = Shape{2}},
      {.op = "mean { axes: -1 }", .operands = {{2, 3, 4}}, .output = Shape{2, 3}},
      {.op = "mean { axes: [ 0, 2 ] }", .operands = {{2, 3, 4}}, .output = Shape{3}},
      {.op = "mean { axes: [ -1, -3 ] }", .operands = {{2, 3, 4}}, .output = Shape{3}},
      {.op = "mean { axes: 0 keep_axes: true }", .operands = {{2, 3}}, .output = Shape{1, 3}},
      {.op = "mean { axes: [ 0, 2 ] keep_axes: true }",
       .operands = {{2, 3, 4}},
       .output = Shape{1, 3, 1}},
      {.op = "mean { keep_axes: true }", .operands = {{2, 3}}, .output = Shape{1, 1}},

      // Activations.
      {.op = "identity {}", .operands = {{2, 3}}},
      {.op = "identity {}", .operands = {{}}},
      {.op = "sigmoid {}", .operands = {{2, 3}}},
      {.op = "sigmoid {}", .operands = {{}}},
      {.op = "tanh {}", .operands = {{2, 3}}},
      {.op = "tanh {}", .operands = {{}}},
      {.op = "relu {}", .operands = {{2, 3}}, .domains = {AwayFromZero()}},
      {.op = "relu {}", .operands = {{}}, .domains = {AwayFromZero()}},
      {.op = "softplus { beta: 2.5 }", .operands = {{2, 3}}},
      {.op = "leaky_relu {}", .operands = {{2, 3}}, .domains = {AwayFromZero()}},
      {.op = "leaky_relu { negative_slope: 0.3 }",
       .operands = {{2, 3}},
       .domains = {AwayFromZero()}},
      {.op = "leaky_relu { negative_slope: -1 }", .operands = {{}}, .domains = {AwayFromZero()}},
      {.op = "leaky_relu { negative_slope: 0 }", .operands = {{3}}, .domains = {AwayFromZero()}},
      {.op = "elu {}", .operands = {{2, 3}}, .domains = {AwayFromZero()}},
      {.op = "elu { alpha: 0.5 }", .operands = {{2, 3}}, .domains = {AwayFromZero()}},
      {.op = "elu { alpha: 0 }", .operands = {{}}, .domains = {AwayFromZero()}},
      {.op = "selu {}", .operands = {{2, 3}}, .domains = {AwayFromZero()}},
      {.op = "selu {}", .operands = {{}}, .domains = {AwayFromZero()}},
      {.op = "gelu {}", .operands = {{2, 3}}},
      {.op = "gelu {}", .operands = {{}}},
      {.op = "gelu { tanh_approximation: true }", .operands = {{2, 3}}},
      {.op = "gelu { tanh_approximation: true }", .operands = {{}}},
      {.op = "silu {}", .operands = {{2, 3}}},
      {.op = "silu {}", .operands = {{}}},
      {.op = "hardtanh {}", .operands = {{3, 4}}, .domains = {AwayFrom({-1, 1})}},
      {.op = "hardtanh { min: -0.5 max: 1.5 }",
       .operands = {{3, 4}},
       .domains = {AwayFrom({-0.5, 1.5})}},
      {.op = "hardtanh { min: 0 }", .operands = {{}}, .domains = {AwayFrom({0, 1})}},
      {.op = "hard_sigmoid {}", .operands = {{2, 3}}},
      {.op = "hard_sigmoid { slope: 0.5 }", .operands = {{3, 4}}, .domains = {AwayFrom({-1, 1})}},
      {.op = "hard_sigmoid { slope: 0.5 }", .operands = {{}}, .domains = {AwayFrom({-1, 1})}},

      // PReLU: one slope, one per channel; vectors, batches, images.
      {.op = "prelu {}", .operands = {{3}, {1}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{3}, {3}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{4, 3}, {1}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{4, 3}, {3}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{1, 3}, {3}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{2, 3, 4}, {3}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{2, 3, 2, 2}, {3}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{2, 3, 2, 2}, {1}}, .domains = {AwayFromZero(), AnyReal()}},
      {.op = "prelu {}", .operands = {{2, 1, 3}, {1}}, .domains = {AwayFromZero(), AnyReal()}},

      // Maxout: groups of each size, the whole axis among them.
      {.op = "maxout { piece_count: 1 }",
       .operands = {{2, 3}},
       .output = Shape{2, 3},
       .domains = {Distinct()}},
      {.op = "maxout { piece_count: 2 }",
       .operands = {{4}},
       .output = Shape{2},
       .domains = {Distinct()}},
      {.op = "maxout { piece_count: 3 }",
       .operands = {{2, 6}},
       .output = Shape{2, 2},
       .domains = {Distinct()}},
      {.op = "maxout { piece_count: 4 }",
       .operands = {{3, 4}},
       .output = Shape{3, 1},
       .domains = {Distinct()}},
      {.op = "maxout { piece_count: 2 }",
       .operands = {{2, 3, 4}},
       .output = Shape{2, 3, 2},
       .domains = {Distinct()}},

      // Normalised exponentials.
      {.op = "softmax {}", .operands = {{4}}},
      {.op = "softmax {}", .operands = {{2, 3}}},
      {.op = "softmax { axis: 0 }", .operands = {{2, 3}}},
      {.op = "softmax { axis: 1 }", .operands = {{2, 3, 4}}},
      {.op = "softmax { axis: -3 }", .operands = {{2, 3, 4}}},
      {.op = "softmax {}", .operands = {{2, 1}}},
      {.op = "log_softmax {}", .operands = {{4}}},
      {.op = "log_softmax {}", .operands = {{2, 3}}},
      {.op = "log_softmax { axis: 0 }", .operands = {{2, 3}}},
      {.op = "log_softmax { axis: 1 }", .operands = {{2, 3, 4}}},
      {.op = "log_softmax { axis: -3 }", .operands = {{2, 3, 4}}},
      {.op = "log_softmax {}", .operands = {{2, 1}}},

      // Penalties, on one operand or several of any shape.
      {.op = "l1_penalty { strength: 0.5 }",
       .operands = {{}},
       .output = Shape{},
       .domains = {AwayFromZero()}},
      {.op = "l1_penalty { strength: 0.5 }",
       .operands = {{2, 3}, {4}, {}},
       .output = Shape{},
       .domains = {AwayFromZero()}},
      {.op = "l1_penalty {}", .operands = {{3}}, .output = Shape{}, .domains = {AwayFromZero()}},
      {.op = "l2_penalty { strength: 0.5 }", .operands = {{2, 3}}, .output = Shape{}},
      {.op = "l2_penalty { strength: 0.5 }", .operands = {{2, 3}, {4}, {}}, .output = Shape{}},
      {.op = "l2_penalty { strength: 0.5 halved: true }",
       .operands = {{2, 3}, {4}},
       .output = Shape{}},
      {.op = "elastic_net_penalty { strength: 0.5 l1_ratio: 0.3 }",
       .operands = {{2, 3}, {4}, {}},
       .output = Shape{},
       .domains = {AwayFromZero()}},
      {.op = "elastic_net_penalty { strength: 0.5 l1_ratio: 1 }",
       .operands = {{2, 3}},
       .output = Shape{},
       .domains = {AwayFromZero()}},
      {.op = "elastic_net_penalty { strength: 0.5 }", .operands = {{2, 3}}, .output = Shape{}},
      // Normalisation, of numbers that are not too near each other: each optional operand, axis and
      // placement of the epsilon; batches of one; and, with a large epsilon, groups of two and of
      // one, whose gradients else nearly cancel.
      {.op = "batch_norm {}", .operands = {{4, 3}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm {}", .operands = {{4, 3}, {3}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm {}",
       .operands = {{4, 3}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm {}",
       .operands = {{2, 3, 2}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm {}",
       .operands = {{2, 2, 2, 3}, {2}, {2}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm {}",
       .operands = {{1, 2, 5}, {2}, {2}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm { channel_axis: -1 }",
       .operands = {{2, 3, 2}, {2}, {2}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm { channel_axis: 0 }",
       .operands = {{2, 3, 2}, {2}, {2}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op =
           "batch_norm { epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT variance_epsilon: 0.1 }",
       .operands = {{4, 3}, {3}, {3}}},
      {.op = "batch_norm { epsilon_placement: EPSILON_PLACEMENT_INSIDE_ROOT variance_epsilon: 0 }",
       .operands = {{4, 3}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm { unbiased: true }",
       .operands = {{4, 3}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm { unbiased: true variance_epsilon: 0.5 }",
       .operands = {{2, 3}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm { variance_epsilon: 0.5 }",
       .operands = {{1, 3}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm { variance_epsilon: 0.5 }",
       .operands = {{4, 1}, {1}, {1}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "batch_norm_inference {}",
       .operands = {{4, 3}, {3}, {3}},
       .domains = {AnyReal(), AnyReal(), Probabilities(), AnyReal()}},
      {.op = "batch_norm_inference {}",
       .operands = {{4, 3}, {3}, {3}, {3}},
       .domains = {AnyReal(), AnyReal(), Probabilities(), AnyReal()}},
      {.op = "batch_norm_inference {}",
       .operands = {{4, 3}, {3}, {3}, {3}, {3}},
       .domains = {AnyReal(), AnyReal(), Probabilities(), AnyReal()}},
      {.op = "batch_norm_inference {}",
       .operands = {{1, 2, 2, 3}, {2}, {2}, {2}, {2}},
       .domains = {AnyReal(), AnyReal(), Probabilities(), AnyReal()}},
      {.op = "batch_norm_inference { channel_axis: -1 variance_epsilon: 0.5 }",
       .operands = {{2, 2, 3}, {3}, {3}, {3}, {3}},
       .domains = {AnyReal(), AnyReal(), Probabilities(), AnyReal()}},
      {.op = "batch_norm_inference { epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT "
             "variance_epsilon: 0.1 }",
       .operands = {{4, 3}, {3}, {3}, {3}, {3}},
       .domains = {AnyReal(), AnyReal(), Probabilities(), AnyReal()}},
      {.op = "layer_norm {}", .operands = {{5}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm {}", .operands = {{2, 4}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm {}", .operands = {{2, 4}, {4}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm {}",
       .operands = {{2, 4}, {4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm {}",
       .operands = {{2, 3, 4}, {4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm { axis_count: 2 }",
       .operands = {{2, 3, 4}, {3, 4}, {3, 4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm { axis_count: 3 }",
       .operands = {{2, 2, 2}, {2, 2, 2}, {2, 2, 2}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm { unbiased: true }",
       .operands = {{2, 4}, {4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op =
           "layer_norm { epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT variance_epsilon: 0.1 }",
       .operands = {{2, 4}, {4}, {4}}},
      {.op = "layer_norm { variance_epsilon: 0 }",
       .operands = {{1, 4}, {4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "layer_norm { variance_epsilon: 0.5 }",
       .operands = {{3, 1}, {1}, {1}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm {}", .operands = {{5}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm {}", .operands = {{2, 4}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm {}", .operands = {{2, 4}, {4}}, .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm {}",
       .operands = {{2, 2, 3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm { mean_square_epsilon: 0 }",
       .operands = {{2, 4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm { epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT mean_square_epsilon: "
             "0.1 }",
       .operands = {{2, 4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "rms_norm { mean_square_epsilon: 0.5 }",
       .operands = {{3, 1}, {1}},
       .domains = {AwayFromZero()}},
      {.op = "group_norm { group_count: 1 }",
       .operands = {{2, 4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "group_norm { group_count: 2 }",
       .operands = {{2, 6}, {6}, {6}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "group_norm { group_count: 2 }",
       .operands = {{2, 4, 3}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "group_norm { group_count: 2 }",
       .operands = {{2, 4, 1, 2}, {4}, {4}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "group_norm { group_count: 3 }",
       .operands = {{1, 3, 2, 2}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "group_norm { group_count: 1 epsilon_placement: EPSILON_PLACEMENT_OUTSIDE_ROOT "
             "variance_epsilon: 0.1 }",
       .operands = {{2, 2, 3}, {2}, {2}},
       .domains = {DistinctNumbers(), AnyReal()}},
      {.op = "group_norm { group_count: 3 variance_epsilon: 0.5 }",
       .operands = {{2, 3}, {3}, {3}},
       .domains = {DistinctNumbers(), AnyReal()}},
  };
}

// The losses, without their reduction: each row becomes one for each. The output is the shape of
// the terms.
std::vector<OpCase> LossRows() {
  return {
      // One term per element, 1 and 0 among the targets.
      {.op = "half_squared_error", .operands = {{}, {}}, .output = Shape{}},
      {.op = "half_squared_error", .operands = {{3}, {3}}, .output = Shape{3}},
      {.op = "half_squared_error", .operands = {{4, 3}, {4, 3}}, .output = Shape{4, 3}},
      {.op = "half_squared_error", .operands = {{2, 3, 2}, {2, 3, 2}}, .output = Shape{2, 3, 2}},
      {.op = "squared_error", .operands = {{}, {}}, .output = Shape{}},
      {.op = "squared_error", .operands = {{3}, {3}}, .output = Shape{3}},
      {.op = "squared_error", .operands = {{4, 3}, {4, 3}}, .output = Shape{4, 3}},
      {.op = "squared_error", .operands = {{2, 3, 2}, {2, 3, 2}}, .output = Shape{2, 3, 2}},
      {.op = "binary_cross_entropy",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {Probabilities()}},
      {.op = "binary_cross_entropy",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {Probabilities()}},
      {.op = "binary_cross_entropy",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {Probabilities()}},
      {.op = "binary_cross_entropy",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {Probabilities()}},
      {.op = "binary_cross_entropy",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {Probabilities(), ClassIndices(2)}},
      {.op = "binary_cross_entropy_with_logits",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "binary_cross_entropy_with_logits",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "binary_cross_entropy_with_logits",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "binary_cross_entropy_with_logits",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "binary_cross_entropy_with_logits",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {AnyReal(), ClassIndices(2)}},

      // With a weight of positive targets.
      {.op = "binary_cross_entropy { positive_weight: 2.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "binary_cross_entropy { positive_weight: 0.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {Probabilities(), ClassIndices(2)}},
      {.op = "binary_cross_entropy_with_logits { positive_weight: 2.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "binary_cross_entropy_with_logits { positive_weight: 0.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {AnyReal(), ClassIndices(2)}},

      // Kinks, and where straight begins, are at multiples of 1/2; the operands' difference is not.
      {.op = "absolute_error",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "absolute_error",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "absolute_error",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "absolute_error",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "huber",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "huber",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "huber",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "huber",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "huber { delta: 0.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "huber { delta: 1.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "smooth_l1",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "smooth_l1",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "smooth_l1",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "smooth_l1",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "smooth_l1 { beta: 0.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "smooth_l1 { beta: 1.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75)}},
      {.op = "binary_hinge",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {OffGrid(0.25, 0.4), Signs()}},
      {.op = "binary_hinge",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {OffGrid(0.25, 0.4), Signs()}},
      {.op = "binary_hinge",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0.25, 0.4), Signs()}},
      {.op = "binary_hinge",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {OffGrid(0.25, 0.4), Signs()}},
      {.op = "binary_hinge { margin: 0 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0.25, 0.4), Signs()}},
      {.op = "binary_hinge { margin: 0.5 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {OffGrid(0.25, 0.4), Signs()}},
      {.op = "kl_divergence",
       .operands = {{}, {}},
       .output = Shape{},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "kl_divergence",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "kl_divergence",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "kl_divergence",
       .operands = {{2, 3, 2}, {2, 3, 2}},
       .output = Shape{2, 3, 2},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "kl_divergence { from_probabilities: true }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4, 3},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "kl_divergence { from_probabilities: true }",
       .operands = {{3}, {3}},
       .output = Shape{3},
       .domains = {Probabilities(), Probabilities()}},

      // One term per example: class indices, soft labels, soft labels that do not add up to 1, and
      // one-hot ones, most of which are 0.
      {.op = "cross_entropy",
       .operands = {{3}, {}},
       .output = Shape{},
       .domains = {Probabilities(), ClassIndices(3)}},
      {.op = "cross_entropy",
       .operands = {{3}, {3}},
       .output = Shape{},
       .domains = {Probabilities(), Distributions()}},
      {.op = "cross_entropy",
       .operands = {{3}, {3}},
       .output = Shape{},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "cross_entropy",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), ClassIndices(3)}},
      {.op = "cross_entropy",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), Distributions()}},
      {.op = "cross_entropy",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "cross_entropy",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), OneHot()}},
      {.op = "cross_entropy",
       .operands = {{2, 4, 3}, {2, 4}},
       .output = Shape{2, 4},
       .domains = {Probabilities(), ClassIndices(3)}},
      {.op = "cross_entropy",
       .operands = {{2, 4, 3}, {2, 4, 3}},
       .output = Shape{2, 4},
       .domains = {Probabilities(), Distributions()}},
      {.op = "cross_entropy",
       .operands = {{2, 4, 3}, {2, 4, 3}},
       .output = Shape{2, 4},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "cross_entropy",
       .operands = {{4, 1}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), ClassIndices(1)}},
      {.op = "cross_entropy_with_logits",
       .operands = {{3}, {}},
       .output = Shape{},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "cross_entropy_with_logits",
       .operands = {{3}, {3}},
       .output = Shape{},
       .domains = {AnyReal(), Distributions()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{3}, {3}},
       .output = Shape{},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "cross_entropy_with_logits",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), Distributions()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), OneHot()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{2, 4, 3}, {2, 4}},
       .output = Shape{2, 4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "cross_entropy_with_logits",
       .operands = {{2, 4, 3}, {2, 4, 3}},
       .output = Shape{2, 4},
       .domains = {AnyReal(), Distributions()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{2, 4, 3}, {2, 4, 3}},
       .output = Shape{2, 4},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "cross_entropy_with_logits",
       .operands = {{4, 1}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(1)}},

      // Smoothed labels, class weights, and examples that do not count.
      {.op = "cross_entropy { label_smoothing: 0.1 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), ClassIndices(3)}},
      {.op = "cross_entropy { label_smoothing: 0.1 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "cross_entropy { label_smoothing: 0.1 }",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {Probabilities(), OneHot()}},
      {.op = "cross_entropy { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), ClassIndices(3)}},
      {.op = "cross_entropy { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "cross_entropy { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {Probabilities(), OneHot()}},
      {.op = "cross_entropy { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), ClassIndices(3)}},
      {.op = "cross_entropy { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), Probabilities()}},
      {.op = "cross_entropy { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {Probabilities(), OneHot()}},
      {.op = "cross_entropy { label_smoothing: 1 }",
       .operands = {{3}, {3}},
       .output = Shape{},
       .domains = {Probabilities(), OneHot()}},
      {.op = "cross_entropy { class_weights: [ 0.5, 0, 1 ] }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Probabilities(), OneHot()}},
      {.op = "cross_entropy { ignore_index: -100 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), ClassIndicesOr(3, -100)}},
      {.op = "cross_entropy { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] ignore_index: 1 }",
       .operands = {{2, 3, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {Probabilities(), ClassIndicesOr(3, 1)}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.1 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.1 }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.1 }",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {AnyReal(), OneHot()}},
      {.op = "cross_entropy_with_logits { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "cross_entropy_with_logits { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "cross_entropy_with_logits { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {AnyReal(), OneHot()}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), Probabilities()}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {AnyReal(), OneHot()}},
      {.op = "cross_entropy_with_logits { label_smoothing: 1 }",
       .operands = {{3}, {3}},
       .output = Shape{},
       .domains = {AnyReal(), OneHot()}},
      {.op = "cross_entropy_with_logits { class_weights: [ 0.5, 0, 1 ] }",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal(), OneHot()}},
      {.op = "cross_entropy_with_logits { ignore_index: -100 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndicesOr(3, -100)}},
      {.op = "cross_entropy_with_logits { label_smoothing: 0.3 class_weights: [ 0.5, 2, 1 ] "
             "ignore_index: 1 }",
       .operands = {{2, 3, 3}, {2, 3}},
       .output = Shape{2, 3},
       .domains = {AnyReal(), ClassIndicesOr(3, 1)}},
      {.op = "negative_log_likelihood",
       .operands = {{3}, {}},
       .output = Shape{},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "negative_log_likelihood",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "negative_log_likelihood",
       .operands = {{2, 4, 3}, {2, 4}},
       .output = Shape{2, 4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "negative_log_likelihood",
       .operands = {{4, 1}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(1)}},
      {.op = "negative_log_likelihood { class_weights: [ 0.5, 2, 1 ] }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(3)}},
      {.op = "negative_log_likelihood { class_weights: [ 0.5, 2, 1 ] ignore_index: 3 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndicesOr(3, 3)}},

      // Scores that differ by nearly whole numbers; by default all are within the margin.
      {.op = "multiclass_hinge { margin: 0.5 }",
       .operands = {{3}, {}},
       .output = Shape{},
       .domains = {OffGrid(0, 0.1), ClassIndices(3)}},
      {.op = "multiclass_hinge { margin: 0.5 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {OffGrid(0, 0.1), ClassIndices(3)}},
      {.op = "multiclass_hinge { margin: 0.5 }",
       .operands = {{2, 4, 3}, {2, 4}},
       .output = Shape{2, 4},
       .domains = {OffGrid(0, 0.1), ClassIndices(3)}},
      {.op = "multiclass_hinge { margin: 1.5 }",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {OffGrid(0, 0.1), ClassIndices(3)}},
      {.op = "multiclass_hinge",
       .operands = {{4, 3}, {4}},
       .output = Shape{4},
       .domains = {Between(-0.4, 0.4), ClassIndices(3)}},
      {.op = "multiclass_hinge",
       .operands = {{4, 1}, {4}},
       .output = Shape{4},
       .domains = {AnyReal(), ClassIndices(1)}},

      // Vectors. Unlike ones of positive numbers are always too near, and none reaches a margin of
      // 1.
      {.op = "cosine_loss", .operands = {{3}, {3}}, .output = Shape{}, .domains = {AwayFromZero()}},
      {.op = "cosine_loss",
       .operands = {{3}, {3}, {}},
       .output = Shape{},
       .domains = {Probabilities(), Probabilities(), Signs()}},
      {.op = "cosine_loss",
       .operands = {{4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AwayFromZero()}},
      {.op = "cosine_loss",
       .operands = {{4, 3}, {4, 3}, {4}},
       .output = Shape{4},
       .domains = {Probabilities(), Probabilities(), Signs()}},
      {.op = "cosine_loss",
       .operands = {{2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {AwayFromZero()}},
      {.op = "cosine_loss",
       .operands = {{2, 2, 3}, {2, 2, 3}, {2, 2}},
       .output = Shape{2, 2},
       .domains = {Probabilities(), Probabilities(), Signs()}},
      {.op = "cosine_loss { margin: -1 }",
       .operands = {{4, 3}, {4, 3}, {4}},
       .output = Shape{4},
       .domains = {AwayFromZero(), AwayFromZero(), Signs()}},
      {.op = "cosine_loss { margin: 1 }",
       .operands = {{4, 3}, {4, 3}, {4}},
       .output = Shape{4},
       .domains = {AwayFromZero(), AwayFromZero(), Signs()}},

      // All within a wide margin; then all beyond the default one.
      {.op = "triplet_loss { margin: 10 }",
       .operands = {{3}, {3}, {3}},
       .output = Shape{},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75), OffGrid(0.3, 0.4)}},
      {.op = "triplet_loss { margin: 10 }",
       .operands = {{4, 3}, {4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75), OffGrid(0.3, 0.4)}},
      {.op = "triplet_loss { margin: 10 }",
       .operands = {{2, 2, 3}, {2, 2, 3}, {2, 2, 3}},
       .output = Shape{2, 2},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75), OffGrid(0.3, 0.4)}},
      {.op = "triplet_loss { margin: 10 }",
       .operands = {{4, 1}, {4, 1}, {4, 1}},
       .output = Shape{4},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75), OffGrid(0.3, 0.4)}},
      {.op = "triplet_loss { margin: 10 difference_offset: 0.125 }",
       .operands = {{4, 3}, {4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {OffGrid(0, 0.1), OffGrid(0.7, 0.75), OffGrid(0.3, 0.4)}},
      {.op = "triplet_loss { margin: 50 squared: true }",
       .operands = {{4, 3}, {4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal()}},
      {.op = "triplet_loss { margin: 50 squared: true difference_offset: 0.125 }",
       .operands = {{4, 3}, {4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {AnyReal()}},
      {.op = "triplet_loss",
       .operands = {{4, 3}, {4, 3}, {4, 3}},
       .output = Shape{4},
       .domains = {Between(-0.4, 0), Between(0.1, 0.4), Between(5, 6)}},
  };
}

}  // namespace

Domain AnyReal() {
  return Elementwise([](Random& random) { return random.Uniform(-2, 2); });
}

Domain AwayFromZero() { return Magnitudes(0.1, 2); }

Domain Magnitudes(double low, double high) {
  return Elementwise([=](Random& random) { return random.UniformMagnitude(low, high); });
}

Domain AwayFrom(std::vector<double> kinks) {
  return Elementwise([kinks = std::move(kinks)](Random& random) {
    for (;;) {
      const double x = random.Uniform(-2, 2);
      const auto is_near = [&](double kink) { return std::abs(x - kink) < 0.05; };
      if (std::none_of(kinks.begin(), kinks.end(), is_near)) return x;
    }
  });
}

Domain Distinct() {
  return [](const Shape& shape, Random& random) {
    // One number from each of as many cells, in random order.
    Tensor<double> tensor(shape);
    const double cell = 4.0 / static_cast<double>(tensor.size());
    for (int64_t i = 0; i < tensor.size(); ++i) {
      tensor[i] = -2 + cell * (static_cast<double>(i) + random.Uniform(0.25, 0.75));
    }
    for (int64_t i = tensor.size() - 1; i > 0; --i) {
      std::swap(tensor[i], tensor[random.Below(i + 1)]);
    }
    return tensor;
  };
}

Domain Positive() {
  return Elementwise([](Random& random) { return random.Uniform(0.5, 2); });
}

bool IsAnyReal(const Domain& domain) { return domain.target_type() == AnyReal().target_type(); }

bool IsAwayFromZero(const Domain& domain) {
  return domain.target_type() == AwayFromZero().target_type();
}

Domain DistinctNumbers() {
  return [](const Shape& shape, Random& random) {
    Tensor<double> tensor(shape);
    const int64_t count = tensor.size();
    for (int64_t i = 0; i < count; ++i) {
      tensor[i] = -2 + 4 * (static_cast<double>(i) + 0.5) / static_cast<double>(count);
      std::swap(tensor[i], tensor[random.Below(i + 1)]);
    }
    return tensor;
  };
}

Domain Probabilities() {
  return Elementwise([](Random& random) { return random.Uniform(0.05, 0.95); });
}

Domain Distributions() {
  return [](const Shape& shape, Random& random) {
    Tensor<double> tensor(shape);
    const int64_t classes = shape.back();
    for (int64_t row = 0; row < tensor.size(); row += classes) {
      double sum = 0;
      for (int64_t c = 0; c < classes; ++c) sum += tensor[row + c] = random.Uniform(0.2, 1);
      for (int64_t c = 0; c < classes; ++c) tensor[row + c] /= sum;
    }
    return tensor;
  };
}

Domain OneHot() {
  return [](const Shape& shape, Random& random) {
    Tensor<double> tensor(shape);
    const int64_t classes = shape.back();
    for (int64_t row = 0; row < tensor.size(); row += classes)
      tensor[row + random.Below(classes)] = 1;
    return tensor;
  };
}

Domain ClassIndices(int64_t count) {
  return Elementwise([count](Random& random) { return static_cast<double>(random.Below(count)); });
}

Domain ClassIndicesOr(int64_t count, int64_t ignored) {
  return [=](const Shape& shape, Random& random) {
    Tensor<double> tensor = ClassIndices(count)(shape, random);
    for (int64_t i = 1; i < tensor.size(); i += 2) tensor[i] = static_cast<double>(ignored);
    return tensor;
  };
}

Domain OffGrid(double low, double high) {
  return Elementwise([=](Random& random) {
    return static_cast<double>(random.Below(4) - 2) + random.Uniform(low, high);
  });
}

Domain Between(double low, double high) {
  return Elementwise([=](Random& random) { return random.Uniform(low, high); });
}

Domain Signs() {
  return Elementwise([](Random& random) { return random.Below(2) == 0 ? -1.0 : 1.0; });
}

std::vector<Tensor<double>> DrawOperands(const OpCase& op_case, Random& random) {
  std::vector<Tensor<double>> operands;
  for (size_t i = 0; i < op_case.operands.size(); ++i) {
    const Domain& domain = op_case.domains[std::min(i, op_case.domains.size() - 1)];
    operands.push_back(domain(op_case.operands[i], random));
  }
  return operands;
}

const std::vector<OpCase>& AllOpCases() {
  static const auto* const kCases = [] {
    auto* cases = new std::vector<OpCase>(Rows());
    const auto& reductions = *v1::Reduction_descriptor();
    for (const OpCase& loss : LossRows()) {
      const size_t brace = loss.op.find('{');
      const std::string name = loss.op.substr(0, loss.op.find(' '));
      const std::string attributes =
          brace == std::string::npos ? "" : loss.op.substr(brace + 2, loss.op.size() - brace - 3);
      for (int i = 0; i < reductions.value_count(); ++i) {
        const auto& reduction = *reductions.value(i);
        if (reduction.number() == v1::REDUCTION_UNSPECIFIED) continue;
        OpCase& reduced = cases->emplace_back(loss);
        reduced.op = fmt::format("{} {{ reduction: {} {}}}", name, reduction.name(), attributes);
        if (reduction.number() != v1::REDUCTION_NONE) reduced.output = Shape();
      }
    }
    return cases;
  }();
  return *kCases;
}

}  // namespace gradus::testing
