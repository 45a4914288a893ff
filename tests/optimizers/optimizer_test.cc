// What optimizers refuse. What they compute is in tests/engine/optimizer_golden_test.cc.
#include "server/optimizers/optimizer.h"

#include <string>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

#include "server/optimizers/common.h"
#include "server/status/field_error.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

absl::Status Validate(const std::string& text) {
  const auto optimizer = testing::FromText<v1::Optimizer>(text);
  const absl::Status status = FindOptimizerRule(optimizer.rule_case())->validate(optimizer);
  return status.ok() ? ValidateCommon(optimizer) : status;
}

TEST(OptimizerTest, RefusesWhatIsOutOfRange) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"sgd {}", "sgd.learning_rate: 0 is not a finite number above 0"},
      {"sgd { learning_rate: -0.5 }", "sgd.learning_rate: -0.5 is not a finite number above 0"},
      {"sgd { learning_rate: inf }", "sgd.learning_rate: inf is not a finite number above 0"},
      {"sgd { learning_rate: nan }", "sgd.learning_rate: nan is not a finite number above 0"},
      {"sgd { learning_rate: 1 momentum: 1 }",
       "sgd.momentum: 1 is not from 0 up to, not including, 1"},
      {"sgd { learning_rate: 1 momentum: nan }",
       "sgd.momentum: nan is not from 0 up to, not including, 1"},
      {"sgd { learning_rate: 1 dampening: 1.5 }", "sgd.dampening: 1.5 is not from 0 to 1"},
      {"sgd { learning_rate: 1 momentum: 0.9 dampening: 0.5 nesterov: true }",
       "sgd.dampening: only for a sum of gradients without nesterov"},
      {"sgd { learning_rate: 1 momentum: 0.9 dampening: 0.5 momentum_form: MOMENTUM_FORM_UPDATES }",
       "sgd.dampening: only for a sum of gradients without nesterov"},
      {"sgd { learning_rate: 1 nesterov: true }", "sgd.nesterov: needs momentum above 0"},
      {"sgd { learning_rate: 1 momentum_form: 9 }", "sgd.momentum_form: 9 is no form"},
      {"adagrad { learning_rate: 1 initial_sum: -1 }",
       "adagrad.initial_sum: -1 is not a finite number of at least 0"},
      {"adagrad { learning_rate: 1 learning_rate_decay: inf }",
       "adagrad.learning_rate_decay: inf is not a finite number of at least 0"},
      {"adagrad { learning_rate: 1 epsilon_placement: 7 }",
       "adagrad.epsilon_placement: 7 is no placement"},
      {"rms_prop { learning_rate: 1 decay: 1 }",
       "rms_prop.decay: 1 is not from 0 up to, not including, 1"},
      {"rms_prop { learning_rate: 1 denominator_epsilon: -1 }",
       "rms_prop.denominator_epsilon: -1 is not a finite number of at least 0"},
      {"adadelta { learning_rate: 0 }", "adadelta.learning_rate: 0 is not a finite number above 0"},
      {"adam { learning_rate: 1 beta1: 1 }", "adam.beta1: 1 is not from 0 up to, not including, 1"},
      {"adam { learning_rate: 1 beta2: -0.1 }",
       "adam.beta2: -0.1 is not from 0 up to, not including, 1"},
      {"adam { learning_rate: 1 epsilon_form: 9 }", "adam.epsilon_form: 9 is no form"},
      {"n_adam { learning_rate: 1 momentum_decay: -1 }",
       "n_adam.momentum_decay: -1 is not a finite number of at least 0"},
      {"sgd { learning_rate: 1 } weight_decay { coefficient: -1 }",
       "weight_decay.coefficient: -1 is not a finite number of at least 0"},
      {"sgd { learning_rate: 1 } clipping {}",
       "clipping: no limit; set value, norm or global_norm"},
      {"sgd { learning_rate: 1 } clipping { value: 0 }",
       "clipping.value: 0 is not a finite number above 0"},
      {"sgd { learning_rate: 1 } clipping { norm: inf }",
       "clipping.norm: inf is not a finite number above 0"},
      {"sgd { learning_rate: 1 } clipping { global_norm: -2 }",
       "clipping.global_norm: -2 is not a finite number above 0"},
      {"sgd { learning_rate: 1 } schedule { step { factor: 1 } }",
       "schedule.step.period: 0 updates, it takes at least 1"},
      {"sgd { learning_rate: 1 } schedule { step { period: 1 } }",
       "schedule.step.factor: 0 is not a finite number above 0"},
      {"sgd { learning_rate: 1 } schedule { cosine { period: -3 } }",
       "schedule.cosine.period: -3 updates, it takes at least 1"},
      {"sgd { learning_rate: 1 } schedule { cosine { period: 3 end_learning_rate: -1 } }",
       "schedule.cosine.end_learning_rate: -1 is not a finite number of at least 0"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = Validate(c.text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_EQ(std::string(status.message()), c.message);
    EXPECT_TRUE(GetFieldViolation(status).has_value());
  }
}

TEST(OptimizerTest, AcceptsTheEndsOfItsRanges) {
  for (const char* text :
       {"sgd { learning_rate: 1e-300 }", "sgd { learning_rate: 1e300 dampening: 1 }",
        "adam { learning_rate: 1 beta1: 0 beta2: 0 adam_epsilon: 0 }",
        "rms_prop { learning_rate: 1 decay: 0 denominator_epsilon: 0 }",
        "sgd { learning_rate: 1 } weight_decay {} schedule {}"}) {
    EXPECT_TRUE(Validate(text).ok()) << text << ": " << Validate(text);
  }
}

// By the formulas of optimizer.proto.
TEST(ScheduleTest, FollowsTheNumberOfTheUpdate) {
  const auto rate = [](const std::string& schedule, int64_t update) {
    return ScheduledLearningRate(testing::FromText<v1::LearningRateSchedule>(schedule), 0.8,
                                 update);
  };
  EXPECT_EQ(rate("", 1000), 0.8);
  EXPECT_DOUBLE_EQ(rate("step { period: 3 factor: 0.5 }", 3), 0.8);
  EXPECT_DOUBLE_EQ(rate("step { period: 3 factor: 0.5 }", 4), 0.4);
  EXPECT_DOUBLE_EQ(rate("step { period: 3 factor: 0.5 }", 10), 0.1);
  EXPECT_DOUBLE_EQ(rate("cosine { period: 4 end_learning_rate: 0.2 }", 1), 0.8);
  EXPECT_DOUBLE_EQ(rate("cosine { period: 4 end_learning_rate: 0.2 }", 3), 0.5);
  EXPECT_DOUBLE_EQ(rate("cosine { period: 4 end_learning_rate: 0.2 }", 5), 0.2);
  EXPECT_DOUBLE_EQ(rate("cosine { period: 4 end_learning_rate: 0.2 }", 500), 0.2);
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
  // The largest number that the enum's bits hold; beyond them C++ makes no promise.
  EXPECT_EQ(FindOptimizerRule(static_cast<v1::Optimizer::RuleCase>(7)), nullptr);
}

}  // namespace
}  // namespace gradus
