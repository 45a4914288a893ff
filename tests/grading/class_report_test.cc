#include "server/grading/class_report.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using testing::ToText;

// Three numbers and a tensor.
v1::Assignment Homework() {
  return FromText<v1::Assignment>(R"pb(
    name: "homework"
    problems { name: "p" }
    items { id: "a" quantity: "h[0]" }
    items { id: "b" quantity: "h[1]" }
    items { id: "c" quantity: "L" }
    items { id: "W" quantity: "grad(W)" }
    symbols { name: "loss" quantity: "L" }
  )pb");
}

v1::GradeReport Total(double earned, double possible = 10) {
  v1::GradeReport report;
  report.set_feedback_level(v1::FEEDBACK_LEVEL_SCORE);
  report.set_earned_points(earned);
  report.set_possible_points(possible);
  report.set_gradable(true);
  return report;
}

v1::ClassReport OfTotals(const std::vector<double>& totals, double possible = 10) {
  ClassReportBuilder builder(Homework());
  for (const double total : totals) builder.Add(Total(total, possible), {});
  return builder.Build();
}

// A report at `level`, of a submission `id`, with `items` in addition.
v1::GradeReport Report(const std::string& id, const std::string& items,
                       v1::FeedbackLevel level = v1::FEEDBACK_LEVEL_MISTAKE) {
  auto report = FromText<v1::GradeReport>(items);
  report.set_submission_id(id);
  report.set_feedback_level(level);
  return report;
}

// Answers of one number each: {"a", "0.5"}.
v1::Submission Answers(const std::vector<std::pair<std::string, std::string>>& numbers) {
  v1::Submission submission;
  for (const auto& [item, number] : numbers) {
    v1::Answer* answer = submission.add_answers();
    answer->set_item(item);
    answer->mutable_text()->add_values(number);
  }
  return submission;
}

constexpr char kWrongA[] = "items { id: 'a' verdict: VERDICT_INCORRECT }";

// Shared values as "s1 s2: a=0.1234 W[3]=1.235".
std::vector<std::string> SharedIn(const v1::ClassReport& report) {
  std::vector<std::string> lines;
  for (const v1::SharedValues& shared : report.shared_values()) {
    std::string line = fmt::format(
        "{}:", fmt::join(shared.submission_ids().begin(), shared.submission_ids().end(), " "));
    for (const v1::SharedValue& value : shared.values()) {
      line += fmt::format(" {}{}={}", value.item(),
                          value.has_element() ? fmt::format("[{}]", value.element()) : "",
                          value.value());
    }
    lines.push_back(line);
  }
  return lines;
}

TEST(ClassReportTest, OfNobodyIsEmpty) {
  const v1::ClassReport report = ClassReportBuilder(Homework()).Build();
  EXPECT_EQ(report.assignment(), "homework");
  EXPECT_EQ(report.submission_count(), 0);
  EXPECT_FALSE(report.has_scores());
  EXPECT_THAT(report.items(), IsEmpty());
}

TEST(ClassReportTest, CountsSubmissionsAndTheGradableOnes) {
  ClassReportBuilder builder(Homework());
  builder.Add(Total(1), {});
  v1::GradeReport malformed = Total(2);
  malformed.set_gradable(false);
  builder.Add(malformed, {});
  const v1::ClassReport report = builder.Build();
  EXPECT_EQ(report.submission_count(), 2);
  EXPECT_EQ(report.gradable_count(), 1);
  EXPECT_EQ(report.feedback_level(), v1::FEEDBACK_LEVEL_SCORE);
}

TEST(ClassReportTest, ScoresOfOne) {
  const v1::ScoreDistribution scores = OfTotals({7.5}).scores();
  EXPECT_THAT(scores.bin_counts(), ElementsAre(0, 0, 0, 0, 0, 0, 0, 1, 0, 0));
  EXPECT_EQ(scores.mean_points(), 7.5);
  EXPECT_EQ(scores.lowest_points(), 7.5);
  EXPECT_EQ(scores.lower_quartile_points(), 7.5);
  EXPECT_EQ(scores.median_points(), 7.5);
  EXPECT_EQ(scores.upper_quartile_points(), 7.5);
  EXPECT_EQ(scores.highest_points(), 7.5);
  EXPECT_EQ(scores.possible_points(), 10);
}

