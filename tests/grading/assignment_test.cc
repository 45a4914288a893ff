#include "server/grading/assignment.h"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::FromText;
using ::testing::Optional;

// y = 3 x, L = y^2 / 2 at x = 2, t = 0:  y = 6, dL/dy = 6, dL/dw = 12, w' = 3 - 0.1 * 12.
v1::Assignment GoodAssignment() {
  return FromText<v1::Assignment>(R"pb(
    name: "line"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          inputs { name: "t" }
          parameters {
            name: "w"
            value { shape: 1 values: 3 }
          }
          nodes {
            name: "y"
            inputs: "x"
            inputs: "w"
            multiply {}
          }
          nodes {
            name: "L"
            inputs: "y"
            inputs: "t"
            half_squared_error { reduction: REDUCTION_SUM }
          }
        }
        inputs {
          name: "x"
          tensor { shape: 1 values: 2 }
        }
        inputs {
          name: "t"
          tensor { shape: 1 values: 0 }
        }
        objective: "L"
        optimizer { sgd { learning_rate: 0.1 } }
      }
    }
    items { id: "loss" quantity: "L" }
    items { id: "dL/dw" quantity: "grad(w)[0]" points: 2.5 }
    items { id: "new w" quantity: "w@1" }
    symbols { name: "dy" quantity: "grad(y)[0]" }
    symbols { name: "delta" quantity: "grad(w)[0]" }
  )pb");
}

absl::StatusOr<CompiledAssignment> Compile(const v1::Assignment& assignment) {
  const std::atomic<bool> cancelled = false;
  return CompiledAssignment::Compile(assignment, Limits(), cancelled);
}

TEST(AssignmentTest, ComputesItsKeys) {
  const auto assignment = Compile(GoodAssignment());
  ASSERT_TRUE(assignment.ok()) << assignment.status();
  ASSERT_EQ(assignment->items().size(), 3U);
  EXPECT_EQ(assignment->items()[0].key.values(), std::vector<double>{18});
  EXPECT_EQ(assignment->items()[0].points, 1000);
  EXPECT_EQ(assignment->items()[1].key.values(), std::vector<double>{12});
  EXPECT_EQ(assignment->items()[1].key.shape(), Shape());
  EXPECT_EQ(assignment->items()[1].points, 2500);
  EXPECT_DOUBLE_EQ(assignment->items()[2].key[0], 1.8);
  EXPECT_EQ(assignment->items()[2].key.shape(), Shape({1}));
}

TEST(AssignmentTest, OrdersItemsByComputation) {
  v1::Assignment reversed = GoodAssignment();
  reversed.mutable_items()->SwapElements(0, 2);
  const auto assignment = Compile(reversed);
  ASSERT_TRUE(assignment.ok());
  EXPECT_GT(assignment->items()[0].order, assignment->items()[1].order);
  EXPECT_GT(assignment->items()[1].order, assignment->items()[2].order);
}

TEST(AssignmentTest, ToleranceOfItemBeatsPolicyBeatsDefault) {
  v1::Assignment given = GoodAssignment();
  given.mutable_policy()->mutable_tolerance()->set_relative(0.05);
  given.mutable_items(0)->mutable_tolerance()->set_absolute(0.25);
  const auto assignment = Compile(given);
  ASSERT_TRUE(assignment.ok());
  EXPECT_EQ(assignment->items()[0].tolerance.absolute, 0.25);
  EXPECT_EQ(assignment->items()[0].tolerance.relative, 0.05);
  // 1e-5 of the largest magnitude in grad(w).
  EXPECT_DOUBLE_EQ(assignment->items()[1].tolerance.absolute, 12e-5);
  EXPECT_EQ(assignment->items()[1].tolerance.relative, 0.05);
}

// Former bug: 0.1 + 0.2 - 0.3 is 5.6e-17 in binary, and three digits of that were asked for.
TEST(AssignmentTest, WhatIsZeroOnPaperHasNoDigitsToAskFor) {
  auto sum = FromText<v1::Assignment>(R"pb(
    name: "sum"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          parameters {
            name: "w"
            value {
              shape: [ 1, 3 ]
              values: [ 1, 1, 1 ]
            }
          }
          nodes {
            name: "y"
            inputs: [ "x", "w" ]
            dense {}
          }
        }
        inputs {
          name: "x"
          tensor {
            shape: 3
            values: [ 0.1, 0.2, 0 ]
          }
        }
      }
    }
    items { id: "quantity" quantity: "y" }
    items { id: "formula" formula: "x[0] + x[1] + x[2]" }
    policy { required_digits { significant_digits: 3 } }
  )pb");
  const auto expect_units = [&](double last, double unit) {
    sum.mutable_problems(0)->mutable_problem()->mutable_inputs(0)->mutable_tensor()->set_values(
        2, last);
    const auto assignment = Compile(sum);
    ASSERT_TRUE(assignment.ok()) << assignment.status();
    for (const CompiledItem& item : assignment->items()) {
      EXPECT_NE(item.key[0], 0) << item.id;
      EXPECT_EQ(item.required_unit, unit) << item.id;
    }
  };
  expect_units(-0.3, 0.01);
  // What is small on paper too, -1e-10, keeps its digits.
  expect_units(-0.3000000001, 1e-12);
}

