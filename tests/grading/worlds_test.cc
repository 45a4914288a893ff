// The three worlds on networks small enough to follow by hand.

#include "server/grading/worlds.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/grading/feedback.h"
#include "server/grading/grader.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::FromFile;
using testing::FromText;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// x = 2, z = w x = 6, h = z^2 = 36, L = h / 4 = 9; dL/dh = 1/4, dh/dz = 12, dL/dz = 3, dL/dw = 6,
// w' = 3 - 6/2 = 0. Answers are numbers of a program, so nothing is rounded.
constexpr char kChain[] = R"pb(
  name: "chain"
  problems {
    name: "p"
    problem {
      network {
        inputs { name: "x" }
        parameters {
          name: "w"
          value { values: 3 }
        }
        nodes {
          name: "z"
          inputs: "x"
          inputs: "w"
          multiply {}
        }
        nodes {
          name: "h"
          inputs: "z"
          inputs: "z"
          multiply {}
        }
        nodes {
          name: "L"
          inputs: "h"
          scale { factor: 0.25 }
        }
      }
      inputs {
        name: "x"
        tensor { values: 2 }
      }
      objective: "L"
      optimizer { sgd { learning_rate: 0.5 } }
    }
  }
  items { id: "z" quantity: "z" }
  items { id: "h" quantity: "h" }
  items { id: "L" quantity: "L" }
  items { id: "dz" quantity: "grad(z)" }
  items { id: "dw" quantity: "grad(w)" }
  items { id: "w'" quantity: "next(w)" }
)pb";

using Numbers = std::vector<std::pair<std::string, double>>;
using Texts = std::vector<std::pair<std::string, std::string>>;

v1::Submission FromProgram(const Numbers& answers) {
  v1::Submission submission;
  for (const auto& [item, number] : answers) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item(item);
    answer->mutable_tensor()->add_values(number);
  }
  return submission;
}

v1::Submission ByHand(const Texts& answers) {
  v1::Submission submission;
  for (const auto& [item, text] : answers) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item(item);
    answer->mutable_text()->add_values(text);
  }
  return submission;
}

v1::Submission InLetters(const Texts& answers) {
  v1::Submission submission;
  for (const auto& [item, text] : answers) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item(item);
    answer->set_formula(text);
  }
  return submission;
}

v1::GradeReport Grade(const v1::Assignment& assignment, const v1::Submission& submission) {
  const std::atomic<bool> cancelled = false;
  const auto compiled = CompiledAssignment::Compile(assignment, Limits(), cancelled);
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *GradeSubmission(*compiled, submission, cancelled);
}

std::vector<v1::Verdict> Verdicts(const v1::GradeReport& report) {
  std::vector<v1::Verdict> verdicts;
  for (const v1::ItemReport& item : report.items()) verdicts.push_back(item.verdict());
  return verdicts;
}

const v1::ItemReport& ItemOf(const v1::GradeReport& report, const std::string& id) {
  for (const v1::ItemReport& item : report.items()) {
    if (item.id() == id) return item;
  }
  ADD_FAILURE() << "no item " << id;
  return v1::ItemReport::default_instance();
}

std::vector<std::string> Roots(const v1::GradeReport& report) {
  std::vector<std::string> roots;
  for (const v1::Finding& finding : report.findings()) {
    for (const v1::Place& place : finding.places()) roots.push_back(place.quantity());
  }
  return roots;
}

// sigma(z) of given z: h, and sigma'(z) = h (1 - h).
v1::Assignment Sigmoid(double z) {
  v1::Assignment assignment = FromText<v1::Assignment>(R"pb(
    name: "sigmoid"
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
            name: "z"
            inputs: "x"
            inputs: "w"
            multiply {}
          }
          nodes {
            name: "h"
            inputs: "z"
            sigmoid {}
          }
        }
        inputs { name: "x" }
        objective: "h"
      }
    }
    items { id: "z" quantity: "z" }
    items { id: "h" quantity: "h" }
    items { id: "slope" quantity: "slope(h)" }
    policy {
      tolerance { relative: 0 absolute: 0 }
      required_digits { decimals: 3 }
    }
  )pb");
  assignment.mutable_problems(0)
      ->mutable_problem()
      ->mutable_inputs(0)
      ->mutable_tensor()
      ->add_values(z);
  return assignment;
}

