// What assignments would accept, on networks small enough to follow by hand.

#include "server/grading/lint.h"

#include <atomic>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "server/grading/assignment.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromFile;
using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::StatusOr<v1::LintAssignmentResponse> TryLint(const v1::Assignment& assignment,
                                                   const Limits& limits = Limits(),
                                                   bool is_cancelled = false) {
  v1::LintAssignmentRequest request;
  *request.mutable_assignment() = assignment;
  const std::atomic<bool> cancelled = is_cancelled;
  v1::LintAssignmentResponse response;
  if (absl::Status s = Lint(request, limits, cancelled, &response); !s.ok()) return s;
  return response;
}

v1::LintAssignmentResponse Linted(const v1::Assignment& assignment) {
  const auto response = TryLint(assignment);
  EXPECT_TRUE(response.ok()) << response.status();
  return *response;
}

// "item: code code ... credit", for each finding.
std::vector<std::string> Findings(const v1::LintAssignmentResponse& response) {
  std::vector<std::string> findings;
  for (const v1::LintFinding& finding : response.findings()) {
    std::string text = finding.item() + ": " + finding.code();
    for (const std::string& code : finding.also_accepted()) text += " " + code;
    if (finding.credit() > 0) text += " " + std::to_string(finding.credit()).substr(0, 4);
    findings.push_back(text);
  }
  return findings;
}

// y = 0.3 x, one item.
v1::Assignment Scale(double x, int decimals) {
  auto assignment = FromText<v1::Assignment>(R"pb(
    name: "scale"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          nodes {
            name: "y"
            inputs: "x"
            scale { factor: 0.3 }
          }
        }
        inputs { name: "x" }
      }
    }
    items { id: "y" quantity: "y" }
  )pb");
  assignment.mutable_problems(0)
      ->mutable_problem()
      ->mutable_inputs(0)
      ->mutable_tensor()
      ->add_values(x);
  assignment.mutable_policy()->mutable_required_digits()->set_decimals(decimals);
  return assignment;
}

// y = 0.006. With two decimals it may be written 0.01, and a rounded product that is rounded once
// more is within 0.006 +- 0.01: 0.00 for zeros and for half of the key, but not -0.01. Twice the
// key is 0.01 too, and so not wrong. With three decimals it is within 0.006 +- 0.001.
TEST(LintTest, AZeroPassesAtTwoDecimalsAndNotAtFour) {
  const auto coarse = Linted(Scale(0.02, 2));
  EXPECT_THAT(Findings(coarse), ElementsAre("y: zeros factor 1.00", "y: weak"));
  EXPECT_EQ(coarse.findings(0).message(),
            "Zeros, and another wrong answer, would be accepted: ask for 3 decimals.");
  EXPECT_EQ(coarse.findings(1).message(),
            "With 2 decimals, right answers may be further apart than the key's largest number: "
            "ask for 3 decimals.");
  // zeros, ones, negated_key, sign_flip, factor.
  EXPECT_EQ(coarse.tried_count(), 5);
  EXPECT_EQ(coarse.accepted_count(), 2);

  const auto fine = Linted(Scale(0.02, 4));
  EXPECT_THAT(Findings(fine), IsEmpty());
  EXPECT_EQ(fine.tried_count(), 6);  // scaled_key too
  EXPECT_EQ(fine.accepted_count(), 0);
}

// -0.006 is within 0.006 +- 0.02 where digits may be cut off.
TEST(LintTest, TheWrongSignPassesWhereTheKeyIsTiny) {
  v1::Assignment assignment = Scale(0.02, 2);
  assignment.mutable_policy()->set_allow_truncation(true);
  EXPECT_THAT(Findings(Linted(assignment)),
              ElementsAre("y: zeros negated_key sign_flip factor 1.00", "y: weak"));
  // At 0.6 nothing of it does.
  assignment = Scale(2, 2);
  assignment.mutable_policy()->set_allow_truncation(true);
  EXPECT_THAT(Findings(Linted(assignment)), IsEmpty());
}