TEST(AssignmentTest, FindsItemsByIdAddressAndSymbol) {
  v1::Assignment given = GoodAssignment();
  *given.add_items() = FromText<v1::Item>(R"pb(id: "L again" quantity: "L")pb");
  const auto assignment = Compile(given);
  ASSERT_TRUE(assignment.ok());
  EXPECT_THAT(assignment->FindItem("dL/dw"), Optional(1U));
  EXPECT_THAT(assignment->FindItem("grad(w)[0]"), Optional(1U));
  EXPECT_THAT(assignment->FindItem(" grad(w) [ 0 ] "), Optional(1U));
  EXPECT_THAT(assignment->FindItem("delta"), Optional(1U));
  EXPECT_THAT(assignment->FindItem("next(w)"), Optional(2U));
  EXPECT_THAT(assignment->FindItem("w@1"), Optional(2U));
  EXPECT_EQ(assignment->FindItem("dy"), std::nullopt);  // no item asks for it
  EXPECT_EQ(assignment->FindItem("L"), std::nullopt);   // two items ask for it
  EXPECT_EQ(assignment->FindItem("grad(w"), std::nullopt);
}

TEST(AssignmentTest, IsComputedNoFurtherThanItsItemsNeed) {
  v1::Assignment forward = GoodAssignment();
  forward.clear_symbols();
  forward.mutable_items()->DeleteSubrange(1, 2);
  forward.mutable_problems(0)->mutable_problem()->clear_objective();
  forward.mutable_problems(0)->mutable_problem()->clear_optimizer();
  EXPECT_TRUE(Compile(forward).ok());
}

TEST(AssignmentTest, CancellationEndsIt) {
  const std::atomic<bool> cancelled = true;
  EXPECT_EQ(CompiledAssignment::Compile(GoodAssignment(), Limits(), cancelled).status().code(),
            absl::StatusCode::kCancelled);
}

struct BadAssignment {
  const char* name;
  std::function<void(v1::Assignment&)> spoil;
  const char* message;
};

class BadAssignmentTest : public ::testing::TestWithParam<BadAssignment> {};

