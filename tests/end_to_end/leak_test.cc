// No number of the key leaves the server below VALUES: by no report, stream, command, log or error,
// over random assignments and papers.

#include <cmath>
#include <cstring>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"

#include "client/class_command.h"
#include "client/grade_command.h"
#include "client/regrade_command.h"
#include "fmt/format.h"
#include "server/files/json.h"
#include "tests/client/capture.h"
#include "tests/support/random.h"
#include "tests/support/secret_homework.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"

namespace gradus::testing {
namespace {

constexpr v1::FeedbackLevel kLevels[] = {v1::FEEDBACK_LEVEL_SCORE, v1::FEEDBACK_LEVEL_VERDICT,
                                         v1::FEEDBACK_LEVEL_FIRST_WRONG_STEP,
                                         v1::FEEDBACK_LEVEL_MISTAKE, v1::FEEDBACK_LEVEL_VALUES};

// The numbers that only VALUES tells, and where they can be seen.
class Secrets {
 public:
  // Those of a report at VALUES.
  void Add(const v1::GradeReport& report) {
    for (const v1::ItemReport& item : report.items()) {
      for (const v1::Tensor* tensor : {&item.expected(), &item.mended(), &item.own(),
                                       &item.window_low(), &item.window_high()}) {
        for (const double number : tensor->values()) Add(number);
      }
    }
  }

  size_t size() const { return numbers_.size(); }

  // How many of them are in a message as the eight bytes of a double, at any place.
  size_t CountInBytes(const std::string& bytes) const {
    std::unordered_set<double> found;
    for (size_t at = 0; at + sizeof(double) <= bytes.size(); ++at) {
      double number = 0;
      std::memcpy(&number, bytes.data() + at, sizeof(double));
      if (numbers_.contains(std::abs(number))) found.insert(std::abs(number));
    }
    return found.size();
  }

  // How many ways in which one of them begins are in a text, wherever the decimal point is. Five
  // digits in a row are in no text by chance: it has hardly any numbers.
  size_t CountInText(std::string text) const {
    std::erase(text, '.');
    size_t count = 0;
    for (const std::string& digits : first_digits_) {
      if (text.find(digits) != std::string::npos) ++count;
    }
    return count;
  }

 private:
  void Add(double number) {
    if (!std::isfinite(number) || number == 0) return;
    std::string digits = fmt::format("{:.16e}", std::abs(number));
    digits.erase(1, 1);
    // A round number is no secret.
    if (digits.compare(5, 5, "00000") == 0 || digits.compare(5, 5, "99999") == 0) return;
    numbers_.insert(std::abs(number));
    first_digits_.insert(digits.substr(0, 5));
  }

