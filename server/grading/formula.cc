#include "server/grading/formula.h"

#include <muParser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "server/status/text.h"

namespace gradus {
namespace {

constexpr size_t kMaxCharacters = 1000;
constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxVariables = 64;
constexpr int kMaxArguments = 8;
// Of a formula in a message.
constexpr size_t kMaxQuotedBytes = 40;

struct Function {
  std::string_view name;
  double (*compute)(double);
};

constexpr Function kFunctions[] = {
    {"exp", [](double x) { return std::exp(x); }},
    {"log", [](double x) { return std::log(x); }},
    {"ln", [](double x) { return std::log(x); }},
    {"sqrt", [](double x) { return std::sqrt(x); }},
    {"abs", [](double x) { return std::abs(x); }},
    {"sin", [](double x) { return std::sin(x); }},
    {"cos", [](double x) { return std::cos(x); }},
    {"tan", [](double x) { return std::tan(x); }},
    {"tanh", [](double x) { return std::tanh(x); }},
    {"sinh", [](double x) { return std::sinh(x); }},
    {"cosh", [](double x) { return std::cosh(x); }},
    {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
    {"relu", [](double x) { return x < 0 ? 0 : x; }},
};

// The smallest or largest of the arguments; NaN if one is NaN.
template <class Beats>
double Best(const double* arguments, int count) {
  double best = arguments[0];
  for (int i = 1; i < count; ++i) {
    if (std::isnan(best)) break;
    if (std::isnan(arguments[i]) || Beats()(arguments[i], best)) best = arguments[i];
  }
  return best;
}

// Most arguments of a function; 0 if there is none of that name.
int MaxArguments(std::string_view name) {
  if (name == "min" || name == "max") return kMaxArguments;
  return std::any_of(std::begin(kFunctions), std::end(kFunctions),
                     [&](const Function& function) { return function.name == name; })
             ? 1
             : 0;
}

// A parser that knows nothing but our functions and the minus sign; the other operators are built
// in. It reads no numbers either: those are constants.
class EmptyParser final : public mu::ParserBase {
 public:
  EmptyParser() {
    InitCharSets();
    InitOprt();
    InitFun();
    // It would put constants together in another order than they are written in.
    EnableOptimizer(false);
  }

 private:
  void InitCharSets() override {
    DefineNameChars("0123456789abcdefghijklmnopqrstuvwxyz");
    DefineOprtChars("+-*/^");
    DefineInfixOprtChars("-");
  }
  void InitOprt() override {
    DefineInfixOprt("-", [](double x) { return -x; });
  }
  void InitFun() override {
    for (const Function& function : kFunctions) {
      DefineFun(std::string(function.name), function.compute);
    }
    DefineFun("min", &Best<std::less<>>);
    DefineFun("max", &Best<std::greater<>>);
  }
  void InitConst() override {}
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Bytes of the character that a byte begins; 0 if it begins none.
size_t CharacterLength(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte >= 0xc2 && byte < 0xe0) return 2;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  if (byte >= 0xf0 && byte < 0xf5) return 4;
  return 0;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = CharacterLength(text[0]);
    if (length == 0 || length > text.size()) return false;
    if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length),
                     IsContinuation)) {
      return false;
    }
    // Longer than needed, a surrogate, or beyond the last character.
    const std::string_view start = text.substr(0, 2);
    if ((start >= "\xe0\x80" && start < "\xe0\xa0") || (start >= "\xed\xa0" && start < "\xee") ||
        (start >= "\xf0\x80" && start < "\xf0\x90") || start >= "\xf4\x90") {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

size_t CountCharacters(std::string_view text) {
  return text.size() - static_cast<size_t>(std::count_if(text.begin(), text.end(), IsContinuation));
}

// The character that text begins with.
std::string_view FirstCharacter(std::string_view text) {
  return text.empty() ? text : text.substr(0, CharacterLength(text[0]));
}

bool BeginsNumber(std::string_view character) { return IsDigit(character[0]) || character == "."; }

bool IsBlank(std::string_view character) {
  return character == " " || character == "\t" || character == "\n" || character == "\r" ||
         character == "\u00a0";
}

// The binary operator that a character means, or 0.
char OperatorOf(std::string_view character) {
  if (character == "×" || character == "·" || character == "⋅") return '*';
  if (character == "\u2212") return '-';
  return character.size() == 1 &&
                 std::string_view("+-*/^").find(character) != std::string_view::npos
             ? character[0]
             : '\0';
}

// The exponent that a raised digit means, or 0.
char RaisedDigit(std::string_view character) {
  if (character == "²") return '2';
  return character == "³" ? '3' : '\0';
}

// May a character be part of a word? All letters beyond ASCII may, and what else there is: in a
// symbol nothing is forbidden.
bool IsWordPart(std::string_view character) {
  if (character.empty()) return false;
  if (character.size() == 1) {
    const char c = character[0];
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || IsDigit(c) || c == '_' || c == '.';
  }
  return OperatorOf(character) == '\0' && RaisedDigit(character) == '\0' && !IsBlank(character);
}

// The last character of text that is not empty.
std::string_view LastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && IsContinuation(text[begin])) --begin;
  return text.substr(begin);
}