TEST_P(BadAssignmentTest, IsRefused) {
  v1::Assignment assignment = GoodAssignment();
  GetParam().spoil(assignment);
  const auto compiled = Compile(assignment);
  EXPECT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(compiled.status().message()), GetParam().message);
  EXPECT_TRUE(GetFieldViolation(compiled.status()).has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadAssignmentTest,
    ::testing::Values(
        BadAssignment{"NoName", [](auto& a) { a.clear_name(); }, "name: unset"},
        BadAssignment{"NoProblems", [](auto& a) { a.clear_problems(); },
                      "problems: empty; there is nothing to compute"},
        BadAssignment{"NoItems", [](auto& a) { a.clear_items(); },
                      "items: empty; there is nothing to answer"},
        BadAssignment{"ProblemUnset", [](auto& a) { a.mutable_problems(0)->clear_problem(); },
                      "problems[0].problem 'p': unset"},
        BadAssignment{"ProblemNamedTwice", [](auto& a) { *a.add_problems() = a.problems(0); },
                      "problems[1].name 'p': already the name of problems[0]"},
        BadAssignment{
            "ProblemName", [](auto& a) { a.mutable_problems(0)->set_name("1"); },
            "problems[0].name: '1' is no name; names are letters, digits, '_' and '.', at "
            "most 128, and begin with a letter or '_'"},
        BadAssignment{"ProblemIsWrong",
                      [](auto& a) {
                        a.mutable_problems(0)
                            ->mutable_problem()
                            ->mutable_network()
                            ->mutable_nodes(0)
                            ->set_inputs(0, "q");
                      },
                      "problems[0].problem.network.nodes[0].inputs[0] 'y': no input, parameter or "
                      "node is named 'q'"},
        BadAssignment{"WhichProblem",
                      [](auto& a) {
                        *a.add_problems() = a.problems(0);
                        a.mutable_problems(1)->set_name("second");
                      },
                      "items[0].problem: unset; the assignment has 2 problems"},
        BadAssignment{"UnknownProblem", [](auto& a) { a.mutable_items(0)->set_problem("q"); },
                      "items[0].problem: no problem is named 'q'"},
        BadAssignment{"EmptyId", [](auto& a) { a.mutable_items(0)->clear_id(); },
                      "items[0].id: has 0 characters, an id has 1 to 128"},
        BadAssignment{"IdTwice", [](auto& a) { a.mutable_items(1)->set_id("loss"); },
                      "items[1].id 'loss': already the id of items[0]"},
        BadAssignment{"NoKey", [](auto& a) { a.mutable_items(0)->clear_key(); },
                      "items[0].key 'loss': unset; give quantity or formula"},
        BadAssignment{"UnknownQuantity", [](auto& a) { a.mutable_items(0)->set_quantity("q"); },
                      "items[0].quantity 'loss': no input, parameter or node is named 'q'"},
        BadAssignment{"UnparsableQuantity",
                      [](auto& a) { a.mutable_items(0)->set_quantity("grad("); },
                      "items[0].quantity: expected a name at column 6 of 'grad('"},
        BadAssignment{"GivenQuantity", [](auto& a) { a.mutable_items(0)->set_quantity("w"); },
                      "items[0].quantity 'loss': 'w' is given, it can be no answer"},
        BadAssignment{"NegativePoints", [](auto& a) { a.mutable_items(0)->set_points(-1); },
                      "items[0].points: -1 is no whole number of thousandths from 0 to 1000000"},
        BadAssignment{
            "FractionOfAThousandth", [](auto& a) { a.mutable_items(0)->set_points(0.0005); },
            "items[0].points: 0.0005 is no whole number of thousandths from 0 to 1000000"},
        BadAssignment{"NanPoints", [](auto& a) { a.mutable_items(0)->set_points(std::nan("")); },
                      "items[0].points: nan is no whole number of thousandths from 0 to 1000000"},
        BadAssignment{"NegativeTolerance",
                      [](auto& a) { a.mutable_items(1)->mutable_tolerance()->set_relative(-1); },
                      "items[1].tolerance.relative: -1 is not a finite number, 0 or more"},
        BadAssignment{
            "InfiniteTolerance",
            [](auto& a) { a.mutable_policy()->mutable_tolerance()->set_absolute(HUGE_VAL); },
            "policy.tolerance.absolute: inf is not a finite number, 0 or more"},
        BadAssignment{"SymbolTwice", [](auto& a) { a.mutable_symbols(1)->set_name("dy"); },
                      "symbols[1].name 'dy': already a symbol of this problem"},
        BadAssignment{"SymbolOfNothing", [](auto& a) { a.mutable_symbols(0)->set_quantity("q"); },
                      "symbols[0].quantity 'dy': no input, parameter or node is named 'q'"},
        BadAssignment{"UnknownCredit",
                      [](auto& a) { a.mutable_policy()->set_credit(static_cast<v1::Credit>(9)); },
                      "policy.credit: 9 is no value of this field"},
        BadAssignment{
            "NoFormula", [](auto& a) { a.mutable_items(0)->set_formula("x *"); },
            "items[0].formula 'loss': the formula ends where a number, a name or '(' is due"},
        BadAssignment{"FormulaOfUnknownName",
                      [](auto& a) { a.mutable_items(0)->set_formula("x[0]*q"); },
                      "items[0].formula 'loss': 'q' at column 6 is unknown: no input, parameter or "
                      "node is named 'q'"},
        BadAssignment{
            "RequiredDigitsEmpty", [](auto& a) { a.mutable_policy()->mutable_required_digits(); },
            "policy.required_digits: empty; set decimals or significant_digits, or leave it out"},
        BadAssignment{
            "RequiredDigitsOfAnItemEmpty",
            [](auto& a) { a.mutable_items(2)->mutable_required_digits(); },
            "items[2].required_digits: empty; set decimals or significant_digits, or leave it out"},
        BadAssignment{
            "NegativeDecimals",
            [](auto& a) { a.mutable_policy()->mutable_required_digits()->set_decimals(-1); },
            "policy.required_digits.decimals: -1 is not from 0 to 17"},
        BadAssignment{
            "TooManyDecimals",
            [](auto& a) { a.mutable_items(1)->mutable_required_digits()->set_decimals(18); },
            "items[1].required_digits.decimals: 18 is not from 0 to 17"},
        BadAssignment{"NoSignificantDigits",
                      [](auto& a) {
                        a.mutable_items(1)->mutable_required_digits()->set_significant_digits(0);
                      },
                      "items[1].required_digits.significant_digits: 0 is not from 1 to 17"},
        BadAssignment{"TooManySignificantDigits",
                      [](auto& a) {
                        a.mutable_policy()->mutable_required_digits()->set_significant_digits(18);
                      },
                      "policy.required_digits.significant_digits: 18 is not from 1 to 17"},
        BadAssignment{"CarriedCreditAboveOne",
                      [](auto& a) { a.mutable_policy()->set_carried_credit(1.5); },
                      "policy.carried_credit: 1.5 is not from 0 to 1"},
        BadAssignment{"NegativeCarriedCredit",
                      [](auto& a) { a.mutable_policy()->set_carried_credit(-0.5); },
                      "policy.carried_credit: -0.5 is not from 0 to 1"},
        BadAssignment{"NanCarriedCredit",
                      [](auto& a) { a.mutable_policy()->set_carried_credit(std::nan("")); },
                      "policy.carried_credit: nan is not from 0 to 1"},
        BadAssignment{"UnknownRepeatedMistake",
                      [](auto& a) {
                        a.mutable_policy()->set_repeated_mistake(
                            static_cast<v1::RepeatedMistake>(9));
                      },
                      "policy.repeated_mistake: 9 is no value of this field"}),
    [](const ::testing::TestParamInfo<BadAssignment>& info) { return info.param.name; });

