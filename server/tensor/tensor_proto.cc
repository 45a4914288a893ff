#include "server/tensor/tensor_proto.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "server/status/field_error.h"

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little,
              "raw_le_* is copied as it is; a big-endian machine would have to swap bytes");

// Where a message keeps its numbers.
struct Storage {
  const char* field;     // name of the field
  int64_t count;         // numbers in it
  int64_t excess_bytes;  // bytes of a raw field that make no whole number
};

int64_t Count(const std::string& bytes, size_t width) {
  return static_cast<int64_t>(bytes.size() / width);
}

absl::StatusOr<Storage> FindStorage(const v1::Tensor& message) {
  const int set = (message.values_size() > 0 ? 1 : 0) + (message.raw_le_f64().empty() ? 0 : 1) +
                  (message.raw_le_f32().empty() ? 0 : 1);
  if (set > 1) {
    return FieldError("", Reason::kInvalidValue,
                      "numbers are in more than one of values, raw_le_f64 and raw_le_f32");
  }
  const std::string& f64 = message.raw_le_f64();
  const std::string& f32 = message.raw_le_f32();
  if (!f64.empty()) {
    return Storage{"raw_le_f64", Count(f64, sizeof(double)),
                   static_cast<int64_t>(f64.size() % sizeof(double))};
  }
  if (!f32.empty()) {
    return Storage{"raw_le_f32", Count(f32, sizeof(float)),
                   static_cast<int64_t>(f32.size() % sizeof(float))};
  }
  return Storage{"values", message.values_size(), 0};
}

// Copies raw bytes of numbers of type `From` to numbers of type `To`.
template <class From, class To>
std::vector<To> Decode(const std::string& bytes) {
  std::vector<To> numbers(bytes.size() / sizeof(From));
  for (size_t i = 0; i < numbers.size(); ++i) {
    From number;
    std::memcpy(&number, bytes.data() + i * sizeof(From), sizeof(From));
    numbers[i] = static_cast<To>(number);
  }
  return numbers;
}

template <class From, class To>
void Encode(const Tensor<From>& tensor, std::string* bytes) {
  bytes->resize(static_cast<size_t>(tensor.size()) * sizeof(To));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const To number = static_cast<To>(tensor[i]);
    std::memcpy(bytes->data() + static_cast<size_t>(i) * sizeof(To), &number, sizeof(To));
  }
}

}  // namespace

absl::StatusOr<Shape> ReadShape(const v1::Tensor& message, int64_t max_element_count) {
  if (message.shape_size() > Shape::kMaxRank) {
    return FieldError("shape", Reason::kLimitExceeded,
                      fmt::format("a tensor has at most {} axes, this one has {}", Shape::kMaxRank,
                                  message.shape_size()));
  }
  for (int axis = 0; axis < message.shape_size(); ++axis) {
    if (message.shape(axis) < 1) {
      return FieldError(
          fmt::format("shape[{}]", axis), Reason::kInvalidValue,
          fmt::format("a dimension is at least 1, this one is {}", message.shape(axis)));
    }
  }
  const Shape shape(
      std::span<const int64_t>(message.shape().data(), static_cast<size_t>(message.shape_size())));
  const std::optional<int64_t> count = CheckedElementCount(shape.lengths(), max_element_count);
  if (!count.has_value()) {
    return FieldError("shape", Reason::kLimitExceeded,
                      fmt::format("shape {} has more elements than the limit of {}",
                                  shape.ToString(), max_element_count));
  }
  const absl::StatusOr<Storage> storage = FindStorage(message);
  if (!storage.ok()) return storage.status();
  if (storage->excess_bytes != 0) {
    return FieldError(storage->field, Reason::kValueCount,
                      fmt::format("{} bytes after the last whole number", storage->excess_bytes));
  }
  if (storage->count != *count) {
    return FieldError(storage->field, Reason::kValueCount,
                      fmt::format("shape {} has {} element{}, {} given", shape.ToString(), *count,
                                  *count == 1 ? "" : "s", storage->count));
  }
  return shape;
}

template <class T>
absl::StatusOr<Tensor<T>> ReadValues(const v1::Tensor& message, const Shape& shape,
                                     NonFinite non_finite) {
  std::vector<T> values;
  const char* field = "values";
  if (!message.raw_le_f64().empty()) {
    values = Decode<double, T>(message.raw_le_f64());
    field = "raw_le_f64";
  } else if (!message.raw_le_f32().empty()) {
    values = Decode<float, T>(message.raw_le_f32());
    field = "raw_le_f32";
  } else {
    values.assign(message.values().begin(), message.values().end());
  }
  if (non_finite == NonFinite::kRefuse) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) {
        return FieldError(
            fmt::format("{}[{}]", field, i), Reason::kNonFiniteInput,
            fmt::format("{} is not a finite number in this precision",
                        message.values_size() > 0 ? message.values(static_cast<int>(i))
                                                  : static_cast<double>(values[i])));
      }
    }
  }
  return Tensor<T>(shape, std::move(values));
}

template <class T>
void WriteTensor(const Tensor<T>& tensor, v1::TensorEncoding encoding, v1::Tensor* message) {
  message->Clear();
  const auto lengths = tensor.shape().lengths();
  message->mutable_shape()->Add(lengths.begin(), lengths.end());
  switch (encoding) {
    case v1::TENSOR_ENCODING_RAW_LE_F64:
      Encode<T, double>(tensor, message->mutable_raw_le_f64());
      return;
    case v1::TENSOR_ENCODING_RAW_LE_F32:
      Encode<T, float>(tensor, message->mutable_raw_le_f32());
      return;
    default:
      message->mutable_values()->Add(tensor.values().begin(), tensor.values().end());
      return;
  }
}

template absl::StatusOr<Tensor<double>> ReadValues(const v1::Tensor&, const Shape&, NonFinite);
template absl::StatusOr<Tensor<float>> ReadValues(const v1::Tensor&, const Shape&, NonFinite);
template void WriteTensor(const Tensor<double>&, v1::TensorEncoding, v1::Tensor*);
template void WriteTensor(const Tensor<float>&, v1::TensorEncoding, v1::Tensor*);

}  // namespace gradus