TEST(WindowTest, HalfAUnitMayGoEitherWay) {
  for (const char* written : {"0.378", "0.377", "0.3775"}) {
    const auto report = Grade(Sigmoid(0.3775), ByHand({{"z", written}}));
    EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_CORRECT) << written;
  }
  for (const char* written : {"0.376", "0.379", "0.3773", "0.3777"}) {
    const auto report = Grade(Sigmoid(0.3775), ByHand({{"z", written}}));
    EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_INCORRECT) << written;
  }
}

// 0.593 * (1 - 0.593) = 0.241351.
TEST(WindowTest, HoldsWhatRoundingCanGiveAndNoMore) {
  const double z = std::log(0.593 / (1 - 0.593));
  for (const char* right : {"0.241", "0.24135"}) {
    const auto report = Grade(Sigmoid(z), ByHand({{"h", "0.593"}, {"slope", right}}));
    EXPECT_EQ(ItemOf(report, "slope").verdict(), v1::VERDICT_CORRECT) << right;
  }
  const auto wrong = Grade(Sigmoid(z), ByHand({{"h", "0.593"}, {"slope", "0.247"}}));
  EXPECT_EQ(ItemOf(wrong, "slope").verdict(), v1::VERDICT_INCORRECT);
  EXPECT_EQ(wrong.first_wrong_item(), "slope");
}

// The window starts at the paper's own correct numbers: from h = 0.593 comes 0.241351, and with
// h = 0.59349 the truth is 0.24126.
TEST(WindowTest, FollowsTheRoundingOfEarlierLines) {
  const double h = 0.59349;
  const double z = std::log(h / (1 - h));
  v1::Assignment assignment = Sigmoid(z);
  assignment.mutable_policy()->mutable_required_digits()->set_decimals(6);
  const auto apart = Grade(assignment, ByHand({{"slope", "0.241351"}}));
  EXPECT_EQ(ItemOf(apart, "slope").verdict(), v1::VERDICT_INCORRECT);
  assignment.mutable_items(1)->mutable_required_digits()->set_decimals(3);
  const auto after = Grade(assignment, ByHand({{"h", "0.593"}, {"slope", "0.241351"}}));
  EXPECT_EQ(ItemOf(after, "slope").verdict(), v1::VERDICT_CORRECT);
}

// z is 0.37849, not handed in, and was rounded to 0.378: h comes to 0.593391 and not to 0.593509. A
// paper of one unit is taken at its word; one of several may have rounded z as coarsely as asked.
TEST(WindowTest, LinesNotHandedInMayBeCoarseWhereUnitsDiffer) {
  const v1::Assignment assignment = Sigmoid(0.37849);
  const auto mixed = Grade(assignment, ByHand({{"h", "0.59339"}, {"slope", "0.2413"}}));
  EXPECT_EQ(ItemOf(mixed, "h").verdict(), v1::VERDICT_CORRECT);
  const auto even = Grade(assignment, ByHand({{"h", "0.59339"}, {"slope", "0.24128"}}));
  EXPECT_EQ(ItemOf(even, "h").verdict(), v1::VERDICT_INCORRECT);
}

