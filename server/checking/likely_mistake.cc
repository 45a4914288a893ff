#include "server/checking/likely_mistake.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "server/tensor/largest_magnitude.h"

namespace gradus {
namespace {

// Numbers that agree to this share are taken for equal; a method's own error is far smaller.
constexpr double kClose = 1e-5;

bool IsClose(double a, double b, double scale) {
  return std::abs(a - b) <= kClose * std::max(std::abs(a), std::abs(b)) + kClose * kClose * scale;
}

// The r with analytic = r numeric, if there is one.
std::optional<double> CommonRatio(const Tensor<double>& analytic, const Tensor<double>& numeric) {
  int64_t at = 0;
  for (int64_t i = 0; i < numeric.size(); ++i) {
    if (std::abs(numeric[i]) > std::abs(numeric[at])) at = i;
  }
  if (numeric[at] == 0) return std::nullopt;
  const double ratio = analytic[at] / numeric[at];
  const double scale = LargestMagnitude(analytic);
  for (int64_t i = 0; i < numeric.size(); ++i) {
    if (!IsClose(analytic[i], ratio * numeric[i], scale)) return std::nullopt;
  }
  return ratio;
}

bool IsTransposed(const Tensor<double>& analytic, const Tensor<double>& numeric) {
  const Shape& shape = numeric.shape();
  if (shape.rank() != 2 || shape[0] != shape[1] || shape[0] == 1) return false;
  const double scale = LargestMagnitude(numeric);
  for (int64_t i = 0; i < shape[0]; ++i) {
    for (int64_t j = 0; j < shape[1]; ++j) {
      if (!IsClose(analytic[i * shape[1] + j], numeric[j * shape[1] + i], scale)) return false;
    }
  }
  return true;
}

// All readings that fit, as they cannot be told apart.
std::string NameRatio(double ratio, std::span<const int64_t> lengths) {
  const auto is = [&](double x) { return IsClose(ratio, x, 1); };
  if (is(1)) return "";
  std::vector<std::string> readings;
  if (is(-1)) readings.emplace_back("the sign is wrong");
  if (is(2)) readings.emplace_back("twice too large: a factor 1/2 is missing");
  if (is(0.5)) readings.emplace_back("half as large as it should be: a factor 2 is missing");
  const std::set<int64_t> distinct(lengths.begin(), lengths.end());
  for (const int64_t length : distinct) {
    const auto n = static_cast<double>(length);
    if (length < 2) continue;
    if (is(n)) readings.push_back(fmt::format("a sum in place of a mean over {}", length));
    if (is(1 / n)) readings.push_back(fmt::format("a mean in place of a sum over {}", length));
  }
  if (readings.empty()) {
    return fmt::format("every element is {:.6g} times what it should be", ratio);
  }
  return fmt::format("{}", fmt::join(readings, ", or "));
}

}  // namespace

std::string LikelyMistake(const Tensor<double>& analytic, const Tensor<double>& numeric,
                          std::span<const int64_t> lengths) {
  const auto is_finite = [](double x) { return std::isfinite(x); };
  if (!std::all_of(analytic.values().begin(), analytic.values().end(), is_finite)) {
    return "it is not finite";
  }
  if (LargestMagnitude(analytic) == 0)
    return "it is zero: not computed, or cut off on the way back";
  const std::optional<double> ratio = CommonRatio(analytic, numeric);
  if (ratio.has_value()) return NameRatio(*ratio, lengths);
  return IsTransposed(analytic, numeric) ? "it is transposed" : "";
}

}  // namespace gradus
