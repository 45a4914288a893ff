#include "server/engine/quantity.h"

#include <charconv>
#include <optional>

#include "absl/status/status.h"

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace gradus {
namespace {

constexpr size_t kMaxNameLength = 128;
// Far beyond any computation, so that counting on from it cannot overflow.
constexpr int64_t kMaxUpdates = 1'000'000;

bool IsNameStart(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c) || c == '.'; }

// Reads an address from left to right.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<Address> Parse() {
    if (text_.size() > kMaxAddressLength) {
      return absl::InvalidArgumentError(
          fmt::format("an address has at most {} characters, this one has {}", kMaxAddressLength,
                      text_.size()));
    }
    if (absl::Status status = ParseQuantity(); !status.ok()) return status;
    if (Take('@')) {
      const std::optional<int64_t> updates = TakeNumber();
      if (!updates.has_value() || *updates > kMaxUpdates) {
        return Expected("a count of updates");
      }
      address_.updates = static_cast<int>(*updates);
    }
    if (Take('[')) {
      if (absl::Status status = ParseIndices(); !status.ok()) return status;
    }
    SkipBlanks();
    if (at_ != text_.size()) return Expected("the end");
    return address_;
  }

 private:
  absl::Status ParseQuantity() {
    const std::string word = TakeName();
    if (word.empty()) return Expected("a name");
    if (!Take('(')) {
      address_.name = word;
      return absl::OkStatus();
    }
    if (word == "slope") {
      address_.kind = QuantityKind::kSlope;
    } else if (word == "grad") {
      address_.kind = QuantityKind::kGradient;
    } else if (word == "next") {
      address_.kind = QuantityKind::kNext;
    } else if (word == "state") {
      address_.kind = QuantityKind::kState;
    } else {
      return absl::InvalidArgumentError(
          fmt::format("'{}' in '{}' is none of slope, grad, next and state", word, text_));
    }
    address_.name = TakeName();
    if (address_.name.empty()) return Expected("a name");
    if (!Take(')')) return Expected("')'");
    if (address_.kind == QuantityKind::kState) {
      if (!Take('.')) return Expected("'.' and the name of a slot");
      address_.slot = TakeName();
      if (address_.slot.empty()) return Expected("the name of a slot");
    }
    return absl::OkStatus();
  }

  absl::Status ParseIndices() {
    address_.is_element = true;
    if (Take(']')) return absl::OkStatus();
    do {
      const std::optional<int64_t> index = TakeNumber();
      if (!index.has_value()) return Expected("an index, 0 or more");
      address_.indices.push_back(*index);
    } while (Take(','));
    return Take(']') ? absl::OkStatus() : Expected("',' or ']'");
  }

  void SkipBlanks() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  bool Take(char c) {
    SkipBlanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string TakeName() {
    SkipBlanks();
    const size_t begin = at_;
    if (at_ < text_.size() && IsNameStart(text_[at_])) {
      while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::optional<int64_t> TakeNumber() {
    SkipBlanks();
    if (at_ >= text_.size() || !IsDigit(text_[at_])) return std::nullopt;
    int64_t number = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc()) return std::nullopt;
    at_ = static_cast<size_t>(end - text_.data());
    return number;
  }

  absl::Status Expected(std::string_view what) const {
    return absl::InvalidArgumentError(
        fmt::format("expected {} at column {} of '{}'", what, at_ + 1, text_));
  }

  std::string_view text_;
  size_t at_ = 0;
  Address address_;
};

}  // namespace

absl::StatusOr<Address> ParseAddress(std::string_view text) { return Parser(text).Parse(); }

std::string FormatQuantity(QuantityKind kind, std::string_view name, std::string_view slot,
                           int updates) {
  // By hand: a trace has hundreds of addresses, and fmt would be most of the time that they take.
  std::string text;
  switch (kind) {
    case QuantityKind::kValue:
      text = name;
      break;
    case QuantityKind::kSlope:
      text.append("slope(").append(name).append(")");
      break;
    case QuantityKind::kGradient:
      text.append("grad(").append(name).append(")");
      break;
    case QuantityKind::kNext:
      text.append("next(").append(name).append(")");
      break;
    case QuantityKind::kState:
      text.append("state(").append(name).append(").").append(slot);
      break;
  }
  if (updates > 0) text.append("@").append(std::to_string(updates));
  return text;
}

std::string FormatAddress(const Address& address) {
  std::string text = FormatQuantity(address.kind, address.name, address.slot, address.updates);
  if (address.is_element) {
    text += fmt::format("[{}]", fmt::join(address.indices.begin(), address.indices.end(), ","));
  }
  return text;
}

std::string FormatElement(std::string_view quantity, const Shape& shape, int64_t position) {
  std::vector<int64_t> indices(static_cast<size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    indices[static_cast<size_t>(axis)] = position % shape[axis];
    position /= shape[axis];
  }
  return fmt::format("{}[{}]", quantity, fmt::join(indices.begin(), indices.end(), ","));
}

std::string ExplainNoName(std::string_view text) {
  return fmt::format(
      "'{}' is no name; names are letters, digits, '_' and '.', at most {}, and begin with a "
      "letter "
      "or '_'",
      text.substr(0, kMaxNameLength), kMaxNameLength);
}

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameLength || !IsNameStart(text[0])) return false;
  for (const char c : text) {
    if (!IsNamePart(c)) return false;
  }
  return true;
}

}  // namespace gradus