// z is a product, which may be rounded, and then its line is: 0.001 in all.
TEST(WindowTest, IsTwiceAsWideWhereDigitsMayBeCutOff) {
  v1::Assignment assignment = Sigmoid(0.3782);
  const v1::Submission cut = ByHand({{"z", "0.377"}});
  EXPECT_EQ(Grade(assignment, cut).items(0).verdict(), v1::VERDICT_INCORRECT);
  assignment.mutable_policy()->set_allow_truncation(true);
  EXPECT_EQ(Grade(assignment, cut).items(0).verdict(), v1::VERDICT_CORRECT);
  const v1::Submission far = ByHand({{"z", "0.376"}});
  EXPECT_EQ(Grade(assignment, far).items(0).verdict(), v1::VERDICT_INCORRECT);
}

TEST(WindowTest, AnswersWithFewerDigitsCountAsIfTheyHadThem) {
  const auto wrong = Grade(Sigmoid(0.3775), ByHand({{"z", "0"}, {"h", "1"}, {"slope", "0"}}));
  EXPECT_EQ(wrong.earned_points(), 0);
  EXPECT_EQ(wrong.items(0).verdict(), v1::VERDICT_INCORRECT);
  const auto right = Grade(Sigmoid(0.5), ByHand({{"z", "0.5"}}));
  EXPECT_EQ(right.items(0).verdict(), v1::VERDICT_CORRECT);
  for (const v1::GradeReport& report : {wrong, right}) {
    EXPECT_THAT(report.items(0).notes(), ElementsAre("fewer digits than the assignment asks for"));
  }
  const auto enough = Grade(Sigmoid(0.5), ByHand({{"z", "0.500"}}));
  EXPECT_THAT(enough.items(0).notes(), IsEmpty());
}

TEST(WindowTest, DigitsAreDeclaredForNumbersWithoutText) {
  v1::Submission submission = FromProgram({{"z", 0.378}});
  EXPECT_EQ(Grade(Sigmoid(0.3775), submission).items(0).verdict(), v1::VERDICT_INCORRECT);
  submission.mutable_declared_digits()->set_decimals(3);
  EXPECT_EQ(Grade(Sigmoid(0.3775), submission).items(0).verdict(), v1::VERDICT_CORRECT);
}

class WorldsTest : public ::testing::Test {
 protected:
  v1::Assignment chain_ = FromText<v1::Assignment>(kChain);
  // z = 5 instead of 6, and all that follows from it: h = 25, L = 6.25, dL/dz = 2.5, dL/dw = 5,
  // w' = 0.5.
  v1::Submission one_error_ =
      FromProgram({{"z", 5}, {"h", 25}, {"L", 6.25}, {"dz", 2.5}, {"dw", 5}, {"w'", 0.5}});
};

TEST_F(WorldsTest, TheTruthIsCorrect) {
  const auto report =
      Grade(chain_, FromProgram({{"z", 6}, {"h", 36}, {"L", 9}, {"dz", 3}, {"dw", 6}, {"w'", 0}}));
  EXPECT_THAT(Verdicts(report), Each(v1::VERDICT_CORRECT));
  EXPECT_EQ(report.earned_points(), 6);
  EXPECT_THAT(report.findings(), IsEmpty());
}

TEST_F(WorldsTest, WhatFollowsFromAnErrorIsCarried) {
  const auto report = Grade(chain_, one_error_);
  EXPECT_THAT(Verdicts(report),
              ElementsAre(v1::VERDICT_INCORRECT, v1::VERDICT_CARRIED, v1::VERDICT_CARRIED,
                          v1::VERDICT_CARRIED, v1::VERDICT_CARRIED, v1::VERDICT_CARRIED));
  EXPECT_EQ(report.items(0).message(), "does not follow from your earlier numbers");
  EXPECT_EQ(report.items(1).message(), "follows from an earlier error");
  EXPECT_THAT(Roots(report), ElementsAre("z"));
  EXPECT_FALSE(report.findings(0).slip_of_the_pen());
  EXPECT_EQ(report.earned_points(), 5);
  EXPECT_EQ(report.items(1).mended().values(0), 36);
  EXPECT_EQ(report.items(1).own().values(0), 25);
}

