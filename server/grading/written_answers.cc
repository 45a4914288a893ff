#include "server/grading/written_answers.h"

#include <cstdint>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/engine/quantity.h"
#include "server/tensor/tensor_proto.h"

namespace gradus {
namespace {

constexpr int64_t kMaxNumbersOfAnswer = 10'000;

// One spelling for each address; what is no address stays as it is.
std::string Canonical(const std::string& address) {
  const absl::StatusOr<Address> parsed = ParseAddress(address);
  return parsed.ok() ? FormatAddress(*parsed) : address;
}

std::string WithoutBlanks(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') + 1 - first));
}

std::vector<std::string> NumbersOf(const v1::Answer& answer) {
  std::vector<std::string> numbers;
  if (answer.has_text()) {
    if (answer.text().values_size() > kMaxNumbersOfAnswer) return {};
    for (const std::string& value : answer.text().values()) {
      numbers.push_back(WithoutBlanks(value));
    }
  } else if (answer.has_tensor()) {
    const absl::StatusOr<Shape> shape = ReadShape(answer.tensor(), kMaxNumbersOfAnswer);
    if (!shape.ok()) return {};
    const absl::StatusOr<Tensor<double>> tensor =
        ReadValues<double>(answer.tensor(), *shape, NonFinite::kAllow);
    if (!tensor.ok()) return {};
    for (const double x : tensor->values()) numbers.push_back(fmt::format("{}", x));
  }
  return numbers;
}

}  // namespace

WrittenAnswers::WrittenAnswers(const v1::Assignment& assignment)
    : item_count_(static_cast<size_t>(assignment.items_size())) {
  // An unset problem is the only one.
  const auto key = [&](const std::string& problem, const std::string& address) {
    const bool is_default = problem.empty() && assignment.problems_size() == 1;
    return fmt::format("{} {}", is_default ? assignment.problems(0).name() : problem,
                       Canonical(address));
  };
  const auto add = [](auto& names, const std::string& name, std::optional<size_t> item) {
    const auto [known, is_new] = names.try_emplace(name, item);
    if (!is_new && known->second != item) known->second = std::nullopt;
  };
  std::unordered_map<std::string, std::optional<size_t>> by_key;
  for (size_t i = 0; i < item_count_; ++i) {
    const v1::Item& item = assignment.items(static_cast<int>(i));
    by_id_.try_emplace(item.id(), i);
    if (item.key_case() != v1::Item::kQuantity) continue;
    add(by_alias_, Canonical(item.quantity()), i);
    add(by_key, key(item.problem(), item.quantity()), i);
  }
  for (const v1::Symbol& symbol : assignment.symbols()) {
    const auto found = by_key.find(key(symbol.problem(), symbol.quantity()));
    if (found != by_key.end()) add(by_alias_, symbol.name(), found->second);
  }
}

std::vector<std::vector<std::string>> WrittenAnswers::Read(const v1::Submission& submission) const {
  std::vector<const v1::Answer*> answers(item_count_, nullptr);
  std::vector<bool> is_ambiguous(item_count_, false);
  for (const v1::Answer& answer : submission.answers()) {
    const std::optional<size_t> item = FindItem(answer.item());
    if (!item.has_value()) continue;
    if (answers[*item] != nullptr) is_ambiguous[*item] = true;
    answers[*item] = &answer;
  }
  std::vector<std::vector<std::string>> numbers(item_count_);
  for (size_t i = 0; i < item_count_; ++i) {
    if (answers[i] != nullptr && !is_ambiguous[i]) numbers[i] = NumbersOf(*answers[i]);
  }
  return numbers;
}

std::optional<size_t> WrittenAnswers::FindItem(const std::string& name) const {
  if (const auto found = by_id_.find(name); found != by_id_.end()) return found->second;
  for (const std::string& alias : {name, Canonical(name)}) {
    if (const auto found = by_alias_.find(alias); found != by_alias_.end()) return found->second;
  }
  return std::nullopt;
}

int TellingDigits(std::string_view number) {
  int total = 0;
  int seen = 0;     // since the first of this number that is not 0
  int telling = 0;  // of them, up to the last that is not 0
  for (const char c : number) {
    if (c == 'e' || c == 'E') break;
    if (c == '/') {
      total += telling;
      seen = telling = 0;
    }
    if (c < '0' || c > '9') continue;
    if (c != '0' || seen > 0) ++seen;
    if (c != '0') telling = seen;
  }
  return total + telling;
}

}  // namespace gradus