TEST(ClassReportTest, QuartilesLieInProportionBetweenNeighbours) {
  // Places 0.75, 1.5 and 2.25 of 1, 2, 4, 8.
  const v1::ScoreDistribution scores = OfTotals({8, 1, 4, 2}).scores();
  EXPECT_EQ(scores.lower_quartile_points(), 1.75);
  EXPECT_EQ(scores.median_points(), 3);
  EXPECT_EQ(scores.upper_quartile_points(), 5);
  EXPECT_EQ(scores.mean_points(), 3.75);
  EXPECT_EQ(scores.lowest_points(), 1);
  EXPECT_EQ(scores.highest_points(), 8);
}

TEST(ClassReportTest, ScoresAreWholeThousandths) {
  // 0.1 + 0.2 + 0.2 = 0.5, a third of it 0.1667; 0.001 / 2 is rounded up.
  EXPECT_EQ(OfTotals({0.1, 0.2, 0.2}).scores().mean_points(), 0.167);
  EXPECT_EQ(OfTotals({0, 0.001}).scores().mean_points(), 0.001);
  EXPECT_EQ(OfTotals({0, 0.001}).scores().median_points(), 0.001);
  EXPECT_EQ(OfTotals({0, 0.001}).scores().lower_quartile_points(), 0);
}

TEST(ClassReportTest, AScoreOnABoundaryBelongsToTheUpperBin) {
  // 0.3 / 3 is less than 0.1 in binary.
  EXPECT_THAT(OfTotals({0, 0.299, 0.3, 2.999, 3}, 3).scores().bin_counts(),
              ElementsAre(2, 1, 0, 0, 0, 0, 0, 0, 0, 2));
}

TEST(ClassReportTest, NoScoresWithoutPointsToBeHad) {
  EXPECT_FALSE(OfTotals({0, 0}, 0).has_scores());
}

TEST(ClassReportTest, PointsThatAreNoneCountAsZero) {
  const v1::ScoreDistribution scores = OfTotals({-1, std::nan(""), 10}).scores();
  EXPECT_EQ(scores.lowest_points(), 0);
  EXPECT_EQ(scores.median_points(), 0);
  EXPECT_THAT(scores.bin_counts(), ElementsAre(2, 0, 0, 0, 0, 0, 0, 0, 0, 1));
}

TEST(ClassReportTest, CountsVerdictsPerItem) {
  ClassReportBuilder builder(Homework());
  builder.Add(Report("s1", R"pb(
                items { id: "a" verdict: VERDICT_CORRECT earned_points: 2 possible_points: 2 }
                items { id: "b" verdict: VERDICT_CARRIED earned_points: 1 possible_points: 1 }
                items { id: "c" verdict: VERDICT_UNRELIABLE possible_points: 5 }
                items { id: "stranger" verdict: VERDICT_CORRECT }
              )pb"),
              {});
  builder.Add(
      Report("s2", R"pb(
        items { id: "a" verdict: VERDICT_PARTLY_CORRECT earned_points: 0.5 possible_points: 2 }
        items { id: "b" verdict: VERDICT_CARRIED earned_points: 0.5 possible_points: 1 }
        items { id: "c" verdict: VERDICT_UNRELIABLE possible_points: 5 }
      )pb"),
      {});
  builder.Add(Report("s3", R"pb(
                items { id: "a" verdict: VERDICT_MISSING possible_points: 2 }
                items { id: "b" verdict: VERDICT_MALFORMED possible_points: 1 }
              )pb"),
              {});
  const v1::ClassReport report = builder.Build();
  ASSERT_EQ(report.items_size(), 4);
  EXPECT_EQ(ToText(report.items(0)),
            "id: \"a\" verdicts { verdict: VERDICT_CORRECT count: 1 } "
            "verdicts { verdict: VERDICT_PARTLY_CORRECT count: 1 } "
            "verdicts { verdict: VERDICT_MISSING count: 1 } right_count: 1 "
            "mean_share: 0.41666666666666669");
  // Carried is right where it is credited in full.
  EXPECT_EQ(ToText(report.items(1)),
            "id: \"b\" verdicts { verdict: VERDICT_CARRIED count: 2 } "
            "verdicts { verdict: VERDICT_MALFORMED count: 1 } right_count: 1 mean_share: 0.5");
  // What could not be judged has no share.
  EXPECT_EQ(ToText(report.items(2)), "id: \"c\" verdicts { verdict: VERDICT_UNRELIABLE count: 2 }");
  EXPECT_EQ(ToText(report.items(3)), "id: \"W\"");
  EXPECT_THAT(report.most_missed_items(), ElementsAre("a", "b"));
}