// dL/dz = 3 is right, though z = 5 was written; dL/dw = 5 follows from neither.
TEST_F(WorldsTest, AnErrorIsWrongInBothWorlds) {
  const auto report =
      Grade(chain_, FromProgram({{"z", 5}, {"h", 25}, {"L", 6.25}, {"dz", 3}, {"dw", 5}}));
  EXPECT_EQ(ItemOf(report, "dz").verdict(), v1::VERDICT_CORRECT);
  EXPECT_EQ(ItemOf(report, "dw").verdict(), v1::VERDICT_INCORRECT);
  EXPECT_THAT(Roots(report), ElementsAre("z", "grad(w)"));
  EXPECT_EQ(report.first_wrong_item(), "z");
}

TEST_F(WorldsTest, AMiscopiedNumberIsASlipOfThePen) {
  const auto report =
      Grade(chain_, FromProgram({{"z", 5}, {"h", 36}, {"L", 9}, {"dz", 3}, {"dw", 6}, {"w'", 0}}));
  EXPECT_EQ(report.earned_points(), 5);
  EXPECT_THAT(Roots(report), ElementsAre("z"));
  EXPECT_TRUE(report.findings(0).slip_of_the_pen());
}

TEST_F(WorldsTest, ErrorsAreCarriedThroughWhatIsNotHandedIn) {
  const auto report = Grade(chain_, FromProgram({{"z", 5}, {"w'", 0.5}}));
  EXPECT_EQ(ItemOf(report, "w'").verdict(), v1::VERDICT_CARRIED);
  EXPECT_EQ(ItemOf(report, "dw").verdict(), v1::VERDICT_MISSING);
}

TEST_F(WorldsTest, CarriedCreditIsAShare) {
  chain_.mutable_policy()->set_carried_credit(0.5);
  EXPECT_EQ(Grade(chain_, one_error_).earned_points(), 2.5);
  EXPECT_EQ(Grade(chain_, one_error_).items(1).earned_points(), 0.5);
  chain_.mutable_policy()->set_carried_credit(0);
  EXPECT_EQ(Grade(chain_, one_error_).earned_points(), 0);
  chain_.mutable_policy()->set_carried_credit(0.333);
  for (v1::Item& item : *chain_.mutable_items()) item.set_points(0.005);
  // 0.001665, half up to a thousandth, five times.
  EXPECT_EQ(Grade(chain_, one_error_).earned_points(), 0.01);
}

TEST_F(WorldsTest, ZerosFromZerosEarnNothing) {
  const auto report =
      Grade(chain_, FromProgram({{"z", 0}, {"h", 0}, {"L", 0}, {"dz", 0}, {"dw", 0}, {"w'", 3}}));
  EXPECT_EQ(ItemOf(report, "h").verdict(), v1::VERDICT_CARRIED);
  EXPECT_EQ(ItemOf(report, "h").earned_points(), 0);
  EXPECT_EQ(ItemOf(report, "h").message(),
            "follows from an earlier error, which leaves nothing to show here");
}

TEST_F(WorldsTest, AnAnswerToNoItemBuysNothing) {
  chain_.mutable_items()->DeleteSubrange(3, 1);  // dL/dz
  const auto report = Grade(chain_, FromProgram({{"grad(z)", 2.5}, {"dw", 5}, {"w'", 0.5}}));
  EXPECT_THAT(report.unexpected(), ElementsAre("grad(z)"));
  EXPECT_EQ(ItemOf(report, "dw").verdict(), v1::VERDICT_INCORRECT);
}

TEST_F(WorldsTest, AMalformedNumberAffectsNoOther) {
  for (const double bad : {std::nan(""), static_cast<double>(HUGE_VAL)}) {
    const auto report = Grade(
        chain_, FromProgram({{"z", bad}, {"h", 36}, {"L", 9}, {"dz", 3}, {"dw", 6}, {"w'", 0}}));
    EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_MALFORMED);
    EXPECT_EQ(report.earned_points(), 5);
    EXPECT_FALSE(report.gradable());
    EXPECT_THAT(report.findings(), IsEmpty());
  }
}