  std::unordered_set<double> numbers_;
  std::unordered_set<std::string> first_digits_;
};

// Takes what this process logs, at every level, from now on and as long as it exists.
class CapturedLog {
 public:
  CapturedLog() : previous_(spdlog::default_logger()) {
    auto logger = std::make_shared<spdlog::logger>(
        "captured", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_level(spdlog::level::trace);
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() { spdlog::set_default_logger(previous_); }

  std::string text() const { return text_.str(); }

 private:
  std::shared_ptr<spdlog::logger> previous_;
  std::ostringstream text_;
};

class LeakTest : public ::testing::TestWithParam<v1::FeedbackLevel> {
 protected:
  static constexpr uint64_t kSeeds = 12;

  // A new assignment, and papers of many kinds for it.
  void Draw(uint64_t seed) {
    Random random(seed);
    assignment_ = DrawAssignment(DrawStructure(random), random);
    const CompiledAssignment compiled = Compiled(assignment_);
    papers_.clear();
    const auto all = [&](AnswerKind kind) {
      return PaperOf(compiled, Pattern(compiled.items().size(), kind), random);
    };
    papers_.push_back(all(AnswerKind::kRight));
    papers_.push_back(all(AnswerKind::kWrong));
    papers_.push_back(all(AnswerKind::kMissing));
    for (int i = 0; i < 4; ++i) {
      papers_.push_back(PaperOf(compiled, DrawPattern(assignment_, random), random));
    }
    for (const SampleMistake& mistake : SampleMistakes()) {
      papers_.push_back(PaperWith(mistake, assignment_, compiled, random.Below(2) == 0));
    }
    secrets_ = Secrets();
    for (size_t i = 0; i < papers_.size(); ++i) {
      papers_[i].set_id(fmt::format("paper {}", i));
      secrets_.Add(GradeAt(v1::FEEDBACK_LEVEL_VALUES, papers_[i]).report());
    }
    // Each paper brings windows of its own.
    ASSERT_GT(secrets_.size(), 100U);
  }

  // Whether there is just as much of the key in what was told as the level allows.
  void ExpectInBytes(const std::string& bytes, bool is_told) const {
    EXPECT_EQ(secrets_.CountInBytes(bytes) > 0, is_told);
  }
  void ExpectInText(const std::string& text, bool is_told) const {
    EXPECT_EQ(secrets_.CountInText(text) > 0, is_told) << text;
  }
  static bool TellsValues() { return GetParam() == v1::FEEDBACK_LEVEL_VALUES; }

  v1::GradeResponse GradeAt(v1::FeedbackLevel level, const v1::Submission& paper) {
    TestContext context;
    v1::GradeRequest request;
    *request.mutable_assignment() = assignment_;
    *request.mutable_submission() = paper;
    request.set_max_feedback_level(level);
    v1::GradeResponse response;
    const grpc::Status status = server_.grading().Grade(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  std::vector<v1::GradeStreamResponse> GradeAll(const v1::GradeStreamHeader& header) {
    TestContext context;
    const auto stream = server_.grading().GradeStream(&context);
    v1::GradeStreamRequest request;
    *request.mutable_header() = header;
    stream->Write(request);
    request.mutable_batch()->mutable_submissions()->Add(papers_.begin(), papers_.end());
    stream->Write(request);
    stream->WritesDone();
    std::vector<v1::GradeStreamResponse> responses(1);
    while (stream->Read(&responses.back())) responses.emplace_back();
    responses.pop_back();
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return responses;
  }

  const CapturedLog log_;
  TestServer server_{{.logs_calls = true}};
  v1::Assignment assignment_;
  std::vector<v1::Submission> papers_;
  Secrets secrets_;
};

TEST_P(LeakTest, Grade) {
  for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    ASSERT_NO_FATAL_FAILURE(Draw(seed));
    for (const v1::Submission& paper : papers_) {
      SCOPED_TRACE(paper.id());
      for (const bool is_by_policy : {false, true}) {
        assignment_.mutable_policy()->set_feedback_level(is_by_policy ? GetParam()
                                                                      : v1::FEEDBACK_LEVEL_VALUES);
        const v1::GradeResponse response =
            GradeAt(is_by_policy ? v1::FEEDBACK_LEVEL_VALUES : GetParam(), paper);
        EXPECT_EQ(response.report().feedback_level(), GetParam());
        ExpectInBytes(response.SerializeAsString(), TellsValues());
        ExpectInText(response.DebugString(), TellsValues());
      }
    }
  }
}

TEST_P(LeakTest, GradeStream) {
  for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    ASSERT_NO_FATAL_FAILURE(Draw(seed));
    v1::GradeStreamHeader header;
    *header.mutable_assignment() = assignment_;
    header.set_max_feedback_level(GetParam());
    const std::vector<v1::GradeStreamResponse> responses = GradeAll(header);
    EXPECT_FALSE(responses.empty());
    for (const v1::GradeStreamResponse& response : responses) {
      ExpectInBytes(response.SerializeAsString(), TellsValues());
      ExpectInText(response.DebugString(), TellsValues());
    }
  }
}

// The commands, by text and JSON, and all that the server logs meanwhile. Reports on a class and on
// a change of the key have no number of it even at VALUES.
TEST_P(LeakTest, CommandsAndLog) {
  for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    ASSERT_NO_FATAL_FAILURE(Draw(seed));
    assignment_.mutable_policy()->set_feedback_level(GetParam());
    const TemporaryFolder assignments;
    const TemporaryFolder papers;
    const std::string assignment =
        assignments.Write("assignment.binpb", assignment_.SerializeAsString());
    v1::Assignment changed = assignment_;
    changed.mutable_items(0)->set_points(3);
    // Another key, for the same answers.
    changed.mutable_problems(0)->mutable_problem()->mutable_inputs(0)->mutable_tensor()->set_values(
        0, 0.5);
    const std::string other = assignments.Write("other.binpb", changed.SerializeAsString());
    for (size_t i = 0; i < papers_.size(); ++i) {
      papers.Write(fmt::format("{:02}.binpb", i), papers_[i].SerializeAsString());
    }
    ClassOptions of_class;
    of_class.assignment = assignment;
    of_class.submissions = {papers.PathOf("")};
    of_class.json = true;
    of_class.connection.server = server_.address();
    const Outcome together = Capture([&] { return RunClass(of_class); });
    EXPECT_EQ(together.code, ExitCode::kDone) << together.error;
    v1::ClassReport report;
    ASSERT_TRUE(ParseJson(together.output, &report).ok());
    // Means have digits of their own.
    report.clear_scores();
    for (v1::ItemStatistics& item : *report.mutable_items()) item.clear_mean_share();
    ExpectInText(report.DebugString() + ClassText(report) + together.error, false);

    for (const bool json : {false, true}) {
      GradeOptions grade;
      grade.assignment = assignment;
      grade.submissions = of_class.submissions;
      grade.json = json;
      grade.listed = ListedItems::kAll;
      grade.connection = of_class.connection;
      const Outcome graded = Capture([&] { return RunGrade(grade); });
      EXPECT_EQ(graded.code, ExitCode::kDone) << graded.error;
      ExpectInText(graded.output + graded.error, TellsValues());

      RegradeOptions regrade;
      regrade.old_assignment = assignment;
      regrade.new_assignment = other;
      regrade.submissions = grade.submissions;
      regrade.json = json;
      regrade.connection = grade.connection;
      const Outcome again = Capture([&] { return RunRegrade(regrade); });
      EXPECT_EQ(again.code, ExitCode::kDone) << again.error;
      ExpectInText(again.output + again.error, false);
    }
  }
  EXPECT_NE(log_.text().find("method=gradus.v1.GradingService/Grade"), std::string::npos);
  // Ids, times and sizes have many digits, and say nothing of what the call carried.
  const std::regex measured("(request_id|trace_id|peer|[a-z]+_(ms|bytes))=[^ ]+");
  ExpectInText(std::regex_replace(log_.text(), measured, "$1"), false);
}

// What is wrong with an assignment or a submission is said without the key, whatever the level.
TEST_P(LeakTest, Errors) {
  using Spoil = void (*)(v1::GradeRequest&);
  const Spoil spoils[] = {
      [](v1::GradeRequest& r) {
        r.mutable_assignment()->mutable_items(20)->set_quantity("next(V)");
      },
      [](v1::GradeRequest& r) { r.mutable_assignment()->mutable_items(20)->set_formula("log("); },
      [](v1::GradeRequest& r) { r.mutable_assignment()->mutable_items(20)->set_points(-1); },
      [](v1::GradeRequest& r) { r.mutable_assignment()->mutable_items(20)->set_id("z"); },
      [](v1::GradeRequest& r) { r.mutable_assignment()->add_symbols()->set_name("s"); },
      [](v1::GradeRequest& r) { r.mutable_assignment()->mutable_policy()->set_carried_credit(2); },
      [](v1::GradeRequest& r) {
        r.mutable_assignment()->mutable_policy()->mutable_tolerance()->set_absolute(-1);
      },
      [](v1::GradeRequest& r) { r.mutable_submission()->set_id(std::string(300, 'x')); },
      [](v1::GradeRequest& r) { r.set_max_feedback_level(static_cast<v1::FeedbackLevel>(17)); },
  };
  for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    ASSERT_NO_FATAL_FAILURE(Draw(seed));
    for (const Spoil spoil : spoils) {
      v1::GradeRequest request;
      *request.mutable_assignment() = assignment_;
      *request.mutable_submission() = papers_[seed % papers_.size()];
      request.set_max_feedback_level(GetParam());
      spoil(request);
      TestContext context;
      v1::GradeResponse response;
      const grpc::Status status = server_.grading().Grade(&context, request, &response);
      EXPECT_FALSE(status.ok());
      ExpectInText(status.error_message(), false);
      ExpectInText(status.error_details(), false);
      ExpectInBytes(status.error_details(), false);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, LeakTest, ::testing::ValuesIn(kLevels),
                         [](const ::testing::TestParamInfo<v1::FeedbackLevel>& level) {
                           const std::string name = v1::FeedbackLevel_Name(level.param);
                           return name.substr(std::string("FEEDBACK_LEVEL_").size());
                         });

}  // namespace
}  // namespace gradus::testing
