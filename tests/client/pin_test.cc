#include "client/pin.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/text_proto.h"

namespace gradus {
namespace {

using testing::ToText;

std::string Read(std::string_view text) {
  const absl::StatusOr<v1::Pin> pin = ParsePin(text);
  return pin.ok() ? ToText(*pin) : std::string(pin.status().message());
}

TEST(Pin, OneNumber) {
  EXPECT_EQ(Read("h=0.6"), "address: \"h\" value { values: 0.6 }");
  EXPECT_EQ(Read("grad(W1)[0,1]=-1e-3"), "address: \"grad(W1)[0,1]\" value { values: -0.001 }");
  EXPECT_EQ(Read("h = 2 "), "address: \"h \" value { values: 2 }");
}

TEST(Pin, BracketsAreTheShape) {
  EXPECT_EQ(Read("h=[0.6,0.4]"), "address: \"h\" value { shape: 2 values: 0.6 values: 0.4 }");
  EXPECT_EQ(Read("h=[[ 1 ]]"), "address: \"h\" value { shape: 1 shape: 1 values: 1 }");
  EXPECT_EQ(
      Read("W=[[1, 2, 3], [4, 5, 6]]"),
      "address: \"W\" value { shape: 2 shape: 3 values: 1 values: 2 values: 3 values: 4 values: 5 "
      "values: 6 }");
}

TEST(Pin, ErrorsQuoteTheText) {
  EXPECT_EQ(Read("h"), "--pin h: no '='; write ADDRESS=VALUE, as in h[0]=0.6 or h=[0.6,0.4]");
  EXPECT_EQ(Read("h="), "--pin h=: expected a finite number at column 1 of ''");
  EXPECT_EQ(Read("h=x"), "--pin h=x: expected a finite number at column 1 of 'x'");
  EXPECT_EQ(Read("h=nan"), "--pin h=nan: expected a finite number at column 1 of 'nan'");
  EXPECT_EQ(Read("h=1e999"), "--pin h=1e999: expected a finite number at column 1 of '1e999'");
  EXPECT_EQ(Read("h=1 2"), "--pin h=1 2: expected the end at column 3 of '1 2'");
  EXPECT_EQ(Read("h=1]"), "--pin h=1]: expected the end at column 2 of '1]'");
  EXPECT_EQ(Read("h=[]"), "--pin h=[]: expected a finite number at column 2 of '[]'");
  EXPECT_EQ(Read("h=[1"), "--pin h=[1: expected ',' or ']' at column 3 of '[1'");
  EXPECT_EQ(Read("h=[1,]"), "--pin h=[1,]: expected a finite number at column 4 of '[1,]'");
}

TEST(Pin, ListsSideBySideAreAlike) {
  EXPECT_EQ(Read("h=[[1,2],[3]]"),
            "--pin h=[[1,2],[3]]: lists side by side in '[[1,2],[3]]' have 2 and 1 entries");
  EXPECT_EQ(Read("h=[1,[2]]"),
            "--pin h=[1,[2]]: the number at column 5 of '[1,[2]]' is in 2 brackets, those before "
            "it in 1");
  EXPECT_EQ(Read("h=[[1],2]"),
            "--pin h=[[1],2]: the number at column 6 of '[[1],2]' is in 1 brackets, those before "
            "it in 2");
}

TEST(Pin, DeepNestingIsNoCrash) {
  const std::string deep(1'000'000, '[');
  EXPECT_FALSE(ParsePin("h=" + deep).ok());
}

}  // namespace
}  // namespace gradus