TEST_F(WorldsTest, TheOrderOfAnswersChangesNothing) {
  const auto report = Grade(chain_, one_error_);
  for (int i = 0; i < 3; ++i) one_error_.mutable_answers()->SwapElements(i, 5 - i);
  EXPECT_EQ(Grade(chain_, one_error_).SerializeAsString(), report.SerializeAsString());
}

TEST_F(WorldsTest, AToleranceStaysWhatItIsAtDepth) {
  chain_.mutable_policy()->mutable_tolerance()->set_relative(0.05);
  const auto near = Grade(chain_, FromProgram({{"z", 6.2}, {"h", 37}}));
  EXPECT_EQ(ItemOf(near, "h").verdict(), v1::VERDICT_CORRECT);
  // 6.2^2 is 38.44, which is 6.8 % off; but it is what z = 6.2 gives.
  const auto own = Grade(chain_, FromProgram({{"z", 6.2}, {"h", 38.44}}));
  EXPECT_EQ(ItemOf(own, "h").verdict(), v1::VERDICT_CORRECT);
  // 5 % more than that is 40.36.
  const auto far = Grade(chain_, FromProgram({{"z", 6.2}, {"h", 40.5}}));
  EXPECT_EQ(ItemOf(far, "h").verdict(), v1::VERDICT_INCORRECT);
}

// What is told at VERDICT: neither the origin nor the word for it.
TEST_F(WorldsTest, TheLevelVerdictHidesWhatIsCarried) {
  v1::GradeReport report = Grade(chain_, one_error_);
  CutToLevel(v1::FEEDBACK_LEVEL_VERDICT, &report);
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_INCORRECT);
  EXPECT_EQ(report.items(0).message(), "not right");
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_CORRECT);
  EXPECT_THAT(report.items(1).message(), IsEmpty());
  EXPECT_THAT(report.first_wrong_item(), IsEmpty());
  EXPECT_THAT(report.findings(), IsEmpty());

  chain_.mutable_policy()->set_carried_credit(0.5);
  report = Grade(chain_, one_error_);
  CutToLevel(v1::FEEDBACK_LEVEL_VERDICT, &report);
  EXPECT_EQ(report.items(1).verdict(), v1::VERDICT_PARTLY_CORRECT);
  EXPECT_EQ(report.items(1).message(), "not entirely right");
}

// w' = w - g/2 and v' = v - g/2; both are taken as plus.
TEST(RepeatedMistakeTest, IsOneFindingAndChargedOnceIfThePolicySaysSo) {
  v1::Assignment assignment = FromText<v1::Assignment>(R"pb(
    name: "two updates"
    problems {
      name: "p"
      problem {
        network {
          inputs { name: "x" }
          parameters {
            name: "w"
            value { values: 3 }
          }
          parameters {
            name: "v"
            value { values: 1 }
          }
          nodes {
            name: "z"
            inputs: "x"
            inputs: "w"
            multiply {}
          }
          nodes {
            name: "L"
            inputs: "z"
            inputs: "v"
            multiply {}
          }
        }
        inputs {
          name: "x"
          tensor { values: 2 }
        }
        objective: "L"
        optimizer { sgd { learning_rate: 0.5 } }
      }
    }
    items { id: "w'" quantity: "next(w)" }
    items { id: "v'" quantity: "next(v)" }
  )pb");
  // dL/dw = 2, dL/dv = 6: right are 2 and -2.
  const v1::Submission ascent = FromProgram({{"w'", 4}, {"v'", 4}});
  const auto each = Grade(assignment, ascent);
  EXPECT_EQ(each.earned_points(), 0);
  ASSERT_THAT(each.findings(), SizeIs(1));
  EXPECT_THAT(Roots(each), ElementsAre("next(w)", "next(v)"));
  assignment.mutable_policy()->set_repeated_mistake(v1::REPEATED_MISTAKE_CHARGE_ONCE);
  const auto once = Grade(assignment, ascent);
  EXPECT_EQ(once.items(0).earned_points(), 0);
  EXPECT_EQ(once.items(1).earned_points(), 1);
  EXPECT_EQ(once.items(1).verdict(), v1::VERDICT_INCORRECT);
}

