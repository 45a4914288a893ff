#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "fmt/format.h"
#include "server/kernels/interruption.h"
#include "server/kernels/matmul.h"
#include "server/ops/attribute_checks.h"
#include "server/ops/op.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

constexpr int kQuery = 0;
constexpr int kKey = 1;
constexpr int kValue = 2;
constexpr int kMask = 3;

int64_t HeadCount(const v1::Node& node) {
  return node.attention().has_head_count() ? node.attention().head_count() : 1;
}

// Axes before the matrix.
Shape Leading(const Shape& shape) { return shape.Slice(0, shape.rank() - 2); }
// Rows of the matrix: queries or keys.
int64_t Rows(const Shape& shape) { return shape[shape.rank() - 2]; }

// Some queries of one batch, as one head sees them: what the attention is worked out for at a time,
// so that the weights of all queries are never in memory together.
template <class T>
class QueryBlock {
 public:
  QueryBlock(const OpCall<T>& call, int64_t batch, int64_t head, int64_t first, int64_t count)
      : call_(call), batch_(batch), head_(head), first_(first), count_(count) {}

  int64_t query_count() const { return count_; }
  int64_t key_count() const { return Rows(call_[kKey].shape()); }

  // This head's features of the queries in a tensor [..., TQ, F].
  MatrixView<T> Queries(const Tensor<T>& x) const { return View(x, first_, count_); }
  // This head's features of all keys in a tensor [..., TK, F].
  MatrixView<T> Keys(const Tensor<T>& x) const { return View(x, 0, key_count()); }

  // Adds a matrix to what Queries or Keys views.
  void AddToQueries(const std::vector<T>& matrix, Tensor<T>& x) const {
    Add(matrix, first_, count_, x);
  }
  void AddToKeys(const std::vector<T>& matrix, Tensor<T>& x) const {
    Add(matrix, 0, key_count(), x);
  }

  // [queries, keys], for Weights and ScoreGradients.
  MatrixView<T> ByQuery(const std::vector<T>& numbers) const {
    return MatrixView<T>::RowMajor(numbers.data(), count_, key_count());
  }

  // The softmax of each query's scores.
  std::vector<T> Weights() const {
    std::vector<T> weights(static_cast<size_t>(count_ * key_count()));
    MatMulAdd(Queries(call_[kQuery]), Keys(call_[kKey]).Transposed(), weights.data());
    ForEachIndex(count_, [&](int64_t i) { Normalize(i, &weights[At(i, 0)]); });
    return weights;
  }

  // The gradient of the scores: w_j (g_j - sum_k w_k g_k), g being that of the weights w.
  std::vector<T> ScoreGradients(const Tensor<T>& upstream) const {
    const std::vector<T> weights = Weights();
    std::vector<T> gradients(weights.size());
    MatMulAdd(Queries(upstream), Keys(call_[kValue]).Transposed(), gradients.data());
    ForEachIndex(count_, [&](int64_t i) {
      const T* const w = &weights[At(i, 0)];
      T* const g = &gradients[At(i, 0)];
      T sum = T(0);
      ForEachIndex(key_count(), [&](int64_t j) { sum += w[j] * g[j]; });
      ForEachIndex(key_count(), [&](int64_t j) { g[j] = w[j] * (g[j] - sum); });
    });
    return gradients;
  }

  // Factor of the products of queries and keys.
  T Scale() const {
    using std::sqrt;
    const v1::Attention& attributes = call_.node.attention();
    if (attributes.has_scale()) return T(attributes.scale());
    const int64_t features = call_[kQuery].shape().back() / HeadCount(call_.node);
    return T(1) / sqrt(T(static_cast<double>(features)));
  }

  // Where the mask of query i begins.
  int64_t AtMask(int64_t i) const {
    const int64_t batch = call_[kMask].shape().rank() == 2 ? 0 : batch_;
    return (batch * Rows(call_[kQuery].shape()) + first_ + i) * key_count();
  }

 private:
  size_t At(int64_t query, int64_t key) const {
    return static_cast<size_t>(query * key_count() + key);
  }
  int64_t Width(const Tensor<T>& x) const { return x.shape().back() / HeadCount(call_.node); }
  int64_t Begin(const Tensor<T>& x, int64_t row) const {
    return (batch_ * Rows(x.shape()) + row) * x.shape().back() + head_ * Width(x);
  }
  MatrixView<T> View(const Tensor<T>& x, int64_t row, int64_t rows) const {
    return {x.data() + Begin(x, row), rows, Width(x), x.shape().back(), 1};
  }
  void Add(const std::vector<T>& matrix, int64_t row, int64_t rows, Tensor<T>& x) const {
    const T* in = matrix.data();
    ForEachIndex(rows, [&](int64_t i) {
      T* const out = x.data() + Begin(x, row + i);
      ForEachIndex(Width(x), [&](int64_t j) { out[j] += *in++; });
    });
  }

