#include "client/trace_table.h"

#include <string_view>
#include <utility>
#include <vector>

#include "client/columns.h"
#include "client/console.h"
#include "client/tensor_text.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace gradus {
namespace {

enum class Phase { kForward, kBackward, kUpdate };

Phase PhaseOf(std::string_view address) {
  if (address.starts_with("grad(") || address.starts_with("slope(")) return Phase::kBackward;
  if (address.starts_with("next(") || address.starts_with("state(")) return Phase::kUpdate;
  return Phase::kForward;
}

}  // namespace

absl::StatusOr<std::string> TraceTable(const v1::Trace& trace) {
  std::vector<std::vector<std::string>> rows = {{"quantity", "op", "shape", "value"}};
  for (int i = 0; i < trace.entries_size(); ++i) {
    const v1::TraceEntry& entry = trace.entries(i);
    if (i == 0 || PhaseOf(entry.address()) != PhaseOf(trace.entries(i - 1).address())) {
      rows.emplace_back();
    }
    const absl::StatusOr<std::vector<std::string>> lines = TensorLines(entry.tensor());
    if (!lines.ok()) {
      return absl::InternalError(fmt::format("the server's answer makes no sense: {}: {}",
                                             entry.address(),
                                             std::string(lines.status().message())));
    }
    const auto& shape = entry.tensor().shape();
    rows.push_back({Printable(entry.address()), Printable(entry.op()),
                    fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", ")),
                    lines->front()});
    for (size_t line = 1; line < lines->size(); ++line)
      rows.push_back({"", "", "", (*lines)[line]});
  }
  std::string text = AlignColumns(rows, "");
  if (trace.non_finite_size() > 0) {
    text += fmt::format("\nwarning: not finite, first at {}\n",
                        Printable(fmt::format("{}", fmt::join(trace.non_finite().begin(),
                                                              trace.non_finite().end(), ", "))));
  }
  return text;
}

}  // namespace gradus