// Problem 2 of the homework, whose paper writes w1[3] for the first weight of the third layer.
v1::Assignment ProblemTwo() {
  v1::Assignment homework = FromFile<v1::Assignment>("examples/homework/homework.txtpb");
  for (int i = homework.items_size() - 1; i >= 0; --i) {
    if (homework.items(i).problem() != "problem_2") homework.mutable_items()->DeleteSubrange(i, 1);
  }
  return homework;
}

constexpr char kDelta3[] =
    "a1[1] (1 - a1[1]) (w11[2] w1[3] a1[2] (1 - a1[2]) + w21[2] w2[3] a2[2] (1 - a2[2]))";

TEST(FormulaAnswerTest, TheFormulasOfThePaperAreRight) {
  const auto report = Grade(ProblemTwo(), InLetters({{"delta_1", "w1[3]"},
                                                     {"delta_2", "w1[3] a1[2] (1 - a1[2])"},
                                                     {"delta_3", kDelta3},
                                                     {"delta_4", fmt::format("x1 {}", kDelta3)}}));
  EXPECT_THAT(Verdicts(report), Each(v1::VERDICT_CORRECT));
  EXPECT_EQ(report.earned_points(), 8);
}

TEST(FormulaAnswerTest, MayNameWhatComesEarlier) {
  const auto report =
      Grade(ProblemTwo(),
            InLetters({{"delta_2", "delta_1 * slope(a2)[0]"}, {"delta_4", "x1 * delta_3"}}));
  EXPECT_EQ(ItemOf(report, "delta_2").verdict(), v1::VERDICT_CORRECT);
  EXPECT_EQ(ItemOf(report, "delta_4").verdict(), v1::VERDICT_CORRECT);
}

TEST(FormulaAnswerTest, AnotherFormulaIsWrong) {
  const auto report = Grade(ProblemTwo(), InLetters({{"delta_1", "w2[3]"},
                                                     // right for the numbers at hand only
                                                     {"delta_2", "2 a1[2] (1 - a1[2])"},
                                                     {"delta_3", "w1[3] a1[1] (1 - a1[1])"}}));
  for (const char* id : {"delta_1", "delta_2", "delta_3"}) {
    EXPECT_EQ(ItemOf(report, id).verdict(), v1::VERDICT_INCORRECT) << id;
  }
  EXPECT_EQ(report.earned_points(), 0);
}

// It has no finite value at these numbers, but can be read.
TEST(FormulaAnswerTest, WithoutAValueIsWrongNotMalformed) {
  const auto report = Grade(ProblemTwo(), InLetters({{"delta_2", "log(-a1[2])"}}));
  EXPECT_EQ(ItemOf(report, "delta_2").verdict(), v1::VERDICT_INCORRECT);
  EXPECT_TRUE(report.gradable());
}

// x + w is 5 here, and z is 6: what is worked out from 5 is carried.
TEST_F(WorldsTest, WhatFollowsFromAWrongFormulaIsCarried) {
  v1::Submission paper = InLetters({{"z", "x + w"}});
  for (int i = 1; i < one_error_.answers_size(); ++i) *paper.add_answers() = one_error_.answers(i);
  const auto report = Grade(chain_, paper);
  EXPECT_EQ(ItemOf(report, "z").verdict(), v1::VERDICT_INCORRECT);
  for (const char* item : {"h", "L", "dz", "dw"}) {
    EXPECT_EQ(ItemOf(report, item).verdict(), v1::VERDICT_CARRIED) << item;
  }
  EXPECT_EQ(report.first_wrong_item(), "z");
  EXPECT_THAT(report.findings(), SizeIs(1));
}