std::string_view SkipBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(FirstCharacter(text))) {
    text.remove_prefix(FirstCharacter(text).size());
  }
  return text;
}

// The word that text begins with, or nothing.
std::string_view FirstWord(std::string_view text) {
  size_t length = 0;
  while (IsWordPart(FirstCharacter(text.substr(length)))) {
    length += FirstCharacter(text.substr(length)).size();
  }
  return text.substr(0, length);
}

bool IsQuantityKind(std::string_view word) {
  return word == "slope" || word == "grad" || word == "next" || word == "state";
}

// Length of the address that text begins with, by its look; it begins with a word.
size_t AddressLength(std::string_view text, std::string_view word) {
  std::string_view rest = text.substr(word.size());
  // Takes `open`, what `inside` lists, and `close` as far as they are there.
  const auto take = [&](char open, const auto& inside, char close) {
    const std::string_view next = SkipBlanks(rest);
    if (!next.starts_with(open)) return false;
    rest = next.substr(1);
    while (!rest.empty() && inside(rest[0])) rest.remove_prefix(1);
    if (close != '\0' && rest.starts_with(close)) rest.remove_prefix(1);
    return true;
  };
  const auto in_name = [](char c) { return c == ' ' || IsWordPart({&c, 1}); };
  const auto in_slot = [](char c) { return IsWordPart({&c, 1}); };
  const auto in_indices = [](char c) { return c == ' ' || c == ',' || IsDigit(c); };
  if (IsQuantityKind(word) && take('(', in_name, ')') && word == "state") {
    take('.', in_slot, '\0');
  }
  if (take(
          '@', [](char c) { return c == ' '; }, '\0')) {
    while (!rest.empty() && IsDigit(rest[0])) rest.remove_prefix(1);
  }
  take('[', in_indices, ']');
  return text.size() - rest.size();
}

bool IsSame(const Target& a, const Target& b) {
  return a.quantity == b.quantity && a.update == b.update && a.element == b.element;
}

}  // namespace

// A formula in the library's hands.
class Formula::Program {
 public:
  // `text` is over variables v0, v1, ... and constants k0, k1, ...; throws what the library throws.
  Program(const std::string& text, size_t variable_count, std::span<const double> constants)
      : values_(variable_count) {
    for (size_t i = 0; i < values_.size(); ++i) {
      parser_.DefineVar(fmt::format("v{}", i), &values_[i]);
    }
    for (size_t i = 0; i < constants.size(); ++i) {
      parser_.DefineConst(fmt::format("k{}", i), constants[i]);
    }
    parser_.SetExpr(text);
    // The first evaluation reads the text.
    parser_.Eval();
  }

  // The library evaluates in place, on a stack and on variables that it has addresses of.
  double Evaluate(std::span<const double> values) {
    const std::lock_guard lock(mutex_);
    std::copy(values.begin(), values.end(), values_.begin());
    return parser_.Eval();
  }

 private:
  std::mutex mutex_;
  std::vector<double> values_;
  EmptyParser parser_;
};

namespace {

// Reads a formula from left to right and writes it anew for the library: what comes out is always
// well formed.
class FormulaReader {
 public:
  FormulaReader(std::string_view text, const FormulaNames& names) : text_(text), names_(names) {}

