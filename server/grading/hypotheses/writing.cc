#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "server/grading/hypotheses/families.h"
#include "server/grading/hypotheses/parts.h"

namespace gradus {
namespace {

struct EntriesSwapped {
  static constexpr std::string_view kCode = "entries_swapped";
  static constexpr std::string_view kMessage =
      "Two numbers stand in each other's place. Look at their indices.";
  static constexpr Generality kGenerality = Generality::kGeneric;

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (scene.wrong.size() != 2) return;
    Tensor<T> swapped = scene.right;
    std::swap(swapped[scene.wrong.front()], swapped[scene.wrong.back()]);
    readings.push_back(std::move(swapped));
  }
};

struct DecimalPoint {
  static constexpr std::string_view kCode = "decimal_point";
  static constexpr std::string_view kMessage =
      "The digits are right, but the decimal point is not where it belongs.";
  static constexpr Generality kGenerality = Generality::kGeneric;

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    for (const double factor : {10.0, 100.0, 0.1, 0.01}) {
      Tensor<T> moved = scene.right;
      for (const int64_t i : scene.wrong) moved[i] = moved[i] * T(factor);
      readings.push_back(std::move(moved));
    }
  }
};

struct TransposedDigits {
  static constexpr std::string_view kCode = "transposed_digits";
  static constexpr std::string_view kMessage =
      "Two neighbouring digits stand in each other's place.";
  static constexpr Generality kGenerality = Generality::kGeneric;

  template <class T>
  static void Add(const Scene<T>& scene, Readings<T>& readings) {
    if (scene.wrong.size() != 1) return;
    const int64_t i = scene.wrong.front();
    const double written = *scene.written[static_cast<size_t>(i)];
    const double right = PlainValue(scene.right[i]);
    std::string digits = fmt::format("{}", written);
    if (digits.find('e') != std::string::npos) return;
    for (size_t d = 0; d + 1 < digits.size(); ++d) {
      if (digits[d] == digits[d + 1] || digits[d] == '.' || digits[d + 1] == '.' ||
          digits[d] == '-') {
        continue;
      }
      std::swap(digits[d], digits[d + 1]);
      const double restored = std::strtod(digits.c_str(), nullptr);
      std::swap(digits[d], digits[d + 1]);
      // Near the right number, and much nearer than what was written.
      constexpr double kNear = 0.05;
      if (std::abs(restored - right) > kNear * std::abs(written - right)) continue;
      Tensor<T> exchanged = scene.right;
      exchanged[i] = exchanged[i] + T(written - restored);
      readings.push_back(std::move(exchanged));
    }
  }
};

}  // namespace

std::span<const Hypothesis> WritingHypotheses() {
  static constexpr Hypothesis kHypotheses[] = {HypothesisOf<EntriesSwapped>(),
                                               HypothesisOf<DecimalPoint>(),
                                               HypothesisOf<TransposedDigits>()};
  return kHypotheses;
}

}  // namespace gradus