TEST(ClassReportTest, MostMissedComesFirst) {
  ClassReportBuilder builder(Homework());
  builder.Add(Report("s1", R"pb(
                items { id: "a" verdict: VERDICT_CORRECT }
                items { id: "b" verdict: VERDICT_INCORRECT }
                items { id: "c" verdict: VERDICT_INCORRECT }
              )pb"),
              {});
  builder.Add(Report("s2", R"pb(
                items { id: "a" verdict: VERDICT_CORRECT }
                items { id: "b" verdict: VERDICT_CORRECT }
                items { id: "c" verdict: VERDICT_MISSING }
              )pb"),
              {});
  EXPECT_THAT(builder.Build().most_missed_items(), ElementsAre("c", "b"));
}

TEST(ClassReportTest, FirstWrongItemsTheMostFrequentFirst) {
  ClassReportBuilder builder(Homework());
  for (const std::string item : {"c", "b", "", "c", "stranger", "a"}) {
    builder.Add(Report("s", "first_wrong_item: '" + item + "'"), {});
  }
  const v1::ClassReport report = builder.Build();
  ASSERT_EQ(report.first_wrong_items_size(), 3);
  EXPECT_EQ(report.first_wrong_items(0).item(), "c");
  EXPECT_EQ(report.first_wrong_items(0).submission_count(), 2);
  EXPECT_EQ(report.first_wrong_items(1).item(), "a");
  EXPECT_EQ(report.first_wrong_items(2).item(), "b");
}

TEST(ClassReportTest, AMistakeCountsOncePerSubmission) {
  ClassReportBuilder builder(Homework());
  builder.Add(Report("s1", R"pb(
                findings {
                  places { items: "a" }
                  places { items: "b" }
                  mistakes { code: "wrong_sign" message: "The sign." }
                  mistakes { code: "ascent" message: "Uphill." }
                }
                findings {
                  places { items: "a" }
                  mistakes { code: "wrong_sign" message: "The sign." }
                }
              )pb"),
              {});
  builder.Add(Report("s2", R"pb(
                findings {
                  places { items: "a" }
                  mistakes { code: "wrong_sign" message: "The sign." }
                }
                findings { places { items: "c" } }
              )pb"),
              {});
  const v1::ClassReport report = builder.Build();
  ASSERT_EQ(report.mistakes_size(), 2);
  EXPECT_EQ(ToText(report.mistakes(0)),
            "code: \"wrong_sign\" message: \"The sign.\" submission_count: 2 "
            "items { item: \"a\" submission_count: 2 } items { item: \"b\" submission_count: 1 }");
  EXPECT_EQ(report.mistakes(1).code(), "ascent");
  EXPECT_EQ(report.mistakes(1).submission_count(), 1);
  EXPECT_EQ(report.unexplained_count(), 1);
}

// Item a wrong, b right, c wrong.
constexpr char kOnlyBRight[] = R"pb(
  items { id: "a" verdict: VERDICT_INCORRECT }
  items { id: "b" verdict: VERDICT_CORRECT }
  items { id: "c" verdict: VERDICT_INCORRECT }
)pb";

TEST(ClassReportTest, ConfusedIsWhatIsAnsweredWithTheRightAnswerToAnother) {
  ClassReportBuilder builder(Homework());
  // By symbol, and by an address spelled in another way; a and c have two digits in common only.
  builder.Add(Report("s1", kOnlyBRight),
              Answers({{"a", "0.13"}, {"b", "0.593"}, {"loss", "0.593"}}));
  builder.Add(Report("s2", kOnlyBRight),
              Answers({{"a", "0.13"}, {"h[1]", " 0.614"}, {"c", "0.614"}}));
  // Another spelling of the number is another answer.
  builder.Add(Report("s3", kOnlyBRight), Answers({{"a", "0.593"}, {"b", "0.5930"}}));
  // Once only.
  builder.Add(Report("s4", kOnlyBRight), Answers({{"a", "0.593"}, {"b", "0.593"}}));
  const v1::ClassReport report = builder.Build();
  ASSERT_EQ(report.confused_items_size(), 1);
  EXPECT_EQ(ToText(report.confused_items(0)), "item: \"c\" other_item: \"b\" submission_count: 2");
}

