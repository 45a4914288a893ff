#include "server/grading/written_answers.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;

// Three numbers and a tensor.
v1::Assignment Homework() {
  return FromText<v1::Assignment>(R"pb(
    problems { name: "p" }
    items { id: "a" quantity: "h[0]" }
    items { id: "b" quantity: "h[1]" }
    items { id: "c" quantity: "L" }
    items { id: "W" quantity: "grad(W)" }
    symbols { name: "loss" quantity: "L" }
  )pb");
}

TEST(WrittenAnswersTest, ReadsNumbersAsTheyAreWritten) {
  const WrittenAnswers answers(Homework());
  const auto submission = FromText<v1::Submission>(R"pb(
    answers {
      item: "a"
      text { values: " 0.130 " }
    }
    answers {
      item: "loss"
      tensor { values: 0.1 }
    }
    answers {
      item: "grad(W)"
      text { values: [ "1", "", "x" ] }
    }
    answers {
      item: "nothing"
      text { values: "5" }
    }
  )pb");
  EXPECT_THAT(answers.Read(submission), ElementsAre(ElementsAre("0.130"), IsEmpty(),
                                                    ElementsAre("0.1"), ElementsAre("1", "", "x")));
}

TEST(WrittenAnswersTest, LeavesOutWhatIsNoAnswerOrTwo) {
  const WrittenAnswers answers(Homework());
  const auto submission = FromText<v1::Submission>(R"pb(
    answers {
      item: "a"
      text { values: "1" }
    }
    answers {
      item: "h[0]"
      text { values: "1" }
    }
    answers { item: "b" formula: "1 + 1" }
    answers { item: "c" }
    answers {
      item: "W"
      tensor { shape: -1 values: 1 }
    }
  )pb");
  EXPECT_THAT(answers.Read(submission), ElementsAre(IsEmpty(), IsEmpty(), IsEmpty(), IsEmpty()));
}

TEST(WrittenAnswersTest, LeavesOutWhatIsTooLong) {
  const WrittenAnswers answers(Homework());
  v1::Submission submission;
  v1::TextTensor* text = submission.add_answers()->mutable_text();
  submission.mutable_answers(0)->set_item("W");
  for (int i = 0; i < 10'000; ++i) text->add_values("1");
  EXPECT_EQ(answers.Read(submission)[3].size(), 10'000);
  text->add_values("1");
  EXPECT_THAT(answers.Read(submission)[3], IsEmpty());
}

TEST(WrittenAnswersTest, AnAddressOfTwoItemsMeansNone) {
  const WrittenAnswers answers(FromText<v1::Assignment>(R"pb(
    problems { name: "p" }
    problems { name: "q" }
    items { id: "a" problem: "p" quantity: "L" }
    items { id: "b" problem: "q" quantity: "L" }
    symbols { name: "loss of q" problem: "q" quantity: "L" }
  )pb"));
  const auto submission = FromText<v1::Submission>(R"pb(
    answers {
      item: "L"
      text { values: "1" }
    }
    answers {
      item: "loss of q"
      text { values: "2" }
    }
  )pb");
  EXPECT_THAT(answers.Read(submission), ElementsAre(IsEmpty(), ElementsAre("2")));
}

TEST(SignificantDigitsTest, FromTheFirstToTheLastThatIsNotZero) {
  EXPECT_EQ(TellingDigits(""), 0);
  EXPECT_EQ(TellingDigits("0.000"), 0);
  EXPECT_EQ(TellingDigits("1000"), 1);
  EXPECT_EQ(TellingDigits("-0.013050"), 4);
  EXPECT_EQ(TellingDigits("10.01"), 4);
  EXPECT_EQ(TellingDigits("1.3e-789"), 2);
  EXPECT_EQ(TellingDigits("100/3"), 2);
}

}  // namespace
}  // namespace gradus