  absl::Status Read() {
    if (!IsUtf8(text_)) return absl::InvalidArgumentError("the formula is not UTF-8 text");
    if (const size_t count = CountCharacters(text_); count > kMaxCharacters) {
      return absl::InvalidArgumentError(fmt::format(
          "a formula has at most {} characters, this one has {}", kMaxCharacters, count));
    }
    if (SkipBlanks(text_).empty()) return absl::InvalidArgumentError("the formula is empty");
    while (true) {
      at_ = text_.size() - SkipBlanks(Rest()).size();
      if (Rest().empty()) break;
      if (absl::Status s = wants_factor_ ? ReadFactor() : ReadOperator(); !s.ok()) return s;
    }
    if (wants_factor_) return WantsFactor();
    if (!open_.empty()) return Wrong("'('", open_.back().at, "is not closed");
    return absl::OkStatus();
  }

  const std::string& program() const { return program_; }
  const std::vector<double>& constants() const { return constants_; }
  const std::vector<Target>& variables() const { return variables_; }

 private:
  struct OpenParenthesis {
    size_t at;
    std::string_view function;  // empty: it only groups
    int argument_count = 1;
  };

  std::string_view Rest() const { return text_.substr(at_); }
  size_t Column(size_t at) const { return CountCharacters(text_.substr(0, at)) + 1; }

  absl::Status Wrong(std::string_view what, size_t at, std::string_view why) const {
    return absl::InvalidArgumentError(fmt::format("{} at column {} {}", what, Column(at), why));
  }
  static std::string Quoted(std::string_view text) {
    return fmt::format("'{}'", Printable(text, kMaxQuotedBytes));
  }
  absl::Status WantsFactor() const {
    constexpr std::string_view kWanted = "a number, a name or '('";
    if (Rest().empty()) {
      return absl::InvalidArgumentError(fmt::format("the formula ends where {} is due", kWanted));
    }
    return Wrong(Quoted(FirstCharacter(Rest())), at_,
                 fmt::format("stands where {} is due", kWanted));
  }

  // Anything after which an operator may follow; the blanks before it are skipped.
  absl::Status ReadFactor() {
    const std::string_view character = FirstCharacter(Rest());
    const char sign = OperatorOf(character);
    if (sign == '+' || sign == '-') {
      negative_ ^= sign == '-';
      at_ += character.size();
      return absl::OkStatus();
    }
    if (character == "(") return Open("", 1);
    if (BeginsNumber(character)) return ReadNumber();
    if (const auto symbol = FindSymbol(); symbol != names_.symbols.end()) {
      return AddVariable(symbol->first.size(), symbol->second);
    }
    const std::string_view word = FirstWord(Rest());
    if (word.empty()) return WantsFactor();
    const std::string_view after = SkipBlanks(Rest().substr(word.size()));
    const bool opens = after.starts_with('(');
    if (MaxArguments(word) > 0 && opens) {
      return Open(word, Rest().size() - after.size() + 1);
    }
    return ReadAddress(word);
  }

  absl::Status ReadOperator() {
    const std::string_view character = FirstCharacter(Rest());
    if (const char digit = RaisedDigit(character); digit != '\0' && !is_raised_) {
      program_ += '^';
      AddConstant(digit - '0');
      is_raised_ = true;
      at_ += character.size();
      return absl::OkStatus();
    }
    // To raise x² once more would mean something else than it looks like.
    if (const char sign = OperatorOf(character); sign != '\0' && !(sign == '^' && is_raised_)) {
      AddOperator(sign);
      at_ += character.size();
      return absl::OkStatus();
    }
    if (character == ")") return Close();
    if (character == ",") return NextArgument();
    if (is_number_ && BeginsNumber(character)) {
      return Wrong(Quoted(Number()), at_, "follows another number; write '*' for a product");
    }
    const bool begins_factor =
        character == "(" || IsWordPart(character) || FindSymbol() != names_.symbols.end();
    if (!begins_factor) {
      return Wrong(Quoted(character), at_, "has no place here in a formula");
    }
    AddOperator('*');
    return absl::OkStatus();
  }

