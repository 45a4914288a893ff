#include "client/tensor_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "fmt/format.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

constexpr int64_t kMaxColumns = 8;
constexpr int64_t kMaxRows = 8;        // of one matrix
constexpr int64_t kMaxRowsInAll = 16;  // of all matrices

std::string NumberText(double x) {
  if (std::isnan(x)) return "nan";               // of either sign
  return fmt::format("{:.6g}", x == 0 ? 0 : x);  // -0 is 0
}

// Characters before the decimal point or, where there is none, the exponent.
size_t WholeWidth(const std::string& number) {
  return std::min(number.find_first_of(".e"), number.size());
}

// A matrix, its numbers aligned.
std::vector<std::string> MatrixLines(std::span<const double> values, int64_t rows,
                                     int64_t columns) {
  const int64_t shown_rows = std::min(rows, kMaxRows);
  const int64_t shown_columns = std::min(columns, kMaxColumns);
  std::vector<std::string> lines(static_cast<size_t>(shown_rows), "[");
  for (int64_t column = 0; column < shown_columns; ++column) {
    std::vector<std::string> numbers;
    size_t whole = 0;
    size_t rest = 0;
    for (int64_t row = 0; row < shown_rows; ++row) {
      numbers.push_back(NumberText(values[static_cast<size_t>(row * columns + column)]));
      const size_t width = WholeWidth(numbers.back());
      whole = std::max(whole, width);
      rest = std::max(rest, numbers.back().size() - width);
    }
    for (size_t row = 0; row < numbers.size(); ++row) {
      const size_t width = WholeWidth(numbers[row]);
      if (column > 0) lines[row] += "  ";
      lines[row].append(whole - width, ' ');
      lines[row] += numbers[row];
      lines[row].append(rest - (numbers[row].size() - width), ' ');
    }
  }
  for (std::string& line : lines) {
    if (columns > shown_columns) line += fmt::format("  ... {} more", columns - shown_columns);
    line += ']';
  }
  if (rows > shown_rows) lines.push_back(fmt::format("... {} more rows", rows - shown_rows));
  return lines;
}

// "[0, 2, :, :]" for a matrix of a tensor with four axes or so.
std::string MatrixIndex(const Shape& shape, int64_t matrix) {
  std::string index = ":, :]";
  for (int axis = shape.rank() - 3; axis >= 0; --axis) {
    index = fmt::format("{}, {}", matrix % shape[axis], index);
    matrix /= shape[axis];
  }
  return "[" + index;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> TensorLines(const v1::Tensor& tensor) {
  const absl::StatusOr<Shape> read = ReadShape(tensor, std::numeric_limits<int64_t>::max());
  if (!read.ok()) return absl::InternalError(read.status().message());
  const Shape& shape = *read;
  const absl::StatusOr<Tensor<double>> numbers =
      ReadValues<double>(tensor, shape, NonFinite::kAllow);
  if (!numbers.ok()) return absl::InternalError(numbers.status().message());
  const std::span<const double> values = numbers->values();

  if (shape.rank() == 0) return std::vector<std::string>{NumberText(values[0])};
  const int64_t columns = shape.back();
  const int64_t rows = shape.rank() == 1 ? 1 : shape[shape.rank() - 2];
  if (shape.rank() <= 2) return MatrixLines(values, rows, columns);

  const int64_t matrices = shape.element_count() / (rows * columns);
  const int64_t shown = std::min(matrices, kMaxRowsInAll / std::min(rows, kMaxRows));
  std::vector<std::string> lines;
  for (int64_t matrix = 0; matrix < shown; ++matrix) {
    lines.push_back(MatrixIndex(shape, matrix));
    const auto size = static_cast<size_t>(rows * columns);
    const auto part = values.subspan(static_cast<size_t>(matrix) * size, size);
    for (std::string& line : MatrixLines(part, rows, columns)) lines.push_back(std::move(line));
  }
  if (matrices > shown) lines.push_back(fmt::format("... {} more matrices", matrices - shown));
  return lines;
}

}  // namespace gradus