TEST(LintTest, AToleranceThatIsTooWideIsSaid) {
  v1::Assignment assignment = Scale(0.02, 4);
  assignment.mutable_items(0)->mutable_tolerance()->set_absolute(0.0065);
  const auto response = Linted(assignment);
  EXPECT_THAT(Findings(response), ElementsAre("y: zeros scaled_key factor 1.00"));
  EXPECT_EQ(response.findings(0).message(),
            "Zeros, and 2 other wrong answers, would be accepted: make the tolerance smaller.");
}

// y = 0.0006 reads 0.00, so zeros are right with two decimals; with three, 0.001 +- 0.001 holds
// them; with four, 0.0006 +- 0.0001 does not.
TEST(LintTest, AKeyThatReadsLikeZeroIsWeak) {
  const auto response = Linted(Scale(0.002, 2));
  EXPECT_THAT(Findings(response), ElementsAre("y: weak"));
  EXPECT_EQ(response.findings(0).message(),
            "With 2 decimals, the key reads like zeros: ask for 4 decimals.");
  EXPECT_EQ(response.tried_count(), 1);  // ones
}

TEST(LintTest, AKeyThatIsZeroIsNot) {
  const auto response = Linted(Scale(0, 2));
  EXPECT_THAT(Findings(response), IsEmpty());
  EXPECT_EQ(response.tried_count(), 1);
}

TEST(LintTest, MoreDigitsAreSaidAsTheAssignmentAsks) {
  v1::Assignment assignment = Scale(0.02, 2);
  assignment.mutable_policy()->mutable_required_digits()->set_significant_digits(1);
  // 0.006 +- 0.001 holds no mistake, and is not weak.
  EXPECT_THAT(Findings(Linted(assignment)), IsEmpty());
  // Of 190 one significant digit is a unit of 100: half of it reads 100, within 190 +- 100.
  assignment = Scale(1900.0 / 3, 2);
  assignment.mutable_policy()->mutable_required_digits()->set_significant_digits(1);
  const auto response = Linted(assignment);
  EXPECT_THAT(Findings(response), ElementsAre("y: factor 1.00", "y: weak"));
  EXPECT_EQ(response.findings(0).message(),
            "The mistake factor would be accepted: ask for 2 significant digits.");
}

// a = 2 x = 1, b = 3 a = 3, c = 5 b = 15.
constexpr char kChain[] = R"pb(
  name: "chain"
  problems {
    name: "p"
    problem {
      network {
        inputs { name: "x" }
        nodes {
          name: "a"
          inputs: "x"
          scale { factor: 2 }
        }
        nodes {
          name: "b"
          inputs: "a"
          scale { factor: 3 }
        }
        nodes {
          name: "c"
          inputs: "b"
          scale { factor: 5 }
        }
      }
      inputs {
        name: "x"
        tensor { values: 0.5 }
      }
    }
  }
  items { id: "a" quantity: "a" }
  items { id: "b" quantity: "b" }
  items { id: "c" quantity: "c" }
)pb";

// Of -1, -3 and -15 the last two follow from the first, and so they do of 2, 6 and 30. Of 0, 0 and
// 0 too, but that is hollow.
TEST(LintTest, OnlyWhatFollowsFromAnErrorLetsAWholePaperPass) {
  v1::Assignment assignment = FromText<v1::Assignment>(kChain);
  const auto response = Linted(assignment);
  EXPECT_THAT(Findings(response), ElementsAre(": negated_key 0.66", ": scaled_key 0.66"));
  EXPECT_THAT(response.findings(0).message(),
              HasSubstr("A paper with the key with the wrong sign throughout would pass"));
  EXPECT_EQ(response.accepted_count(), 0);
  assignment.mutable_policy()->set_carried_credit(0.5);
  EXPECT_THAT(Findings(Linted(assignment)), IsEmpty());
}

