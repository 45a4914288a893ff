#include "server/ops/recurrent.h"

#include <string>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

// "4 H", or "H" for the only gate.
std::string Rows(int gate_count) { return gate_count == 1 ? "H" : fmt::format("{} H", gate_count); }

}  // namespace

absl::Status CheckCellOperands(const ShapeCall& call, std::span<const std::string_view> names,
                               int state_count, int gate_count) {
  const std::span<const Shape> shapes = call.operands;
  const Shape& input = shapes[0];
  const Shape& hidden = shapes[1];
  const bool is_batch = input.rank() == 2;
  if ((input.rank() != 1 && !is_batch) || hidden.rank() != input.rank() ||
      (is_batch && hidden[0] != input[0])) {
    return FieldError("", Reason::kShapeMismatch,
                      fmt::format("input has shape {}, hidden has shape {}, expected [N, I] and "
                                  "[N, H], or [I] and [H]",
                                  input.ToString(), hidden.ToString()));
  }
  const auto states = static_cast<size_t>(state_count);
  for (size_t i = 2; i <= states; ++i) {
    if (shapes[i] != hidden) {
      return FieldError("", Reason::kShapeMismatch,
                        fmt::format("hidden has shape {}, {} has shape {}", hidden.ToString(),
                                    names[i], shapes[i].ToString()));
    }
  }
  const int64_t rows = gate_count * hidden.back();
  const std::string symbol = Rows(gate_count);
  for (size_t i = states + 1; i < shapes.size(); ++i) {
    const bool is_weight = i <= states + 2;
    const bool of_input = i == states + 1;
    const Shape expected =
        is_weight ? Shape{rows, of_input ? input.back() : hidden.back()} : Shape{rows};
    if (shapes[i] == expected) continue;
    return FieldError(
        "", Reason::kShapeMismatch,
        fmt::format("{} has shape {}, expected [{}{}] = {}", names[i], shapes[i].ToString(), symbol,
                    !is_weight ? ""
                    : of_input ? ", I"
                               : ", H",
                    expected.ToString()));
  }
  return absl::OkStatus();
}

double CellFlops(const ShapeCall& call, int state_count, int gate_count) {
  // A gate has an exponential, and is read a few times.
  constexpr double kPerGate = 50;
  const auto states = static_cast<size_t>(state_count);
  const Shape& hidden = call.operands[1];
  const auto examples = static_cast<double>(hidden.rank() == 2 ? hidden[0] : 1);
  const auto weights = static_cast<double>(call.operands[states + 1].element_count() +
                                           call.operands[states + 2].element_count());
  return 2 * examples * weights +
         kPerGate * gate_count * static_cast<double>(hidden.element_count()) +
         static_cast<double>(call.operands[0].element_count());
}

}  // namespace gradus