  // Turns the products of query i with each key into weights.
  void Normalize(int64_t i, T* scores) const {
    using std::exp;
    constexpr double kNone = -std::numeric_limits<double>::infinity();
    const T* const mask = call_.operand_count() > kMask ? call_[kMask].data() + AtMask(i) : nullptr;
    const bool additive = call_.node.attention().additive_mask();
    const auto takes_part = [&](int64_t j) {
      // A mask of 1 and 0 is data, without a derivative.
      return mask == nullptr || additive || PlainValue(mask[j]) > 0.5;
    };
    const T scale = Scale();
    // A plain number, as it cancels.
    double largest = kNone;
    ForEachIndex(key_count(), [&](int64_t j) {
      if (!takes_part(j)) return;
      scores[j] *= scale;
      if (mask != nullptr && additive) scores[j] += mask[j];
      const double score = PlainValue(scores[j]);
      if (!(score <= largest)) largest = score;  // so that NaN does not count as none
    });
    T sum = T(0);
    ForEachIndex(key_count(), [&](int64_t j) {
      scores[j] = takes_part(j) && largest != kNone ? exp(scores[j] - T(largest)) : T(0);
      sum += scores[j];
    });
    if (largest == kNone) return;
    ForEachIndex(key_count(), [&](int64_t j) { scores[j] /= sum; });
  }

  const OpCall<T>& call_;
  int64_t batch_;
  int64_t head_;
  int64_t first_;
  int64_t count_;
};

struct Attention : OpBase {
  static constexpr auto kCase = v1::Node::kAttention;
  static constexpr std::string_view kFormula =
      "for each head: y = w value, w = softmax(s) over the keys that mask lets through, s = scale "
      "query key', + mask if additive_mask; 0 without any key";
  static constexpr std::string_view kVjp =
      "for each head: grad(value) = w' u, grad(w) = u value', grad(s_ij) = w_ij (grad(w_ij) - "
      "sum_k w_ik grad(w_ik)), grad(query) = scale grad(s) key, grad(key) = scale grad(s)' query, "
      "grad(mask) = grad(s) if additive_mask, else 0";
  static constexpr std::string_view kOperands[] = {"query", "key", "value", "mask"};
  static constexpr int kOptionalOperands = 1;