// a and b have nothing to do with each other, but their wrong signs are one mistake.
TEST(LintTest, AMistakeThatIsChargedOnceMayPass) {
  v1::Assignment assignment = FromText<v1::Assignment>(kChain);
  v1::Network& network = *assignment.mutable_problems(0)->mutable_problem()->mutable_network();
  network.mutable_nodes(1)->set_inputs(0, "x");
  assignment.mutable_items()->RemoveLast();
  EXPECT_THAT(Findings(Linted(assignment)), IsEmpty());
  assignment.mutable_policy()->set_repeated_mistake(v1::REPEATED_MISTAKE_CHARGE_ONCE);
  EXPECT_THAT(Findings(Linted(assignment)), ElementsAre(": negated_key 0.50", ": scaled_key 0.50"));
}

// w = 1, grad(w) = 0.5, w' = 1 - 0.5 rate.
v1::Assignment Update(double learning_rate) {
  auto assignment = FromText<v1::Assignment>(R"pb(
    name: "update"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          parameters {
            name: "w"
            value { values: 1 }
          }
          nodes {
            name: "y"
            inputs: "x"
            inputs: "w"
            multiply {}
          }
        }
        inputs {
          name: "x"
          tensor { values: 0.5 }
        }
        objective: "y"
      }
    }
    items { id: "w'" quantity: "next(w)" }
    policy { required_digits { decimals: 2 } }
  )pb");
  assignment.mutable_problems(0)
      ->mutable_problem()
      ->mutable_optimizer()
      ->mutable_sgd()
      ->set_learning_rate(learning_rate);
  return assignment;
}

TEST(LintTest, AStepThatCannotBeSeenIsWeak) {
  // w' = 0.95: 1.00 is refused.
  EXPECT_THAT(Findings(Linted(Update(0.1))), IsEmpty());
  // w' = 0.994 reads 0.99. 1.00 is within 0.994 +- 0.01: no step, half of it, and one of rate^2
  // times the gradient. Ones are the old w here.
  const auto near = Linted(Update(0.012));
  EXPECT_THAT(
      Findings(near),
      ElementsAre("w': ones unchanged_parameters factor learning_rate_twice no_update 1.00"));
  EXPECT_EQ(near.findings(0).message(),
            "Ones, and 4 other wrong answers, would be accepted: ask for 3 decimals.");
  // w' = 0.998 reads 1.00. With 3 decimals half a step, 0.999, would still be near.
  const auto hidden = Linted(Update(0.004));
  EXPECT_THAT(Findings(hidden), ElementsAre("w': weak"));
  EXPECT_EQ(hidden.findings(0).message(),
            "With 2 decimals, the key reads like the parameters before the step: ask for 4 "
            "decimals.");
}

// relu of -1, -2, 3, 4.
TEST(LintTest, CreditByElementPaysForZerosOfTheKey) {
  auto assignment = FromText<v1::Assignment>(R"pb(
    name: "relu"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "z" }
          nodes {
            name: "h"
            inputs: "z"
            relu {}
          }
        }
        inputs {
          name: "z"
          tensor {
            shape: 4
            values: [ -1, -2, 3, 4 ]
          }
        }
      }
    }
    items { id: "h" quantity: "h" }
  )pb");
  const auto response = Linted(assignment);
  EXPECT_THAT(Findings(response), ElementsAre("h: zeros 0.50"));
  EXPECT_EQ(response.findings(0).message(),
            "Zeros would be accepted: some numbers of the key are the same, which "
            "CREDIT_ALL_OR_NOTHING does not credit.");
  assignment.mutable_policy()->set_credit(v1::CREDIT_ALL_OR_NOTHING);
  EXPECT_THAT(Findings(Linted(assignment)), IsEmpty());
}

TEST(LintTest, FormulasAreTriedWithWholePapers) {
  v1::Assignment assignment = Scale(0.2, 1);
  // 0.06 / 10 reads 0.01, and 0 is within 0.006 +- 0.005 or more; 1 is not.
  *assignment.mutable_items(0) =
      FromText<v1::Item>("id: 'f' formula: 'y / 10' required_digits { decimals: 2 }");
  const auto response = Linted(assignment);
  ASSERT_EQ(response.findings_size(), 2);
  EXPECT_EQ(response.findings(0).code(), "zeros");
  EXPECT_EQ(response.findings(1).code(), "weak");
  EXPECT_EQ(response.tried_count(), 3);  // zeros, ones, negated_key
}

