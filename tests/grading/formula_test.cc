#include "server/grading/formula.h"

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/status/text.h"
#include "tests/support/random.h"

namespace gradus {
namespace {

using ::testing::HasSubstr;
using testing::Random;

// Quantities of a made-up network, by what they are called and their values. Positions in the list
// stand for ValueIds.
struct Known {
  std::string_view name;
  std::vector<double> values;
};

// Two plain numbers, vectors, a name that is also a function's, and one too late to be named.
const std::vector<Known>& Quantities() {
  static const auto* const kQuantities = new std::vector<Known>{
      {"x", {3}},     {"y", {5}},    {"h", {2, 7, 11}}, {"W", {1, 2, 3, 4}},
      {"max", {0.5}}, {"late", {1}}, {"x1", {13}},      {"dead.x", {17}},
  };
  return *kQuantities;
}

Target At(int value, std::optional<int64_t> element, QuantityKind kind = QuantityKind::kValue) {
  return {{kind, value}, 0, element};
}

class FormulaTest : public ::testing::Test {
 protected:
  absl::StatusOr<Formula> Parse(std::string_view text) {
    const FormulaNames names = {
        symbols_,
        [](const Address& address) -> absl::StatusOr<Target> {
          for (size_t i = 0; i < Quantities().size(); ++i) {
            if (Quantities()[i].name != address.name) continue;
            Target target = {{address.kind, static_cast<int>(i)}, address.updates, std::nullopt};
            if (address.is_element) {
              target.element = address.indices.empty() ? 0 : address.indices.back();
            }
            return target;
          }
          return absl::InvalidArgumentError("no such node");
        },
        [this](const Target& target) {
          checked_.push_back(target);
          return Quantities()[static_cast<size_t>(target.quantity.value)].name == "late"
                     ? absl::InvalidArgumentError("it comes later")
                     : absl::OkStatus();
        },
        [](const Target& target) {
          return static_cast<int64_t>(
              Quantities()[static_cast<size_t>(target.quantity.value)].values.size());
        }};
    return Formula::Parse(text, names);
  }

  // The value of a formula; of a gradient 100 times that of the value.
  double ValueOf(std::string_view text) {
    const absl::StatusOr<Formula> formula = Parse(text);
    EXPECT_TRUE(formula.ok()) << text << ": " << formula.status();
    if (!formula.ok()) return std::nan("");
    return formula->Evaluate(ValuesFor(*formula));
  }

  static std::vector<double> ValuesFor(const Formula& formula) {
    std::vector<double> values;
    for (const Target& target : formula.variables()) {
      const double value = Quantities()[static_cast<size_t>(target.quantity.value)]
                               .values[static_cast<size_t>(*target.element)];
      values.push_back(target.quantity.kind == QuantityKind::kGradient ? 100 * value : value);
    }
    return values;
  }