// Half of the z that was handed in. With half of the key's z, which is 6, what follows would tell
// it.
TEST_F(WorldsTest, AWrongFormulaHasItsValueFromWhatWasHandedIn) {
  const auto verdict_on_loss = [&](const Numbers& numbers) {
    v1::Submission paper = FromProgram(numbers);
    paper.MergeFrom(InLetters({{"h", "z / 2"}}));
    const auto report = Grade(chain_, paper);
    EXPECT_EQ(ItemOf(report, "h").verdict(), v1::VERDICT_INCORRECT);
    return ItemOf(report, "L").verdict();
  };
  EXPECT_EQ(verdict_on_loss({{"z", 5}, {"L", 2.5 / 4}}), v1::VERDICT_CARRIED);
  EXPECT_EQ(verdict_on_loss({{"z", 6}, {"L", 3.0 / 4}}), v1::VERDICT_CARRIED);
  EXPECT_EQ(verdict_on_loss({{"z", 5}, {"L", 3.0 / 4}}), v1::VERDICT_INCORRECT);
  EXPECT_EQ(verdict_on_loss({{"L", 3.0 / 4}}), v1::VERDICT_INCORRECT);
}

// The z that was handed in as a formula, right or wrong, is as good as its number.
TEST_F(WorldsTest, AWrongFormulaHasItsValueFromOtherFormulas) {
  const auto verdict_on_loss = [&](const char* z, double loss) {
    v1::Submission paper = FromProgram({{"L", loss}});
    paper.MergeFrom(InLetters({{"z", z}, {"h", "z / 2"}}));
    return ItemOf(Grade(chain_, paper), "L").verdict();
  };
  EXPECT_EQ(verdict_on_loss("x w", 3.0 / 4), v1::VERDICT_CARRIED);
  EXPECT_EQ(verdict_on_loss("x + w", 2.5 / 4), v1::VERDICT_CARRIED);
  EXPECT_EQ(verdict_on_loss("x + w", 3.0 / 4), v1::VERDICT_INCORRECT);
}

// Nobody can hand in what is not asked for: it is taken from the truth.
TEST_F(WorldsTest, AWrongFormulaMayNameWhatIsNotAskedFor) {
  v1::Assignment assignment = chain_;
  auto& items = *assignment.mutable_items();
  items.erase(std::remove_if(items.begin(), items.end(),
                             [](const v1::Item& item) { return item.id() == "z"; }),
              items.end());
  ASSERT_EQ(items.size(), chain_.items_size() - 1);
  v1::Submission paper = FromProgram({{"L", 3.0 / 4}});
  paper.MergeFrom(InLetters({{"h", "z / 2"}}));
  const auto report = Grade(assignment, paper);
  EXPECT_EQ(ItemOf(report, "h").verdict(), v1::VERDICT_INCORRECT);
  EXPECT_EQ(ItemOf(report, "L").verdict(), v1::VERDICT_CARRIED);
}

TEST(FormulaAnswerTest, NamesNeitherItselfNorWhatComesLater) {
  const auto report = Grade(
      ProblemTwo(),
      InLetters({{"delta_1", "delta_4"}, {"delta_2", "delta_2"}, {"delta_3", "grad(z1)[0]"}}));
  for (const char* id : {"delta_1", "delta_2", "delta_3"}) {
    EXPECT_EQ(ItemOf(report, id).verdict(), v1::VERDICT_MALFORMED) << id;
    EXPECT_THAT(ItemOf(report, id).message(), HasSubstr("it does not come earlier than the answer"))
        << id;
  }
  EXPECT_FALSE(report.gradable());
}

