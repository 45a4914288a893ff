#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

#include "server/optimizers/optimizer.h"
#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;

v1::Optimizer SgdWith(const std::string& learning_rate) {
  return testing::FromText<v1::Optimizer>("sgd { learning_rate: " + learning_rate + " }");
}

const OptimizerRule& Sgd() { return *FindOptimizerRule(v1::Optimizer::kSgd); }

template <class T>
Tensor<T> Update(const v1::Optimizer& optimizer, const Tensor<T>& parameter,
                 const Tensor<T>& gradient) {
  Tensor<T> next(parameter.shape());
  Sgd().For<T>().update({optimizer, parameter, gradient}, next);
  return next;
}

// By hand: 1 - 0.5 * 4 = -1, 2 - 0.5 * -1 = 2.5, 3 - 0.5 * 0 = 3, all exact in binary.
TEST(SgdTest, HandWorkedCase) {
  const v1::Optimizer optimizer = SgdWith("0.5");
  EXPECT_THAT(Update<double>(optimizer, {Shape{3}, {1, 2, 3}}, {Shape{3}, {4, -1, 0}}).values(),
              ElementsAre(-1, 2.5, 3));
  EXPECT_THAT(Update<float>(optimizer, {Shape{3}, {1, 2, 3}}, {Shape{3}, {4, -1, 0}}).values(),
              ElementsAre(-1, 2.5, 3));
}

// Two updates by hand, with the same gradient: 1 - 0.25 * 2 = 0.5, then 0. Momentum would
// overshoot.
TEST(SgdTest, RemembersNothing) {
  const v1::Optimizer optimizer = SgdWith("0.25");
  const Tensor<double> gradient(Shape(), {2});
  const Tensor<double> once = Update<double>(optimizer, {Shape(), {1}}, gradient);
  EXPECT_THAT(once.values(), ElementsAre(0.5));
  EXPECT_THAT(Update(optimizer, once, gradient).values(), ElementsAre(0));
}

TEST(SgdTest, RefusesLearningRates) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"0", "sgd.learning_rate: 0 is not a finite number above 0"},
      {"-0.5", "sgd.learning_rate: -0.5 is not a finite number above 0"},
      {"inf", "sgd.learning_rate: inf is not a finite number above 0"},
      {"-inf", "sgd.learning_rate: -inf is not a finite number above 0"},
      {"nan", "sgd.learning_rate: nan is not a finite number above 0"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = Sgd().validate(SgdWith(c.text));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(status.message()), c.message);
    const auto violation = GetFieldViolation(status);
    ASSERT_TRUE(violation.has_value());
    EXPECT_EQ(ReasonName(violation->reason), "INVALID_VALUE");
  }
}

TEST(SgdTest, RefusesAnUnsetLearningRate) {
  EXPECT_FALSE(Sgd().validate(testing::FromText<v1::Optimizer>("sgd {}")).ok());
}

TEST(SgdTest, AcceptsAnyFiniteNumberAboveZero) {
  for (const char* text : {"1e-300", "0.1", "1e300"}) {
    EXPECT_TRUE(Sgd().validate(SgdWith(text)).ok()) << text;
  }
}

TEST(FindOptimizerRuleTest, KnowsEveryRuleOfTheContractAndNoOther) {
  const auto& rules = *v1::Optimizer::descriptor()->FindOneofByName("rule");
  for (int i = 0; i < rules.field_count(); ++i) {
    const auto rule_case = static_cast<v1::Optimizer::RuleCase>(rules.field(i)->number());
    const OptimizerRule* const rule = FindOptimizerRule(rule_case);
    ASSERT_NE(rule, nullptr) << rules.field(i)->name()
                             << " has no rule: add it to server/optimizers/registry.cc";
    EXPECT_EQ(rule->rule_case, rule_case);
  }
  EXPECT_EQ(FindOptimizerRule(v1::Optimizer::RULE_NOT_SET), nullptr);
  EXPECT_EQ(FindOptimizerRule(static_cast<v1::Optimizer::RuleCase>(99)), nullptr);
}

}  // namespace
}  // namespace gradus
