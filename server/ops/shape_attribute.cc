#include "server/ops/shape_attribute.h"

#include <string>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {

absl::StatusOr<Shape> ReadShapeAttribute(const google::protobuf::RepeatedField<int64_t>& lengths,
                                         std::string_view field, UnknownLength unknown_length) {
  if (absl::Status s = CheckOutputRank(lengths.size(), field); !s.ok()) return s;
  Shape shape;
  bool has_unknown = false;
  for (int i = 0; i < lengths.size(); ++i) {
    const bool is_unknown = unknown_length == UnknownLength::kAllow && lengths[i] == -1;
    if (is_unknown ? has_unknown : lengths[i] < 1) {
      return FieldError(fmt::format("{}[{}]", field, i), Reason::kInvalidValue,
                        is_unknown
                            ? "a second -1, only one length can follow from the others"
                            : fmt::format("a length is at least 1, this one is {}", lengths[i]));
    }
    has_unknown |= is_unknown;
    shape.Append(lengths[i]);
  }
  return shape;
}

absl::Status CheckOutputRank(int64_t rank, std::string_view field) {
  if (rank <= Shape::kMaxRank) return absl::OkStatus();
  return FieldError(
      std::string(field), Reason::kLimitExceeded,
      fmt::format("a tensor has at most {} axes, the output would have {}", Shape::kMaxRank, rank));
}

}  // namespace gradus
