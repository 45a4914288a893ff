#include "client/pin.h"

#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "fmt/format.h"

namespace gradus {
namespace {

// Reads a number or nested lists of them, from left to right and without recursion: how deep the
// brackets go is up to whoever wrote them.
class ValueParser {
 public:
  explicit ValueParser(std::string_view text) : text_(text) {}

  absl::StatusOr<v1::Tensor> Parse() {
    if (absl::Status s = ParseItem(); !s.ok()) return s;
    while (!open_.empty()) {
      if (Take(']')) {
        if (absl::Status s = CloseList(); !s.ok()) return s;
      } else if (Take(',')) {
        if (absl::Status s = ParseItem(); !s.ok()) return s;
      } else {
        return Expected("',' or ']'");
      }
    }
    SkipBlanks();
    if (at_ != text_.size()) return Expected("the end");
    tensor_.mutable_shape()->Add(lengths_.begin(), lengths_.end());
    return tensor_;
  }

 private:
  // Any number of opening brackets, and the number after them.
  absl::Status ParseItem() {
    if (!open_.empty()) ++open_.back();
    while (Take('[')) open_.push_back(1);
    double number = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
    if (error != std::errc() || !std::isfinite(number)) return Expected("a finite number");
    // The first number says how deep all of them are.
    if (tensor_.values_size() == 0) lengths_.assign(open_.size(), kUnknown);
    if (open_.size() != lengths_.size()) {
      return absl::InvalidArgumentError(
          fmt::format("the number at column {} of '{}' is in {} brackets, those before it in {}",
                      at_ + 1, text_, open_.size(), lengths_.size()));
    }
    tensor_.add_values(number);
    at_ = static_cast<size_t>(end - text_.data());
    return absl::OkStatus();
  }

  absl::Status CloseList() {
    int64_t& length = lengths_[open_.size() - 1];
    if (length == kUnknown) length = open_.back();
    if (length != open_.back()) {
      return absl::InvalidArgumentError(fmt::format(
          "lists side by side in '{}' have {} and {} entries", text_, length, open_.back()));
    }
    open_.pop_back();
    return absl::OkStatus();
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

  absl::Status Expected(std::string_view what) const {
    return absl::InvalidArgumentError(
        fmt::format("expected {} at column {} of '{}'", what, at_ + 1, text_));
  }

  static constexpr int64_t kUnknown = -1;

  std::string_view text_;
  size_t at_ = 0;
  std::vector<int64_t> open_;     // entries so far of each list that is open, outermost first
  std::vector<int64_t> lengths_;  // length of each axis, as soon as the first list there is closed
  v1::Tensor tensor_;
};

}  // namespace

absl::StatusOr<v1::Pin> ParsePin(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return absl::InvalidArgumentError(
        fmt::format("--pin {}: no '='; write ADDRESS=VALUE, as in h[0]=0.6 or h=[0.6,0.4]", text));
  }
  absl::StatusOr<v1::Tensor> value = ValueParser(text.substr(equals + 1)).Parse();
  if (!value.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("--pin {}: {}", text, std::string(value.status().message())));
  }
  v1::Pin pin;
  pin.set_address(std::string(text.substr(0, equals)));
  *pin.mutable_value() = *std::move(value);
  return pin;
}

}  // namespace gradus