  std::string ErrorOf(std::string_view text) {
    const absl::StatusOr<Formula> formula = Parse(text);
    EXPECT_FALSE(formula.ok()) << text;
    EXPECT_EQ(formula.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(formula.status().message());
  }

  std::map<std::string, Target, std::less<>> symbols_ = {
      {"δ4", At(1, 0, QuantityKind::kGradient)},
      {"dL/dw5", At(3, 1)},
      {"dL", At(3, 0)},
      {"w1[3]", At(3, 2)},
      {"σ'(z1)", At(3, 3)},
      {"all", At(3, std::nullopt)},
      {"one", At(0, std::nullopt)},
      {"q", At(2, 1)},
      {"", At(2, 1)},
      {"1", At(2, 1)},
      {"-x", At(2, 1)},
  };
  std::vector<Target> checked_;
};

TEST_F(FormulaTest, KnowsPrecedence) {
  EXPECT_EQ(ValueOf("2 + 3 * 4"), 14);
  EXPECT_EQ(ValueOf("(2 + 3) * 4"), 20);
  EXPECT_EQ(ValueOf("2 - 3 - 4"), -5);
  EXPECT_EQ(ValueOf("2 - (3 - 4)"), 3);
  EXPECT_EQ(ValueOf("24 / 3 / 4"), 2);
  EXPECT_EQ(ValueOf("24 / 3 * 4"), 32);
  EXPECT_EQ(ValueOf("2^3^2"), 512);
  EXPECT_EQ(ValueOf("(2^3)^2"), 64);
  EXPECT_EQ(ValueOf("2 * 3^2"), 18);
  EXPECT_EQ(ValueOf("-3^2"), -9);
  EXPECT_EQ(ValueOf("-x^2"), -9);
  EXPECT_EQ(ValueOf("(-x)^2"), 9);
  EXPECT_EQ(ValueOf("2^-2"), 0.25);
  EXPECT_EQ(ValueOf("2^-2^2"), 0.0625);
  EXPECT_EQ(ValueOf("2^-1 * 6"), 3);
  EXPECT_EQ(ValueOf("6 / -3 * 2"), -4);
  EXPECT_EQ(ValueOf("2 * -3^2"), -18);
  EXPECT_EQ(ValueOf("-2 * 3 + 1"), -5);
  EXPECT_EQ(ValueOf("1 - -2 * 3"), 7);
}

TEST_F(FormulaTest, TakesSignsTogether) {
  EXPECT_EQ(ValueOf("--x"), 3);
  EXPECT_EQ(ValueOf("-+-+x"), 3);
  EXPECT_EQ(ValueOf("1 - - -x"), -2);
  EXPECT_EQ(ValueOf("2--3"), 5);
  EXPECT_EQ(ValueOf("-(x)"), -3);
  EXPECT_EQ(ValueOf("-exp(0)"), -1);
  EXPECT_EQ(ValueOf("+x"), 3);
  EXPECT_EQ(ValueOf("max(-1, -2)"), -1);
  EXPECT_EQ(ValueOf("-(-(-x))"), -3);
}

TEST_F(FormulaTest, ReadsNumbers) {
  EXPECT_EQ(ValueOf("0.130"), 0.13);
  EXPECT_EQ(ValueOf(".5"), 0.5);
  EXPECT_EQ(ValueOf("5."), 5);
  EXPECT_EQ(ValueOf("1.25e-3"), 0.00125);
  EXPECT_EQ(ValueOf("1E3"), 1000);
  EXPECT_EQ(ValueOf("1e+3"), 1000);
  EXPECT_EQ(ValueOf("007"), 7);
  EXPECT_EQ(ValueOf("0.1"), 0.1);
  EXPECT_EQ(ValueOf(std::string(300, '1')), std::stod(std::string(300, '1')));
}

TEST_F(FormulaTest, MultipliesWithoutSign) {
  EXPECT_EQ(ValueOf("2 x"), 6);
  EXPECT_EQ(ValueOf("2x"), 6);
  EXPECT_EQ(ValueOf("2(3)"), 6);
  EXPECT_EQ(ValueOf("(2)(3)"), 6);
  EXPECT_EQ(ValueOf("(2)3"), 6);
  EXPECT_EQ(ValueOf("x y"), 15);
  EXPECT_EQ(ValueOf("x 2"), 6);
  EXPECT_EQ(ValueOf("x (1 - x) y"), -30);
  EXPECT_EQ(ValueOf("x\t(1\n-\u00a0x)"), -6);
  EXPECT_EQ(ValueOf("x1 h[0]"), 26);
  EXPECT_EQ(ValueOf("h[1]h[0]"), 14);
  EXPECT_EQ(ValueOf("w1[3]h[0]"), 6);
  EXPECT_EQ(ValueOf("2exp(0)"), 2);
  EXPECT_EQ(ValueOf("exp(0)exp(0)x"), 3);
  EXPECT_EQ(ValueOf("6/2 x"), 9);
  EXPECT_EQ(ValueOf("x^2 y"), 45);
  EXPECT_EQ(ValueOf("2 x^2"), 18);
  EXPECT_EQ(ValueOf("x -1"), 2);
  EXPECT_EQ(ValueOf("2×x·y⋅2"), 60);
  EXPECT_EQ(ValueOf("x\u22121"), 2);
  EXPECT_EQ(ValueOf("\u2212x"), -3);
}

TEST_F(FormulaTest, RaisesToPowersWrittenSmall) {
  EXPECT_EQ(ValueOf("x²"), 9);
  EXPECT_EQ(ValueOf("2x³"), 54);
  EXPECT_EQ(ValueOf("-x²"), -9);
  EXPECT_EQ(ValueOf("(x+1)²y"), 80);
  EXPECT_EQ(ValueOf("2^x²"), 512);
  EXPECT_EQ(ValueOf("x² y²"), 225);
}

TEST_F(FormulaTest, ComputesFunctions) {
  EXPECT_DOUBLE_EQ(ValueOf("exp(1)"), std::exp(1));
  EXPECT_DOUBLE_EQ(ValueOf("log(10)"), std::log(10));
  EXPECT_DOUBLE_EQ(ValueOf("ln(10)"), std::log(10));
  EXPECT_DOUBLE_EQ(ValueOf("sqrt(2)"), std::sqrt(2));
  EXPECT_DOUBLE_EQ(ValueOf("abs(-2)"), 2);
  EXPECT_DOUBLE_EQ(ValueOf("sin(2)"), std::sin(2));
  EXPECT_DOUBLE_EQ(ValueOf("cos(2)"), std::cos(2));
  EXPECT_DOUBLE_EQ(ValueOf("tan(2)"), std::tan(2));
  EXPECT_DOUBLE_EQ(ValueOf("tanh(0.5)"), std::tanh(0.5));
  EXPECT_DOUBLE_EQ(ValueOf("sinh(0.5)"), std::sinh(0.5));
  EXPECT_DOUBLE_EQ(ValueOf("cosh(0.5)"), std::cosh(0.5));
  EXPECT_DOUBLE_EQ(ValueOf("sigmoid(0.5)"), 1 / (1 + std::exp(-0.5)));
  EXPECT_EQ(ValueOf("sigmoid(-1000)"), 0);
  EXPECT_EQ(ValueOf("relu(-2)"), 0);
  EXPECT_EQ(ValueOf("relu(2)"), 2);
  EXPECT_EQ(ValueOf("min(3, 1, 2)"), 1);
  EXPECT_EQ(ValueOf("max(3, 1, 4)"), 4);
  EXPECT_EQ(ValueOf("max(1,2,3,4,5,6,7,8)"), 8);
  EXPECT_EQ(ValueOf("min(7)"), 7);
  EXPECT_EQ(ValueOf("exp (0)"), 1);
  EXPECT_EQ(ValueOf("max(min(4, 2), (1 + 2) * 3) - 1"), 8);
}

TEST_F(FormulaTest, GivesWhatMathematicsHasNot) {
  EXPECT_TRUE(std::isnan(ValueOf("log(-1)")));
  EXPECT_TRUE(std::isnan(ValueOf("sqrt(-1)")));
  EXPECT_TRUE(std::isnan(ValueOf("0/0")));
  EXPECT_TRUE(std::isnan(ValueOf("min(1, 0/0)")));
  EXPECT_TRUE(std::isnan(ValueOf("max(0/0, 1)")));
  EXPECT_TRUE(std::isnan(ValueOf("relu(0/0)")));
  EXPECT_TRUE(std::isinf(ValueOf("1/0")));
  EXPECT_TRUE(std::isinf(ValueOf("9^9^9^9")));
  EXPECT_TRUE(std::isinf(ValueOf("1e308*10")));
}

TEST_F(FormulaTest, FindsSymbolsAndAddresses) {
  EXPECT_EQ(ValueOf("δ4"), 500);
  EXPECT_EQ(ValueOf("2δ4 x"), 3000);
  EXPECT_EQ(ValueOf("dL/dw5"), 2);
  EXPECT_EQ(ValueOf("dL / x"), 1.0 / 3);
  EXPECT_EQ(ValueOf("dL/x"), 1.0 / 3);
  EXPECT_EQ(ValueOf("w1[3]"), 3);
  EXPECT_EQ(ValueOf("σ'(z1)(1)"), 4);
  EXPECT_EQ(ValueOf("grad(x)"), 300);
  EXPECT_EQ(ValueOf("grad(W)[1,1]"), 200);
  EXPECT_EQ(ValueOf("grad ( W ) [ 1 , 1 ]"), 200);
  EXPECT_EQ(ValueOf("slope(h)[1] x"), 21);
  EXPECT_EQ(ValueOf("state(x).m@1[0] x"), 9);
  EXPECT_EQ(ValueOf("next(W)[0]"), 1);
  EXPECT_EQ(ValueOf("x@1 y"), 15);
  EXPECT_EQ(ValueOf("x[]"), 3);
  EXPECT_EQ(ValueOf("dead.x"), 17);
  EXPECT_EQ(ValueOf("one"), 3);
  // Not inside something longer: x1 is x1, and "q" is no beginning of "q1".
  EXPECT_EQ(ValueOf("x1"), 13);
  EXPECT_THAT(ErrorOf("q1"), HasSubstr("'q1'"));
  EXPECT_THAT(ErrorOf("q[0]"), HasSubstr("'q[0]'"));
  EXPECT_THAT(ErrorOf("q@1"), HasSubstr("'q@1'"));
  EXPECT_THAT(ErrorOf("δ4δ"), HasSubstr("'δ4δ'"));
  EXPECT_THAT(ErrorOf("xδ4"), HasSubstr("'xδ4'"));
  // A number is a number, whatever is called like it.
  EXPECT_EQ(ValueOf("1"), 1);
  EXPECT_EQ(ValueOf("-x"), -3);
}

TEST_F(FormulaTest, TellsFunctionsFromNames) {
  EXPECT_EQ(ValueOf("max"), 0.5);
  EXPECT_EQ(ValueOf("max max(1, 2)"), 1);
  EXPECT_EQ(ValueOf("x max"), 1.5);
  symbols_.emplace("exp", At(0, 0));
  EXPECT_EQ(ValueOf("exp(4)"), 12);
  EXPECT_EQ(ValueOf("2exp"), 6);
}

TEST_F(FormulaTest, ListsEachVariableOnce) {
  const auto formula = Parse("q x + h[1] + x[0] + one - grad(x)");
  ASSERT_TRUE(formula.ok()) << formula.status();
  ASSERT_EQ(formula->variables().size(), 3U);
  EXPECT_EQ(formula->variables()[0].quantity.value, 2);
  EXPECT_EQ(formula->variables()[0].element, 1);
  EXPECT_EQ(formula->variables()[1].quantity.value, 0);
  EXPECT_EQ(formula->variables()[1].element, 0);
  EXPECT_EQ(formula->variables()[2].quantity.kind, QuantityKind::kGradient);
  EXPECT_EQ(checked_.size(), 3U);
  EXPECT_EQ(checked_[1].element, 0);
}

TEST_F(FormulaTest, IsAQuantity) {
  const Formula element = Formula::OfQuantity(At(2, 1));
  ASSERT_EQ(element.variables().size(), 1U);
  EXPECT_EQ(element.variables()[0].element, 1);
  EXPECT_EQ(element.Evaluate(std::vector<double>{0.25}), 0.25);
  EXPECT_EQ(Formula::OfQuantity(At(0, std::nullopt)).variables()[0].element, 0);
}

TEST_F(FormulaTest, SaysWhatIsWrong) {
  const std::pair<std::string, std::string> kErrors[] = {
      {"", "the formula is empty"},
      {" \n ", "the formula is empty"},
      {"x +", "the formula ends where a number, a name or '(' is due"},
      {"x + * y", "'*' at column 5 stands where a number, a name or '(' is due"},
      {"x**2", "'*' at column 3 stands where a number, a name or '(' is due"},
      {"()", "')' at column 2 stands where a number, a name or '(' is due"},
      {"exp()", "')' at column 5 stands where a number, a name or '(' is due"},
      {"min(,x)", "',' at column 5 stands where a number, a name or '(' is due"},
      {"[0]", "'[' at column 1 stands where a number, a name or '(' is due"},
      {".", "'.' at column 1 stands where a number, a name or '(' is due"},
      {"=x", "'=' at column 1 stands where a number, a name or '(' is due"},
      {"x = y", "'=' at column 3 has no place here in a formula"},
      {"x == y", "'=' at column 3 has no place here in a formula"},
      {"x < y", "'<' at column 3 has no place here in a formula"},
      {"x ? y : 1", "'?' at column 3 has no place here in a formula"},
      {"x && y", "'&' at column 3 has no place here in a formula"},
      {"x || y", "'|' at column 3 has no place here in a formula"},
      {"!x", "'!' at column 1 stands where a number, a name or '(' is due"},
      {"x!", "'!' at column 2 has no place here in a formula"},
      {"x; y", "';' at column 2 has no place here in a formula"},
      {"\"x\"", "'\"' at column 1 stands where a number, a name or '(' is due"},
      {"x'", "''' at column 2 has no place here in a formula"},
      {"x\x01", "'?' at column 2 has no place here in a formula"},
      {"δ4 \\ 2", "'\\' at column 4 has no place here in a formula"},
      {"x²³", "'³' at column 3 has no place here in a formula"},
      {"x²^3", "'^' at column 3 has no place here in a formula"},
      {"²", "'²' at column 1 stands where a number, a name or '(' is due"},
      {"1 000", "'000' at column 3 follows another number; write '*' for a product"},
      {"1.2.3", "'.3' at column 4 follows another number; write '*' for a product"},
      {"0,5", "',' at column 2 separates no arguments; a decimal point is '.'"},
      {"exp((1,2))", "',' at column 7 separates no arguments; a decimal point is '.'"},
      {"1e400", "'1e400' at column 1 is too large or too small for a number"},
      {"x + 1e-400", "'1e-400' at column 5 is too large or too small for a number"},
      {"x)", "')' at column 2 closes nothing"},
      {"2 (x + exp(y)", "'(' at column 3 is not closed"},
      {"exp(x", "'(' at column 4 is not closed"},
      {"exp(1, 2)", "'exp' at column 1 has 2 arguments, it takes 1"},
      {"1 + min(1,2,3,4,5,6,7,8,9)", "'min' at column 5 has 9 arguments, it takes 1 to 8"},
      {"sin x", "'sin' at column 1 is a function and needs parentheses"},
      {"2 z", "'z' at column 3 is unknown: no such node"},
      {"pi", "'pi' at column 1 is unknown: no such node"},
      {"rnd()", "'rnd' at column 1 is unknown: no such node"},
      {"2π", "'π' at column 2 is no symbol and no quantity"},
      {"δ4 + δ5", "'δ5' at column 6 is no symbol and no quantity"},
      {"h", "'h' at column 1 has 3 elements, name one of them"},
      {"2 all", "'all' at column 3 has 4 elements, name one of them"},
      {"grad(W)", "'grad(W)' at column 1 has 4 elements, name one of them"},
      {"x + late", "'late' at column 5 cannot be used: it comes later"},
      {"x + h[-1]",
       "'h[' at column 5 is no address: expected an index, 0 or more at column 3 of 'h['"},
      {"grad(x", "'grad(x' at column 1 is no address: expected ')' at column 7 of 'grad(x'"},
      {"grad(x + y)", "'grad(x ' at column 1 is no address: expected ')' at column 8 of 'grad(x '"},
      {"state(x)",
       "'state(x)' at column 1 is no address: expected '.' and the name of a slot at "
       "column 9 of 'state(x)'"},
      {"x@y", "'x@' at column 1 is no address: expected a count of updates at column 3 of 'x@'"},
      {"x[99999999999999999999]",
       "'x[99999999999999999999]' at column 1 is no address: expected an index, 0 or more at "
       "column 3 of 'x[99999999999999999999]'"},
      {"\xff", "the formula is not UTF-8 text"},
      {"x\xce", "the formula is not UTF-8 text"},
      {"\xc0\xaf", "the formula is not UTF-8 text"},
      {"\xe0\x80\xaf", "the formula is not UTF-8 text"},
      {"\xed\xa0\x80", "the formula is not UTF-8 text"},
      {"\xf0\x80\x80\x80", "the formula is not UTF-8 text"},
      {"\xf4\x90\x80\x80", "the formula is not UTF-8 text"},
      {"\xce+", "the formula is not UTF-8 text"},
  };
  for (const auto& [text, error] : kErrors) EXPECT_EQ(ErrorOf(text), error) << text;
}

TEST_F(FormulaTest, KeepsToItsLimits) {
  EXPECT_EQ(ValueOf(std::string(998, ' ') + "+x"), 3);
  EXPECT_EQ(ErrorOf(std::string(999, ' ') + "+x"),
            "a formula has at most 1000 characters, this one has 1001");
  std::string small_powers;
  for (int i = 0; i < 400; ++i) small_powers += "δ4×";
  EXPECT_EQ(ErrorOf(small_powers + "x"),
            "a formula has at most 1000 characters, this one has 1201");

  EXPECT_EQ(ValueOf(std::string(32, '(') + "x" + std::string(32, ')')), 3);
  EXPECT_EQ(ErrorOf(std::string(33, '(') + "x" + std::string(33, ')')),
            "'(' at column 33 is nested deeper than 32 levels");
  EXPECT_EQ(ErrorOf(std::string(1000, '(')), "'(' at column 33 is nested deeper than 32 levels");
  std::string functions;
  for (int i = 0; i < 33; ++i) functions += "abs(";
  EXPECT_EQ(ErrorOf(functions), "'(' at column 132 is nested deeper than 32 levels");

  EXPECT_EQ(ErrorOf(std::string(400, '9')),
            "'" + std::string(40, '9') + "...' at column 1 is too large or too small for a number");
  EXPECT_EQ(ErrorOf("h[" + std::string(900, '0') + "]"),
            "'h[" + std::string(38, '0') +
                "...' at column 1 is no address: an address has at most 512 characters, this one "
                "has 903");

  // 64 different variables, and one of them once more; then another.
  std::string sum = "0";
  for (int i = 0; i < 64; ++i) sum += "+x@" + std::to_string(i);
  EXPECT_EQ(ValueOf(sum + "+x@1"), 195);
  EXPECT_EQ(ErrorOf(sum + "+x@64"),
            "'x@64' at column 313 is one too many, a formula names at most 64 different "
            "quantities");

  // As much as the length allows.
  std::string powers = "x";
  for (int i = 0; i < 499; ++i) powers += "^1";
  EXPECT_EQ(ValueOf(powers), 3);
  std::string product = "x";
  for (int i = 0; i < 499; ++i) product += " x";
  EXPECT_TRUE(std::isfinite(ValueOf(product)));
  EXPECT_EQ(ValueOf(std::string(999, '-') + "x"), -3);
}

// Whatever is read evaluates, and whatever is refused says why in text that may be shown.
TEST_F(FormulaTest, SurvivesAnything) {
  constexpr std::string_view kPieces[] = {
      "x",           "y",    "h[0]",  "h",    "δ4",    "σ'(z1)", "dL/dw5", "w1[3]", "grad(",
      "slope(h)[1]", "exp(", "min(",  "max",  "sqrt(", "(",      "(",      ")",     ")",
      ",",           "+",    "-",     "*",    "/",     "^",      "²",      "×",     "\u2212",
      "2",           "0.5",  "1e300", "9",    " ",     " ",      "[",      "]",     "@",
      "1",           ".",    "=",     "\xff", "é"};
  Random random(20);
  int read = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string text;
    const int64_t length = random.Below(i % 2 == 0 ? 12 : 40);
    for (int64_t k = 0; k < length; ++k) {
      if (i % 4 == 3) {
        text += static_cast<char>(random.Below(256));
      } else {
        text +=
            kPieces[static_cast<size_t>(random.Below(static_cast<int64_t>(std::size(kPieces))))];
      }
    }
    const auto formula = Parse(text);
    if (formula.ok()) {
      ++read;
      const std::vector<double> values = ValuesFor(*formula);
      EXPECT_EQ(std::isnan(formula->Evaluate(values)), std::isnan(formula->Evaluate(values)));
      formula->HalfWidth(values, std::vector<double>(values.size(), 1e-3));
      continue;
    }
    const std::string message(formula.status().message());
    EXPECT_EQ(formula.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(Printable(message, message.size()), message) << text;
    // The library never gets to see what it cannot read.
    EXPECT_THAT(message, ::testing::Not(HasSubstr("cannot be read"))) << text;
  }
  EXPECT_GT(read, 200);
}

TEST_F(FormulaTest, EvaluatesInSeveralThreads) {
  const auto formula = Parse("x^2 + y (x - exp(h[0] / 7)) max(x, y)");
  ASSERT_TRUE(formula.ok()) << formula.status();
  const auto expected = [](double x) {
    return x * x + 5 * (x - std::exp(2.0 / 7)) * std::max(x, 5.0);
  };
  std::vector<int> wrong(4);
  {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&wrong, &expected, t, copy = *formula] {
        for (int i = 0; i < 2000; ++i) {
          const double x = 0.5 * i + 0.1 * static_cast<double>(t);
          const double value = copy.Evaluate(std::vector<double>{x, 5, 2});
          if (std::abs(value - expected(x)) > 1e-12 * std::abs(value)) ++wrong[t];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

class FormulaHalfWidthTest : public FormulaTest {
 protected:
  double HalfWidthOf(std::string_view text, const std::vector<double>& values,
                     const std::vector<double>& half_widths) {
    const auto formula = Parse(text);
    EXPECT_TRUE(formula.ok()) << formula.status();
    return formula->HalfWidth(values, half_widths);
  }
};

TEST_F(FormulaHalfWidthTest, AddsWhatEachVariableMoves) {
  EXPECT_NEAR(HalfWidthOf("x y", {3, 5}, {0.01, 0.02}), 5 * 0.01 + 3 * 0.02, 1e-12);
  EXPECT_NEAR(HalfWidthOf("exp(-x)", {2}, {1e-4}), std::exp(-2) * 1e-4, 1e-8);
  EXPECT_EQ(HalfWidthOf("x y", {3, 5}, {0, 0}), 0);
  EXPECT_EQ(HalfWidthOf("7", {}, {}), 0);
  EXPECT_EQ(
      Formula::OfQuantity(At(0, 0)).HalfWidth(std::vector<double>{4}, std::vector<double>{0.5}),
      0.5);
}

TEST_F(FormulaHalfWidthTest, SeesWidthsFarBelowTheRoundingOfTheValue) {
  EXPECT_NEAR(HalfWidthOf("x^2", {3}, {1e-20}), 6e-20, 1e-24);
  EXPECT_NEAR(HalfWidthOf("log(x)", {1e-30}, {1e-40}), 1e-10, 1e-14);
}

TEST_F(FormulaHalfWidthTest, SeesBendsAndKinksWithin) {
  EXPECT_NEAR(HalfWidthOf("x^2", {0}, {0.1}), 0.01, 1e-15);
  EXPECT_NEAR(HalfWidthOf("relu(x)", {-0.05}, {0.1}), 0.05, 1e-15);
  EXPECT_NEAR(HalfWidthOf("abs(x)", {0}, {0.1}), 0.1, 1e-15);
}

TEST_F(FormulaHalfWidthTest, SaysWhenItCannotTell) {
  EXPECT_FALSE(std::isfinite(HalfWidthOf("log(x)", {0.05}, {0.1})));
  EXPECT_FALSE(std::isfinite(HalfWidthOf("1/x", {0}, {0.1})));
  EXPECT_FALSE(std::isfinite(HalfWidthOf("x", {std::nan("")}, {0.1})));
  EXPECT_FALSE(std::isfinite(HalfWidthOf("x", {1}, {INFINITY})));
}

}  // namespace
}  // namespace gradus