  void AddOperator(char sign) {
    program_ += sign;
    wants_factor_ = true;
  }
  // Writes the signs that were read before a factor.
  void AddSign() {
    if (negative_) program_ += '-';
    negative_ = false;
  }
  void AddConstant(double number) {
    program_ += fmt::format("k{}", constants_.size());
    constants_.push_back(number);
  }
  void EndFactor(size_t length, bool is_number) {
    at_ += length;
    wants_factor_ = false;
    is_number_ = is_number;
    is_raised_ = false;
  }

  // The digits, with point and exponent, that stand here.
  std::string_view Number() const {
    const std::string_view rest = Rest();
    const auto skip_digits = [&](size_t at) {
      while (at < rest.size() && IsDigit(rest[at])) ++at;
      return at;
    };
    size_t length = skip_digits(0);
    if (rest.substr(length).starts_with('.')) length = skip_digits(length + 1);
    const std::string_view exponent = rest.substr(length, 2);
    if (exponent.starts_with('e') || exponent.starts_with('E')) {
      const size_t digits = length + (exponent.ends_with('+') || exponent.ends_with('-') ? 2 : 1);
      // "2e" is 2 times e.
      if (skip_digits(digits) > digits) length = skip_digits(digits);
    }
    return rest.substr(0, length);
  }

  absl::Status ReadNumber() {
    const std::string_view text = Number();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) {
      return Wrong(Quoted(text), at_, "is too large or too small for a number");
    }
    if (error != std::errc()) return WantsFactor();  // a lone point
    AddSign();
    AddConstant(number);
    EndFactor(text.size(), true);
    return absl::OkStatus();
  }

  // The longest symbol that stands here as a whole.
  std::map<std::string, Target, std::less<>>::const_iterator FindSymbol() const {
    // A longer symbol comes later in the map than those that it begins with, so the last one up to
    // `prefix` has all of it, or shares so much with it that no longer one can stand here.
    std::string_view prefix = Rest();
    while (!prefix.empty()) {
      auto symbol = names_.symbols.upper_bound(prefix);
      if (symbol == names_.symbols.begin()) break;
      --symbol;
      const std::string_view name = symbol->first;
      const auto differ = std::mismatch(name.begin(), name.end(), prefix.begin(), prefix.end());
      const auto common = static_cast<size_t>(differ.first - name.begin());
      if (common == name.size() && common > 0 && StandsAsWhole(name)) return symbol;
      prefix = prefix.substr(0, common == name.size() && common > 0 ? common - 1 : common);
    }
    return names_.symbols.end();
  }

  // Is a symbol that the rest begins with not just the beginning of something longer?
  bool StandsAsWhole(std::string_view name) const {
    const std::string_view after = Rest().substr(name.size());
    if (!IsWordPart(LastCharacter(name))) return true;
    const std::string_view next = SkipBlanks(after);
    return !IsWordPart(FirstCharacter(after)) && !next.starts_with('[') && !next.starts_with('@');
  }

  absl::Status ReadAddress(std::string_view word) {
    const std::string_view text = Rest().substr(0, AddressLength(Rest(), word));
    if (!IsName(word)) return Wrong(Quoted(word), at_, "is no symbol and no quantity");
    const absl::StatusOr<Address> address = ParseAddress(text);
    if (!address.ok()) {
      return Wrong(Quoted(text), at_,
                   fmt::format("is no address: {}", std::string(address.status().message())));
    }
    const absl::StatusOr<Target> target = names_.locate(*address);
    if (!target.ok()) {
      if (MaxArguments(text) > 0) {
        return Wrong(Quoted(text), at_, "is a function and needs parentheses");
      }
      return Wrong(Quoted(text), at_,
                   fmt::format("is unknown: {}", std::string(target.status().message())));
    }
    return AddVariable(text.size(), *target);
  }

  // Adds a variable that `length` bytes name.
  absl::Status AddVariable(size_t length, Target target) {
    const std::string name = Quoted(Rest().substr(0, length));
    if (!target.element.has_value()) {
      const int64_t count = names_.element_count(target);
      if (count != 1) {
        return Wrong(name, at_, fmt::format("has {} elements, name one of them", count));
      }
      target.element = 0;
    }
    const auto known = std::find_if(variables_.begin(), variables_.end(),
                                    [&](const Target& other) { return IsSame(other, target); });
    const auto index = known - variables_.begin();
    if (known == variables_.end()) {
      if (variables_.size() == kMaxVariables) {
        return Wrong(name, at_,
                     fmt::format("is one too many, a formula names at most {} different quantities",
                                 kMaxVariables));
      }
      if (absl::Status s = names_.check(target); !s.ok()) {
        return Wrong(name, at_, fmt::format("cannot be used: {}", std::string(s.message())));
      }
      variables_.push_back(target);
    }
    AddSign();
    program_ += fmt::format("v{}", index);
    EndFactor(length, false);
    return absl::OkStatus();
  }