TEST(ClassReportTest, TwoWrongAnswersAreNotConfused) {
  ClassReportBuilder builder(Homework());
  for (int i = 0; i < 2; ++i) {
    builder.Add(Report("s", kOnlyBRight),
                Answers({{"a", "0.123"}, {"b", "0.593"}, {"c", "0.123"}}));
  }
  EXPECT_THAT(builder.Build().confused_items(), IsEmpty());
}

TEST(ClassReportTest, AnAnswerToManyItemsIsNotConfused) {
  v1::Assignment assignment;
  v1::Submission submission;
  v1::GradeReport report = Report("s", "");
  for (int i = 0; i < 9; ++i) {
    const std::string id = fmt::format("i{}", i);
    assignment.add_items()->set_id(id);
    submission.MergeFrom(Answers({{id, "0.593"}}));
    v1::ItemReport* item = report.add_items();
    item->set_id(id);
    item->set_verdict(i == 0 ? v1::VERDICT_CORRECT : v1::VERDICT_INCORRECT);
  }
  const auto confused = [&] {
    ClassReportBuilder builder(assignment);
    for (int i = 0; i < 2; ++i) builder.Add(report, submission);
    return builder.Build().confused_items_size();
  };
  EXPECT_EQ(confused(), 0);
  submission.mutable_answers()->RemoveLast();
  EXPECT_EQ(confused(), 7);
}

TEST(ClassReportTest, SharedValuesAreThoseOfTheSameSubmissions) {
  ClassReportBuilder builder(Homework());
  constexpr char kItems[] = R"pb(
    items { id: "a" verdict: VERDICT_INCORRECT }
    items { id: "b" verdict: VERDICT_CORRECT }
    items { id: "c" verdict: VERDICT_INCORRECT }
    items {
      id: "W"
      verdict: VERDICT_PARTLY_CORRECT
      elements: [ VERDICT_CORRECT, VERDICT_INCORRECT, VERDICT_CARRIED ]
    }
  )pb";
  for (const std::string id : {"s2", "s1", "s3"}) {
    v1::Submission submission = Answers({{"a", "0.1237"}, {"b", "0.5931"}});
    submission.MergeFrom(Answers({{"c", id == "s3" ? "0.77777" : "0.99998"}}));
    v1::Answer* answer = submission.add_answers();
    answer->set_item("W");
    for (const double x : {1.2345, id == "s3" ? 6.5432 : 6.5431, 7.7778}) {
      answer->mutable_tensor()->add_values(x);
    }
    answer->mutable_tensor()->add_shape(3);
    builder.Add(Report(id, kItems), submission);
  }
  const v1::ClassReport report = builder.Build();
  EXPECT_THAT(SharedIn(report), ElementsAre("s1 s2: c=0.99998 W[1]=6.5431", "s1 s2 s3: a=0.1237"));
  EXPECT_EQ(
      report.shared_values_note(),
      "These submissions share an unusual wrong value. That may have innocent reasons, such as "
      "work in groups or the same slip.");
}

// What two submissions share that both have `number` at item a, with `report` about it.
std::vector<std::string> SharedByTwo(const std::string& number, const std::string& report = kWrongA,
                                     v1::FeedbackLevel level = v1::FEEDBACK_LEVEL_MISTAKE) {
  ClassReportBuilder builder(Homework());
  for (const std::string id : {"s1", "s2"}) {
    builder.Add(Report(id, report, level), Answers({{"a", number}}));
  }
  return SharedIn(builder.Build());
}

TEST(ClassReportTest, UsualValuesAreNotShared) {
  EXPECT_THAT(SharedByTwo("0.1237"), ElementsAre("s1 s2: a=0.1237"));
  EXPECT_THAT(SharedByTwo("-1.237e-3"), ElementsAre("s1 s2: a=-1.237e-3"));
  for (const std::string number :
       {"0", "1", "0.123", "0.12300", "1000", "0.5000", "1/3", "2e-1234"}) {
    EXPECT_THAT(SharedByTwo(number), IsEmpty()) << number;
  }
}

