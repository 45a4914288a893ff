// What a report tells of the key, over random assignments and papers: below VALUES nothing but what
// is right, and what it follows from where the level tells that.

#include <atomic>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "server/grading/grade.h"
#include "tests/support/random.h"
#include "tests/support/secret_homework.h"

namespace gradus::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr v1::FeedbackLevel kBelowValues[] = {v1::FEEDBACK_LEVEL_SCORE, v1::FEEDBACK_LEVEL_VERDICT,
                                              v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP,
                                              v1::FEEDBACK_LEVEL_MISTAKE};

// An assignment, and what a caller is told.
class Course {
 public:
  explicit Course(v1::Assignment assignment)
      : assignment_(std::move(assignment)), compiled_(Compiled(assignment_)) {}

  const v1::Assignment& assignment() const { return assignment_; }
  const CompiledAssignment& compiled() const { return compiled_; }

  v1::GradeReport ReportOn(const v1::Submission& paper, v1::FeedbackLevel level) const {
    const std::atomic<bool> cancelled = false;
    const auto report = GradeOne(compiled_, paper, level, cancelled);
    EXPECT_TRUE(report.ok()) << report.status();
    return *report;
  }

 private:
  v1::Assignment assignment_;
  CompiledAssignment compiled_;
};

// Two assignments alike in everything but their numbers.
std::pair<Course, Course> DrawTwo(uint64_t seed) {
  Random random(seed);
  const Structure structure = DrawStructure(random);
  v1::Assignment first = DrawAssignment(structure, random);
  v1::Assignment second = DrawAssignment(structure, random);
  return {Course(std::move(first)), Course(std::move(second))};
}

// All that a level is meant to tell, and nothing of how the report is made: verdicts, from
// FIRST_WRONG_STEP on slips of the pen, at MISTAKE the names of mistakes.
std::string PatternOf(const v1::GradeReport& report, v1::FeedbackLevel level) {
  std::string pattern;
  for (const v1::ItemReport& item : report.items()) {
    pattern += fmt::format("{}:", static_cast<int>(item.verdict()));
    for (const int verdict : item.elements()) pattern += std::to_string(verdict);
  }
  if (level < v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP) return pattern;
  for (const v1::Finding& finding : report.findings()) {
    pattern += finding.slip_of_the_pen() ? " slip" : " root";
    if (level < v1::FEEDBACK_LEVEL_MISTAKE) continue;
    for (const v1::Mistake& mistake : finding.mistakes()) pattern += " " + mistake.code();
  }
  return pattern;
}

// Papers on which the same is right and wrong get the same report, whatever the key. Counts those
// pairs: what is wrong at random is now and then what another error makes it, in one of two keys.
int CompareReports(const Course& a, const v1::Submission& paper_a, const Course& b,
                   const v1::Submission& paper_b) {
  const v1::GradeReport all_of_a = a.ReportOn(paper_a, v1::FEEDBACK_LEVEL_VALUES);
  const v1::GradeReport all_of_b = b.ReportOn(paper_b, v1::FEEDBACK_LEVEL_VALUES);
  // What must not be told is there.
  EXPECT_NE(all_of_a.DebugString(), all_of_b.DebugString());
  int compared = 0;
  for (const v1::FeedbackLevel level : kBelowValues) {
    if (PatternOf(all_of_a, level) != PatternOf(all_of_b, level)) continue;
    EXPECT_EQ(a.ReportOn(paper_a, level).DebugString(), b.ReportOn(paper_b, level).DebugString())
        << "level " << level;
    ++compared;
  }
  return compared;
}

TEST(LeakTest, EquallyRightPapersGetTheSameReportWhateverTheKey) {
  constexpr int kPapers = 400;
  int compared = 0;
  for (uint64_t seed = 0; seed < kPapers && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const auto [a, b] = DrawTwo(seed);
    Random random(seed + 1'000'000);
    const Pattern pattern = DrawPattern(a.assignment(), random);
    const v1::Submission paper_a = PaperOf(a.compiled(), pattern, random);
    const v1::Submission paper_b = PaperOf(b.compiled(), pattern, random);
    compared += CompareReports(a, paper_a, b, paper_b);
  }
  EXPECT_GT(compared, 0.95 * 4 * kPapers);
}