TEST(LintTest, ItemsWithoutPointsAreNotTried) {
  v1::Assignment assignment = Scale(0.02, 2);
  assignment.mutable_items(0)->set_points(0);
  const auto response = Linted(assignment);
  EXPECT_THAT(Findings(response), ElementsAre(": no_points", "y: weak"));
  EXPECT_EQ(response.tried_count(), 0);
}

// exp(1000) is no finite number.
TEST(LintTest, WhatCannotBeTrustedIsSaid) {
  v1::Assignment assignment = Scale(1000, 2);
  v1::Network& network = *assignment.mutable_problems(0)->mutable_problem()->mutable_network();
  *network.add_nodes() = FromText<v1::Node>("name: 'e' inputs: 'x' exp {}");
  *assignment.add_items() = FromText<v1::Item>("id: 'e' quantity: 'e'");
  const auto response = Linted(assignment);
  EXPECT_THAT(Findings(response), ElementsAre("e: unreliable"));
}

// b answers a, c answers b, and a answers c: 3 is within 1 +- 12, 15 within 3 +- 12, but 1 neither
// within 15 +- 12 nor near what follows from b = 15. Zeros do pass for c: b = 0 is correct within
// its tolerance, and from there c = 0 is.
TEST(LintTest, OtherKeysAreThoseOfTheNextItemOfThatShape) {
  v1::Assignment assignment = FromText<v1::Assignment>(kChain);
  for (v1::Item& item : *assignment.mutable_items()) item.mutable_tolerance()->set_absolute(12);
  EXPECT_THAT(Findings(Linted(assignment)),
              ElementsAre("a: zeros negated_key scaled_key other_key sign_flip factor 1.00",
                          "b: zeros ones negated_key scaled_key other_key sign_flip factor 1.00",
                          "c: zeros ones negated_key scaled_key factor 1.00"));
}

// Numbers that are too large or too small for decimals can be written all the same.
TEST(LintTest, AnySizeOfNumbers) {
  for (const double x : {1e300, 1e-300, 3e-308}) {
    v1::Assignment assignment = Scale(x, 2);
    assignment.mutable_policy()->mutable_required_digits()->set_significant_digits(3);
    const auto response = Linted(assignment);
    EXPECT_THAT(Findings(response), IsEmpty()) << x;
    EXPECT_EQ(response.tried_count(), 6) << x;
  }
}

TEST(LintTest, StopsWhereItWouldTakeTooLong) {
  const v1::Assignment assignment = FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  const auto all = Linted(assignment);
  Limits limits;
  limits.max_flops = 1e8;
  const auto part = TryLint(assignment, limits);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->findings(0).item(), "");
  EXPECT_EQ(part->findings(0).code(), "not_all_tried");
  EXPECT_LT(part->tried_count(), all.tried_count());
  EXPECT_GT(part->tried_count(), 0);
}

TEST(LintTest, RefusesWhatNobodyWritesByHand) {
  v1::Assignment assignment = Scale(0, 2);
  v1::Tensor& x =
      *assignment.mutable_problems(0)->mutable_problem()->mutable_inputs(0)->mutable_tensor();
  x.add_shape(100'001);
  while (x.values_size() < 100'001) x.add_values(1);
  const auto response = TryLint(assignment);
  EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(response.status().message(),
            "items: their keys have 100001 numbers, the limit of lint is 100000");
}

TEST(LintTest, RefusesWhatIsNoAssignment) {
  v1::LintAssignmentResponse response;
  const std::atomic<bool> cancelled = false;
  EXPECT_EQ(Lint({}, Limits(), cancelled, &response).message(), "assignment: unset");
  v1::Assignment assignment = Scale(1, 2);
  assignment.mutable_items(0)->set_quantity("q");
  EXPECT_THAT(TryLint(assignment).status().message(), HasSubstr("items[0].quantity 'y': "));
}

TEST(LintTest, EndsWhenItIsCancelled) {
  EXPECT_EQ(TryLint(Scale(1, 2), Limits(), true).status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace gradus