// Many small problems must not add up to more than one request may cost.
TEST(AssignmentTest, ProblemsTogetherKeepToTheLimit) {
  v1::Assignment assignment = GoodAssignment();
  assignment.clear_symbols();
  for (v1::Item& item : *assignment.mutable_items()) item.set_problem("p");
  Limits limits;
  const std::atomic<bool> cancelled = false;
  limits.max_flops = 20'000;
  EXPECT_TRUE(CompiledAssignment::Compile(assignment, limits, cancelled).ok());
  for (int i = 0; i < 10; ++i) {
    *assignment.add_problems() = assignment.problems(0);
    assignment.mutable_problems(i + 1)->set_name("p" + std::to_string(i));
    assignment.add_items()->set_id("item" + std::to_string(i));
    assignment.mutable_items(i + 3)->set_problem("p" + std::to_string(i));
    assignment.mutable_items(i + 3)->set_quantity("grad(w)");
  }
  EXPECT_EQ(
      std::string(CompiledAssignment::Compile(assignment, limits, cancelled).status().message()),
      "problems: computing them takes about 2.6e+04 floating-point operations or more, the "
      "limit is 2e+04");
}

TEST(AssignmentTest, WorldsOfAllProblemsKeepToTheMemoryLimit) {
  v1::Assignment assignment = GoodAssignment();
  assignment.clear_symbols();
  for (v1::Item& item : *assignment.mutable_items()) item.set_problem("p");
  Limits limits;
  limits.max_bytes = 6'000;
  const std::atomic<bool> cancelled = false;
  EXPECT_TRUE(CompiledAssignment::Compile(assignment, limits, cancelled).ok());
  for (int i = 0; i < 10; ++i) {
    *assignment.add_problems() = assignment.problems(0);
    assignment.mutable_problems(i + 1)->set_name("p" + std::to_string(i));
  }
  EXPECT_EQ(
      std::string(CompiledAssignment::Compile(assignment, limits, cancelled).status().message()),
      "problems: grading them takes about 8211 bytes or more, the limit is 6000");
}

// Former bug: each of many items kept a copy of one large tensor.
TEST(AssignmentTest, KeysTogetherKeepToTheLimit) {
  v1::Assignment assignment = GoodAssignment();
  Limits limits;
  limits.max_response_bytes = 1000;
  const std::atomic<bool> cancelled = false;
  for (int i = 0; i < 100; ++i) {
    v1::Item* item = assignment.add_items();
    item->set_id("again" + std::to_string(i));
    item->set_quantity("y");
  }
  EXPECT_EQ(
      std::string(CompiledAssignment::Compile(assignment, limits, cancelled).status().message()),
      "items: their keys take 824 bytes or more, the limit is 500; ask for elements, or for "
      "fewer large tensors");
}

TEST(AssignmentTest, SymbolsMayNameWhatNoItemNeeds) {
  v1::Assignment given = GoodAssignment();
  given.mutable_items()->DeleteSubrange(1, 2);
  EXPECT_TRUE(Compile(given).ok()) << Compile(given).status();
}

}  // namespace
}  // namespace gradus