TEST(LeakTest, TheSameMistakeGetsTheSameReportWhateverTheKey) {
  constexpr int kPapers = 60;
  int compared = 0;
  for (uint64_t seed = 0; seed < kPapers && !HasFailure(); ++seed) {
    const auto [a, b] = DrawTwo(seed);
    for (const SampleMistake& mistake : SampleMistakes()) {
      SCOPED_TRACE(fmt::format("seed {}, {}", seed, mistake.code));
      const bool is_by_hand = seed % 2 == 0;
      const v1::Submission paper_a = PaperWith(mistake, a.assignment(), a.compiled(), is_by_hand);
      const v1::Submission paper_b = PaperWith(mistake, b.assignment(), b.compiled(), is_by_hand);
      compared += CompareReports(a, paper_a, b, paper_b);
      // The mistake is found, or the test would show nothing.
      EXPECT_THAT(a.ReportOn(paper_a, v1::FEEDBACK_LEVEL_MISTAKE).DebugString(),
                  HasSubstr(fmt::format("code: \"{}\"", mistake.code)));
    }
  }
  EXPECT_GT(compared, 0.8 * 4 * kPapers * static_cast<double>(SampleMistakes().size()));
}

// Wrong answers that are the same but for their numbers, or their formulas, tell nothing of how far
// they are off.
class RepeatedQueryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // One unit on each side, so that every quantity is one number and may be answered by a formula.
    Random random(1);
    v1::Assignment assignment =
        DrawAssignment({.rows = 0, .inputs = 1, .hidden = 1, .outputs = 1}, random);
    // z is positive, and larger than at any numbers that formulas are tried with.
    v1::Problem* problem = assignment.mutable_problems(0)->mutable_problem();
    const double w = problem->network().parameters(0).value().values(0);
    problem->mutable_inputs(0)->mutable_tensor()->set_values(0, w > 0 ? 50 : -50);
    course_.emplace(std::move(assignment));
    truth_ = NumbersOf(course_->assignment());
  }

  static void AddFormula(const std::string& item, const std::string& formula,
                         v1::Submission* paper) {
    v1::Answer* answer = paper->add_answers();
    answer->set_item(item);
    answer->set_formula(formula);
  }
  static void AddNumber(const std::string& item, double number, v1::Submission* paper) {
    v1::Answer* answer = paper->add_answers();
    answer->set_item(item);
    answer->mutable_tensor()->add_values(number);
  }

  // What the levels without origins say to a paper.
  std::string Told(const v1::Submission& paper) const {
    return course_->ReportOn(paper, v1::FEEDBACK_LEVEL_SCORE).DebugString() +
           course_->ReportOn(paper, v1::FEEDBACK_LEVEL_VERDICT).DebugString();
  }

  std::optional<Course> course_;
  Numbers truth_;
};

TEST_F(RepeatedQueryTest, WrongNumbersGetOneReport) {
  for (const CompiledItem& item : course_->compiled().items()) {
    std::set<std::string> told;
    const double key = item.key[0];
    for (const double wrong : {key * (1 + 1e-5) + 1e-5, key * (1 - 1e-5) - 1e-5, key * 1.01 + 0.01,
                               -3 * key - 1, key + 1e3, 1e300, -1e300}) {
      v1::Submission paper;
      AddNumber(item.id, wrong, &paper);
      told.insert(Told(paper));
    }
    EXPECT_EQ(told.size(), 1U) << item.id;
    v1::Submission right;
    AddNumber(item.id, key, &right);
    EXPECT_EQ(told.count(Told(right)), 0U) << item.id;
  }
}

