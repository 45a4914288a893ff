// What holds for every paper, on random networks. A paper that breaks a rule is shrunk to the lines
// that it needs for that, and printed.

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "fmt/format.h"
#include "tests/grading/trials/networks.h"
#include "tests/grading/trials/student.h"
#include "tests/grading/trials/trials.h"

namespace gradus::testing {
namespace {

constexpr uint64_t kSeed = 11;
constexpr Style kExactly = {.name = "float64", .arithmetic = Arithmetic::kFloat64};
constexpr Style kThreeDecimals = {.name = "3 decimals"};

class PropertiesTest : public ::testing::Test {
 protected:
  // Calls f for one network of each kind.
  static void ForEachNetwork(const std::function<void(const Subject&)>& f) {
    for (TrialNetwork& network : TrialNetworks(kSeed, 1)) {
      f(Subject(std::move(network)));
      if (HasFailure()) return;
    }
  }

  // `fault_of` says what is wrong with a paper; nothing, if it keeps the rule.
  static void Expect(const Subject& subject, const Work& work,
                     const std::function<std::string(const Work&)>& fault_of) {
    const std::string fault = fault_of(work);
    if (fault.empty()) return;
    const Work shrunk = Shrunk(work, [&](const Work& w) { return !fault_of(w).empty(); });
    ADD_FAILURE() << fault << "\nshrunk: " << fault_of(shrunk) << "\n" << Describe(subject, shrunk);
  }

  // Right work, with some numbers spoilt.
  Work Spoilt(const Subject& subject, const Style& style) {
    Work work = *WorkOut(subject.problem(), style, random_, {});
    for (Line& line : work.lines) {
      if (random_.Below(5) != 0) continue;
      double& number = line.numbers[random_.Below(line.numbers.size())];
      number = random_.Below(2) == 0 ? random_.Uniform(-2, 2) : -number;
    }
    return work;
  }