TEST(FormulaAnswerTest, AnswersNoTensor) {
  v1::Assignment assignment = ProblemTwo();
  assignment.mutable_items(0)->set_quantity("grad(a2)");
  const auto report = Grade(assignment, InLetters({{"delta_1", "w1[3]"}}));
  EXPECT_EQ(report.items(0).verdict(), v1::VERDICT_MALFORMED);
  EXPECT_EQ(report.items(0).message(),
            "a formula answers an item of one number; this item has several");
}

// Lines of the paper that are no quantities: exp(-z_h1) = 0.686 and h1 w5 = 0.237.
class FormulaKeyTest : public ::testing::Test {
 protected:
  FormulaKeyTest() {
    homework_.clear_items();
    const Texts items = {{"z", "z_h[0]"}, {"h1", "h[0]"}};
    for (const auto& [id, quantity] : items) {
      v1::Item* item = AddItem(id);
      item->set_quantity(quantity);
    }
    AddItem("exp(-z)")->set_formula("exp(-z_h[0])");
    AddItem("h1 w5")->set_formula("h[0] w5");
    v1::Policy* policy = homework_.mutable_policy();
    policy->mutable_tolerance()->set_absolute(0);
    policy->mutable_required_digits()->set_decimals(3);
  }

  v1::Item* AddItem(const std::string& id) {
    v1::Item* item = homework_.add_items();
    item->set_id(id);
    item->set_problem("problem_1");
    return item;
  }

  v1::Assignment homework_ = FromFile<v1::Assignment>("examples/homework/homework.txtpb");
};

// exp(-0.3775) = 0.68557, exp(-0.378) = 0.68523, exp(-0.377) = 0.68592.
TEST_F(FormulaKeyTest, HasAWindow) {
  for (const char* right : {"0.685", "0.686"}) {
    const auto report = Grade(homework_, ByHand({{"z", "0.378"}, {"exp(-z)", right}}));
    EXPECT_EQ(ItemOf(report, "exp(-z)").verdict(), v1::VERDICT_CORRECT) << right;
  }
  for (const char* wrong : {"0.683", "0.688", "1.459"}) {
    const auto report = Grade(homework_, ByHand({{"z", "0.378"}, {"exp(-z)", wrong}}));
    EXPECT_EQ(ItemOf(report, "exp(-z)").verdict(), v1::VERDICT_INCORRECT) << wrong;
    EXPECT_EQ(report.first_wrong_item(), "exp(-z)") << wrong;
    ASSERT_THAT(report.findings(), SizeIs(1)) << wrong;
    EXPECT_THAT(report.findings(0).places(0).quantity(), IsEmpty()) << wrong;
    EXPECT_THAT(report.findings(0).places(0).items(), ElementsAre("exp(-z)")) << wrong;
  }
}

TEST_F(FormulaKeyTest, FollowsFromAnEarlierError) {
  const auto report =
      Grade(homework_, ByHand({{"h1", "0.693"}, {"h1 w5", "0.277"}}));  // 0.693 * 0.4 = 0.2772
  EXPECT_EQ(ItemOf(report, "h1").verdict(), v1::VERDICT_INCORRECT);
  EXPECT_EQ(ItemOf(report, "h1 w5").verdict(), v1::VERDICT_CARRIED);
  EXPECT_EQ(report.first_wrong_item(), "h1");
}

TEST_F(FormulaKeyTest, MayBeAnsweredInLetters) {
  const auto report =
      Grade(homework_, InLetters({{"exp(-z)", "1/exp(z_h[0])"}, {"h1 w5", "w5 sigmoid(z_h[0])"}}));
  EXPECT_EQ(ItemOf(report, "exp(-z)").verdict(), v1::VERDICT_CORRECT);
  EXPECT_EQ(ItemOf(report, "h1 w5").verdict(), v1::VERDICT_CORRECT);
}

}  // namespace
}  // namespace gradus