// The number of a formula is made of the key: what is finite only where z is large would tell
// whether z is.
TEST_F(RepeatedQueryTest, AFormulaThatIsFiniteOnOneSideOfAKeyTellsNoSide) {
  const double z = truth_.at("z")[0];
  std::set<std::string> told;
  for (const double limit : {z - 0.01, z + 0.01}) {
    v1::Submission paper;
    AddFormula("L", fmt::format("log(z[0] - {})", limit), &paper);
    told.insert(Told(paper));
  }
  EXPECT_EQ(told.size(), 1U);
}

// Nor does what follows from a formula of the key that is 1 on one side and 2 on the other.
TEST_F(RepeatedQueryTest, WhatFollowsFromAFormulaOfAKeyTellsNoSide) {
  const double z = truth_.at("z")[0];
  std::set<std::string> told;
  for (const double limit : {z - 0.01, z + 0.01}) {
    for (const double followed : {1, 2}) {
      v1::Submission paper;
      AddFormula("o", fmt::format("1.5 + 0.5 tanh(1e9 (z[0] - {}))", limit), &paper);
      AddNumber("yhat", 1 / (1 + std::exp(-followed)), &paper);
      told.insert(Told(paper));
    }
  }
  EXPECT_EQ(told.size(), 1U);
}

// A formula that is right wherever it is tried, and something else at the assignment's own numbers,
// stands for the key, so that nothing follows from what it is there.
TEST_F(RepeatedQueryTest, WhatFollowsFromARightFormulaIsTheKeys) {
  const double z = truth_.at("z")[0];
  ASSERT_GT(z, 5);
  std::set<std::string> told;
  for (const double limit : {z - 0.01, z + 0.01}) {
    v1::Submission paper;
    AddFormula("o", fmt::format("W2[0,0] h[0] + b2[0] + 1e9 max(0, z[0] - {})", limit), &paper);
    AddNumber("yhat", 1, &paper);
    const v1::GradeReport report = course_->ReportOn(paper, v1::FEEDBACK_LEVEL_VALUES);
    std::map<std::string, v1::Verdict> verdicts;
    for (const v1::ItemReport& item : report.items()) verdicts[item.id()] = item.verdict();
    EXPECT_EQ(verdicts["o"], v1::VERDICT_CORRECT);
    EXPECT_EQ(verdicts["yhat"], v1::VERDICT_INCORRECT);
    told.insert(Told(paper));
  }
  EXPECT_EQ(told.size(), 1U);
}

// The note on digits says how many were written, not whether they are right.
TEST_F(RepeatedQueryTest, TheNoteOnDigitsIsTheSameForRightAndWrong) {
  v1::Assignment assignment = course_->assignment();
  // yhat is sigmoid(0).
  for (v1::Parameter& parameter : *assignment.mutable_problems(0)
                                       ->mutable_problem()
                                       ->mutable_network()
                                       ->mutable_parameters()) {
    parameter.mutable_value()->set_values(0, 0);
  }
  const Course course(assignment);
  const auto yhat_of = [&](const std::string& written) {
    v1::Submission paper;
    v1::Answer* answer = paper.add_answers();
    answer->set_item("yhat");
    answer->mutable_text()->add_values(written);
    const v1::GradeReport report = course.ReportOn(paper, v1::FEEDBACK_LEVEL_VERDICT);
    for (const v1::ItemReport& item : report.items()) {
      if (item.id() == "yhat") return item;
    }
    return v1::ItemReport();
  };
  EXPECT_EQ(yhat_of("0.5").verdict(), v1::VERDICT_CORRECT);
  EXPECT_EQ(yhat_of("0.7").verdict(), v1::VERDICT_INCORRECT);
  for (const char* written : {"0.5", "0.7", "1", "1e9"}) {
    EXPECT_THAT(yhat_of(written).notes(), ElementsAre("fewer digits than the assignment asks for"))
        << written;
  }
  for (const char* written : {"0.500", "0.700"}) {
    EXPECT_THAT(yhat_of(written).notes(), IsEmpty()) << written;
  }
}

}  // namespace
}  // namespace gradus::testing
