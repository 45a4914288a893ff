#include "server/optimizers/optimizer.h"

namespace gradus {

// One line per optimizer here and in the array.
const OptimizerRule& SgdRule();
const OptimizerRule& AdagradRule();
const OptimizerRule& RmsPropRule();
const OptimizerRule& AdadeltaRule();
const OptimizerRule& AdamRule();
const OptimizerRule& NAdamRule();

const OptimizerRule* FindOptimizerRule(v1::Optimizer::RuleCase rule_case) {
  static const OptimizerRule* const kRules[] = {
      &SgdRule(), &AdagradRule(), &RmsPropRule(), &AdadeltaRule(), &AdamRule(), &NAdamRule(),
  };
  for (const OptimizerRule* rule : kRules) {
    if (rule->rule_case == rule_case) return rule;
  }
  return nullptr;
}

}  // namespace gradus