  Random random_{kSeed};
};

bool HasVerdict(const v1::GradeReport& report, v1::Verdict verdict) {
  for (const v1::ItemReport& item : report.items()) {
    if (item.verdict() == verdict) return true;
    for (const int element : item.elements()) {
      if (element == verdict) return true;
    }
  }
  return false;
}

const v1::ItemReport& ItemOf(const v1::GradeReport& report, const std::string& id) {
  for (const v1::ItemReport& item : report.items()) {
    if (item.id() == id) return item;
  }
  throw std::out_of_range(id);
}

// What two reports say of the items but one.
std::string DifferenceBeside(const std::string& id, const v1::GradeReport& a,
                             const v1::GradeReport& b) {
  for (int i = 0; i < a.items_size(); ++i) {
    if (a.items(i).id() != id && a.items(i).verdict() != b.items(i).verdict()) {
      return a.items(i).id() + " is judged differently";
    }
  }
  return "";
}

TEST_F(PropertiesTest, NothingIsCarriedWithoutARoot) {
  ForEachNetwork([&](const Subject& subject) {
    for (const Style& style : {kExactly, kThreeDecimals}) {
      for (int i = 0; i < 5; ++i) {
        Expect(subject, Spoilt(subject, style), [&](const Work& work) -> std::string {
          const v1::GradeReport report = subject.Grade(work);
          if (report.findings().empty() != report.first_wrong_item().empty()) {
            return "roots and no first wrong step, or the other way round";
          }
          if (report.findings().empty() && HasVerdict(report, v1::VERDICT_CARRIED)) {
            return "carried without a root";
          }
          if (report.findings().empty() && HasVerdict(report, v1::VERDICT_INCORRECT)) {
            return "incorrect, and no root";
          }
          return "";
        });
      }
    }
  });
}

TEST_F(PropertiesTest, TheKeyWrittenToAnyNumberOfDigitsIsRight) {
  ForEachNetwork([&](const Subject& subject) {
    const Work exact = *WorkOut(subject.problem(), kExactly, random_, {});
    for (int decimals = kRequiredDecimals; decimals <= 17; ++decimals) {
      Work work = {Arithmetic::kByHand, exact.lines};
      for (Line& line : work.lines) line.decimals = decimals;
      Expect(subject, work, [&](const Work& w) { return AccusationIn(subject.Grade(w)); });
    }
    Work mixed = {Arithmetic::kByHand, exact.lines};
    for (Line& line : mixed.lines) {
      line.decimals = kRequiredDecimals + static_cast<int>(random_.Below(10));
    }
    Expect(subject, mixed, [&](const Work& w) { return AccusationIn(subject.Grade(w)); });
  });
}

TEST_F(PropertiesTest, DigitsMayBeCutOffWhereTheAssignmentSaysSo) {
  constexpr Style kCutOff = {.name = "3 decimals, cut off", .rounding = Rounding::kTowardsZero};
  for (const TrialNetwork& network : TrialNetworks(kSeed, 2)) {
    v1::Assignment assignment = AskForAll(network.problem);
    assignment.mutable_policy()->set_allow_truncation(true);
    const Subject subject(network, assignment);
    Expect(subject, *WorkOut(subject.problem(), kCutOff, random_, {}),
           [&](const Work& w) { return AccusationIn(subject.Grade(w)); });
  }
}

TEST_F(PropertiesTest, TheOrderOfAnswersAndTheNumberOfWorkersChangeNothing) {
  ForEachNetwork([&](const Subject& subject) {
    std::vector<v1::Submission> submissions;
    std::vector<std::string> alone;
    for (int i = 0; i < 6; ++i) {
      submissions.push_back(Submit(Spoilt(subject, i % 2 == 0 ? kExactly : kThreeDecimals)));
      alone.push_back(subject.Grade(submissions.back()).SerializeAsString());
      v1::Submission shuffled = submissions.back();
      for (int k = shuffled.answers_size() - 1; k > 0; --k) {
        shuffled.mutable_answers()->SwapElements(k, static_cast<int>(random_.Below(k + 1)));
      }
      EXPECT_EQ(subject.Grade(shuffled).SerializeAsString(), alone.back());
    }
    std::vector<std::string> together(submissions.size());
    std::vector<std::thread> workers;
    for (size_t i = 0; i < submissions.size(); ++i) {
      workers.emplace_back(
          [&, i] { together[i] = subject.Grade(submissions[i]).SerializeAsString(); });
    }
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(together, alone);
  });
}

TEST_F(PropertiesTest, WhatIsNoNumberIsMalformedThereAndAffectsNothingElse) {
  ForEachNetwork([&](const Subject& subject) {
    for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
      const Work right = *WorkOut(subject.problem(), kExactly, random_, {});
      const std::string& address =
          right.lines[static_cast<size_t>(random_.Below(std::ssize(right.lines)))].address;
      Expect(subject, right, [&](Work work) -> std::string {
        const v1::GradeReport before = subject.Grade(work);
        for (Line& line : work.lines) {
          if (line.address == address) line.numbers[line.numbers.size() - 1] = bad;
        }
        const v1::GradeReport after = subject.Grade(work);
        const v1::ItemReport& item = ItemOf(after, address);
        if (item.verdict() == v1::VERDICT_CORRECT) {
          return fmt::format("{} is right with {}", address, bad);
        }
        if (HasVerdict(after, v1::VERDICT_MALFORMED) == after.gradable()) {
          return "malformed, but it would cost an attempt";
        }
        return DifferenceBeside(address, before, after);
      });
    }
  });
}

// What is not asked for buys nothing: it is listed, and everything is judged as without it.
TEST_F(PropertiesTest, AnAnswerToNoItemIsNoEarlierNumber) {
  for (const TrialNetwork& network : TrialNetworks(kSeed, 1)) {
    v1::Assignment assignment = AskForAll(network.problem);
    const int left_out = assignment.items_size() / 2;
    const std::string address = assignment.items(left_out).id();
    assignment.mutable_items()->DeleteSubrange(left_out, 1);
    const Subject subject(network, assignment);
    Work work = Spoilt(subject, kExactly);
    for (Line& line : work.lines) {
      if (line.address == address) line.numbers[0] += 1;
    }
    Work without = work;
    std::erase_if(without.lines, [&](const Line& line) { return line.address == address; });
    v1::GradeReport report = subject.Grade(work);
    EXPECT_THAT(report.unexpected(), ::testing::ElementsAre(address));
    report.clear_unexpected();
    EXPECT_EQ(report.SerializeAsString(), subject.Grade(without).SerializeAsString());
  }
}

template <int thousandths>
std::optional<Tensor<double>> Constant(const Spot& spot) {
  Tensor<double> all(spot.right.shape());
  for (int64_t i = 0; i < all.size(); ++i) all[i] = 0.001 * thousandths;
  return all;
}

// Points of what follows from such numbers, in the network of the homework's kind.
struct CarriedPoints {
  double earned = 0;
  double possible = 0;
};
CarriedPoints PointsAfter(const std::vector<std::string>& addresses, const PlantedMistake& forced) {
  const Subject subject(TrialNetworks(kSeed, 1).front());
  std::vector<Plant> plants;
  for (const Quantity& q : subject.problem().order(0)) {
    const std::string address = subject.problem().plan().AddressOf(q, 0);
    if (std::find(addresses.begin(), addresses.end(), address) != addresses.end()) {
      plants.push_back({&forced, 0, q});
    }
  }
  Random random(kSeed);
  const std::optional<Work> work = WorkOut(subject.problem(), kExactly, random, plants);
  const v1::GradeReport report = subject.Grade(*work);
  CarriedPoints points;
  for (const v1::ItemReport& item : report.items()) {
    if (item.verdict() != v1::VERDICT_CARRIED) continue;
    points.earned += item.earned_points();
    points.possible += item.possible_points();
  }
  return points;
}

// Zeros from zeros, and what a saturated sigmoid lets through.
TEST_F(PropertiesTest, WhatDependsOnNothingAnyMoreEarnsNothing) {
  const CarriedPoints zero = PointsAfter({"grad(y)"}, {"zero", &Constant<0>});
  EXPECT_GE(zero.possible, 8);
  EXPECT_EQ(zero.earned, 0);
  const CarriedPoints saturated = PointsAfter({"z1", "z2"}, {"saturated", &Constant<50'000>});
  EXPECT_GE(saturated.possible, 8);
  EXPECT_LE(saturated.earned, 0.2 * saturated.possible);
  // An honest mistake of the same place keeps its credit.
  const CarriedPoints honest = PointsAfter({"grad(y)"}, {"honest", &Constant<300>});
  EXPECT_GE(honest.possible, 8);
  EXPECT_EQ(honest.earned, honest.possible);
}

}  // namespace
}  // namespace gradus::testing