  static absl::StatusOr<Shape> InferShape(const ShapeCall& call) {
    if (absl::Status s = CheckAttributes(call.node); !s.ok()) return s;
    for (size_t i = kQuery; i <= kValue; ++i) {
      if (call.operands[i].rank() < 2) {
        return FieldError("", Reason::kShapeMismatch,
                          fmt::format("{} has shape {}, expected 2 axes or more", kOperands[i],
                                      call.operands[i].ToString()));
      }
    }
    const Shape& query = call.operands[kQuery];
    const Shape& key = call.operands[kKey];
    const Shape& value = call.operands[kValue];
    if (Leading(query) != Leading(key) || Leading(query) != Leading(value)) {
      return FieldError(
          "", Reason::kShapeMismatch,
          fmt::format("leading axes differ: query has shape {}, key has shape {}, value has shape "
                      "{}",
                      query.ToString(), key.ToString(), value.ToString()));
    }
    if (query.back() != key.back()) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("query has {} features (shape {}), key has {} (shape {})",
                                    query.back(), query.ToString(), key.back(), key.ToString()));
    }
    if (Rows(key) != Rows(value)) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("key has {} rows (shape {}), value has {} (shape {})",
                                    Rows(key), key.ToString(), Rows(value), value.ToString()));
    }
    const int64_t heads = HeadCount(call.node);
    if (query.back() % heads != 0 || value.back() % heads != 0) {
      return FieldError("attention.head_count", Reason::kInvalidValue,
                        fmt::format("{} heads do not divide {} features of query and key and {} of "
                                    "value",
                                    heads, query.back(), value.back()));
    }
    if (absl::Status s = CheckMask(call); !s.ok()) return s;
    Shape output = query;
    output[output.rank() - 1] = value.back();
    return output;
  }

  static double Flops(const ShapeCall& call, const Shape&) {
    // A score has two products with each feature, and an exponential in each head.
    const Shape& query = call.operands[kQuery];
    const Shape& value = call.operands[kValue];
    const double scores = static_cast<double>(query.element_count()) /
                          static_cast<double>(query.back()) * static_cast<double>(Rows(value));
    const double features = static_cast<double>(query.back()) + static_cast<double>(value.back());
    return scores * (3 * features + 40 * static_cast<double>(HeadCount(call.node)));
  }

  // Of a block, weights and gradients of scores, and a product with the features.
  static double Scratch(const ShapeCall& call, const Shape&) {
    const int64_t keys = Rows(call.operands[kKey]);
    const int64_t queries = std::min(Rows(call.operands[kQuery]), QueriesPerBlock(keys));
    const int64_t width =
        std::max(call.operands[kQuery].back(), call.operands[kValue].back()) / HeadCount(call.node);
    return 3 * static_cast<double>(queries) * static_cast<double>(keys) +
           static_cast<double>(std::max(queries, keys)) * static_cast<double>(width);
  }

  template <class T>
  static void Forward(const OpCall<T>& call, Tensor<T>& output) {
    ForEachBlock(call, [&](const QueryBlock<T>& block) {
      const std::vector<T> weights = block.Weights();
      block.AddToQueries(Product(block.ByQuery(weights), block.Keys(call[kValue])), output);
    });
  }

  template <class T>
  static void Vjp(const VjpCall<T>& call, int position, Tensor<T>& gradient) {
    if (position == kMask && !call.node.attention().additive_mask()) return;
    ForEachBlock(call, [&](const QueryBlock<T>& block) {
      if (position == kValue) {
        const std::vector<T> weights = block.Weights();
        block.AddToKeys(Product(block.ByQuery(weights).Transposed(), block.Queries(call.upstream)),
                        gradient);
        return;
      }
      std::vector<T> scores = block.ScoreGradients(call.upstream);
      if (position == kMask) {
        const T* in = scores.data();
        ForEachIndex(block.query_count(), [&](int64_t i) {
          T* const out = gradient.data() + block.AtMask(i);
          ForEachIndex(block.key_count(), [&](int64_t j) { out[j] += *in++; });
        });
        return;
      }
      const T scale = block.Scale();
      ForEachIndex(std::ssize(scores), [&](int64_t i) { scores[static_cast<size_t>(i)] *= scale; });
      if (position == kQuery) {
        block.AddToQueries(Product(block.ByQuery(scores), block.Keys(call[kKey])), gradient);
      } else {
        block.AddToKeys(Product(block.ByQuery(scores).Transposed(), block.Queries(call[kQuery])),
                        gradient);
      }
    });
  }

 private:
  static absl::Status CheckAttributes(const v1::Node& node) {
    const v1::Attention& attributes = node.attention();
    if (attributes.has_head_count() && attributes.head_count() < 1) {
      return FieldError("attention.head_count", Reason::kInvalidValue,
                        fmt::format("{} is not 1 or more", attributes.head_count()));
    }
    return CheckFinite("attention.scale", attributes.scale());
  }

  static absl::Status CheckMask(const ShapeCall& call) {
    if (call.operands.size() <= kMask) return absl::OkStatus();
    const Shape& mask = call.operands[kMask];
    const int64_t keys = Rows(call.operands[kKey]);
    const Shape shared = {Rows(call.operands[kQuery]), keys};
    Shape full = call.operands[kQuery];
    full[full.rank() - 1] = keys;
    if (mask == shared || mask == full) return absl::OkStatus();
    return FieldError(
        "", Reason::kShapeMismatch,
        fmt::format("mask has shape {}, expected {}{}", mask.ToString(), shared.ToString(),
                    full == shared ? "" : fmt::format(" or {}", full.ToString())));
  }

  template <class T>
  static std::vector<T> Product(const MatrixView<T>& a, const MatrixView<T>& b) {
    std::vector<T> product(static_cast<size_t>(a.rows * b.columns));
    MatMulAdd(a, b, product.data());
    return product;
  }

  // Weights in a block take some tens of kilobytes.
  static int64_t QueriesPerBlock(int64_t keys) {
    constexpr int64_t kBlock = 1 << 13;
    return std::max<int64_t>(1, kBlock / keys);
  }

  template <class T, class F>
  static void ForEachBlock(const OpCall<T>& call, F f) {
    const Shape& query = call[kQuery].shape();
    const int64_t queries = Rows(query);
    const int64_t step = QueriesPerBlock(Rows(call[kKey].shape()));
    for (int64_t batch = 0; batch < Leading(query).element_count(); ++batch) {
      for (int64_t head = 0; head < HeadCount(call.node); ++head) {
        for (int64_t first = 0; first < queries; first += step) {
          if (Interrupted(1)) return;
          f(QueryBlock<T>(call, batch, head, first, std::min(step, queries - first)));
        }
      }
    }
  }
};

}  // namespace

const Op& AttentionOp() { return OpOf<Attention>(); }

}  // namespace gradus