  // Opens a parenthesis, the last of `length` bytes.
  absl::Status Open(std::string_view function, size_t length) {
    const size_t at = at_ + length - 1;
    if (open_.size() == kMaxDepth) {
      return Wrong("'('", at, fmt::format("is nested deeper than {} levels", kMaxDepth));
    }
    open_.push_back({at, function});
    AddSign();
    program_.append(function).append("(");
    at_ += length;
    return absl::OkStatus();
  }

  absl::Status Close() {
    if (open_.empty()) return Wrong("')'", at_, "closes nothing");
    const OpenParenthesis& open = open_.back();
    if (!open.function.empty() && open.argument_count > MaxArguments(open.function)) {
      return Wrong(Quoted(open.function), static_cast<size_t>(open.function.data() - text_.data()),
                   fmt::format("has {} arguments, it takes {}", open.argument_count,
                               MaxArguments(open.function) == 1
                                   ? "1"
                                   : fmt::format("1 to {}", MaxArguments(open.function))));
    }
    open_.pop_back();
    program_ += ')';
    EndFactor(1, false);
    return absl::OkStatus();
  }

  absl::Status NextArgument() {
    if (open_.empty() || open_.back().function.empty()) {
      return Wrong("','", at_, "separates no arguments; a decimal point is '.'");
    }
    ++open_.back().argument_count;
    program_ += ',';
    wants_factor_ = true;
    ++at_;
    return absl::OkStatus();
  }

  const std::string_view text_;
  const FormulaNames& names_;
  size_t at_ = 0;  // how far it is read
  std::vector<OpenParenthesis> open_;
  bool wants_factor_ = true;
  bool negative_ = false;   // by the signs before the factor that comes
  bool is_number_ = false;  // the factor just read is one
  bool is_raised_ = false;  // ... by a raised digit

  std::string program_;
  std::vector<double> constants_;
  std::vector<Target> variables_;
};

}  // namespace

absl::StatusOr<Formula> Formula::Parse(std::string_view text, const FormulaNames& names) {
  FormulaReader reader(text, names);
  if (absl::Status s = reader.Read(); !s.ok()) return s;
  try {
    return Formula(
        reader.variables(),
        std::make_shared<Program>(reader.program(), reader.variables().size(), reader.constants()));
  } catch (const mu::ParserError& error) {
    return absl::InvalidArgumentError(
        fmt::format("the formula cannot be read: {}", error.GetMsg()));
  }
}

Formula Formula::OfQuantity(const Target& target) {
  Target number = target;
  number.element = target.element.value_or(0);
  return {{number}, std::make_shared<Program>("v0", 1, std::span<const double>())};
}

double Formula::Evaluate(std::span<const double> values) const {
  return program_->Evaluate(values);
}

double Formula::HalfWidth(std::span<const double> values,
                          std::span<const double> half_widths) const {
  // Where half the digits of a difference are good.
  static const double relative_step = std::cbrt(std::numeric_limits<double>::epsilon());
  std::vector<double> moved(values.begin(), values.end());
  const double center = Evaluate(values);
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (half_widths[i] == 0) continue;
    // Steps as far as the value may be off, so that a bend within counts; but not so little that
    // rounding is all there is to see. Each side for itself: x^2 at 0 moves, though its slope is 0.
    const double step = std::max(half_widths[i], relative_step * std::abs(values[i]));
    moved[i] = values[i] + step;
    const double above = std::abs(Evaluate(moved) - center);
    moved[i] = values[i] - step;
    const double below = std::abs(Evaluate(moved) - center);
    moved[i] = values[i];
    // Not std::max, which may lose a NaN.
    sum += (above > below || std::isnan(above) ? above : below) * (half_widths[i] / step);
  }
  return sum;
}

}  // namespace gradus