TEST(ClassReportTest, WhatIsExplainedCarriedOrRightIsNotShared) {
  const std::string wrong = kWrongA;
  EXPECT_THAT(SharedByTwo("0.1237", wrong + "findings { places { items: 'a' } }"),
              ElementsAre("s1 s2: a=0.1237"));
  EXPECT_THAT(SharedByTwo("0.1237",
                          wrong + "findings { places { items: 'a' } mistakes { code: 'ascent' } }"),
              IsEmpty());
  EXPECT_THAT(SharedByTwo("0.1237", "items { id: 'a' verdict: VERDICT_CARRIED }"), IsEmpty());
  EXPECT_THAT(SharedByTwo("0.1237", "items { id: 'a' verdict: VERDICT_CORRECT }"), IsEmpty());
}

TEST(ClassReportTest, WhatManyShareIsNotRare) {
  const auto shared_by = [](int sharing, int others) {
    ClassReportBuilder builder(Homework());
    for (int i = 0; i < sharing + others; ++i) {
      builder.Add(Report(fmt::format("s{}", i), kWrongA),
                  Answers({{"a", i < sharing ? "0.1237" : fmt::format("0.{}", 2111 + i)}}));
    }
    return builder.Build().shared_values_size();
  };
  EXPECT_EQ(shared_by(1, 10), 0);
  EXPECT_EQ(shared_by(3, 0), 1);
  EXPECT_EQ(shared_by(4, 0), 0);
  EXPECT_EQ(shared_by(4, 75), 0);  // 5 % of 79 are 3.95
  EXPECT_EQ(shared_by(4, 76), 1);
}

TEST(ClassReportTest, TheSameSubmissionTwiceSharesNothing) {
  ClassReportBuilder builder(Homework());
  for (int i = 0; i < 2; ++i) builder.Add(Report("s1", kWrongA), Answers({{"a", "0.1237"}}));
  EXPECT_THAT(builder.Build().shared_values(), IsEmpty());
}

TEST(ClassReportTest, SaysNothingThatItsLevelDoesNotTell) {
  const std::string report = std::string(kWrongA) + R"pb(
    first_wrong_item: "a"
    earned_points: 1
    possible_points: 2
    findings { places { items: "a" } }
    findings { mistakes { code: "ascent" } }
  )pb";
  const auto at = [&](v1::FeedbackLevel least) {
    ClassReportBuilder builder(Homework());
    builder.Add(Report("s1", report, v1::FEEDBACK_LEVEL_VALUES), Answers({{"a", "0.1237"}}));
    builder.Add(Report("s2", report, least), Answers({{"a", "0.1237"}}));
    return builder.Build();
  };
  const v1::ClassReport score = at(v1::FEEDBACK_LEVEL_SCORE);
  EXPECT_EQ(score.feedback_level(), v1::FEEDBACK_LEVEL_SCORE);
  EXPECT_EQ(score.scores().mean_points(), 1);
  EXPECT_THAT(score.items(), IsEmpty());
  EXPECT_THAT(score.most_missed_items(), IsEmpty());
  const v1::ClassReport verdict = at(v1::FEEDBACK_LEVEL_VERDICT);
  EXPECT_EQ(verdict.items_size(), 4);
  EXPECT_THAT(verdict.first_wrong_items(), IsEmpty());
  const v1::ClassReport step = at(v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP);
  EXPECT_EQ(step.first_wrong_items_size(), 1);
  EXPECT_THAT(step.mistakes(), IsEmpty());
  EXPECT_EQ(step.unexplained_count(), 0);
  EXPECT_THAT(step.shared_values(), IsEmpty());
  const v1::ClassReport mistake = at(v1::FEEDBACK_LEVEL_MISTAKE);
  EXPECT_EQ(mistake.mistakes_size(), 1);
  EXPECT_EQ(mistake.unexplained_count(), 2);
  EXPECT_EQ(mistake.shared_values_size(), 1);
}

TEST(ClassReportTest, TheOrderOfSubmissionsDoesNotMatter) {
  const std::vector<std::string> numbers = {"0.1237", "0.1238", "0.1237", "0.1238"};
  const auto report = [&](bool reversed) {
    ClassReportBuilder builder(Homework());
    for (size_t i = 0; i < numbers.size(); ++i) {
      const size_t s = reversed ? numbers.size() - 1 - i : i;
      builder.Add(Report(fmt::format("s{}", s), kWrongA), Answers({{"a", numbers[s]}}));
    }
    return builder.Build();
  };
  EXPECT_THAT(SharedIn(report(false)), ElementsAre("s0 s2: a=0.1237", "s1 s3: a=0.1238"));
  EXPECT_EQ(report(false).SerializeAsString(), report(true).SerializeAsString());
}

}  // namespace
}  // namespace gradus
