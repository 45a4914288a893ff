// Assignments that the server holds, as staff and students meet them: the program itself, a
// directory, a real socket and SIGHUP.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "client/assignments_command.h"
#include "client/grade_command.h"
#include "tests/client/capture.h"
#include "tests/support/project_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kHomework[] = "examples/homework/homework.txtpb";
constexpr char kPaper[] = "examples/homework/submissions/paper.txtpb";

std::string ContentsOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The program gradus-server over a directory of assignments, on a free port.
class ServerProgram {
 public:
  explicit ServerProgram(const std::string& assignments) : log_path_(folder_.PathOf("log")) {
    std::vector<std::string> arguments = {
        GRADUS_SERVER,      "--listen", "127.0.0.1:0",   "--drain-delay-ms", "0",
        "--metrics-listen", "",         "--assignments", assignments};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path_.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ServerProgram(const ServerProgram&) = delete;
  ServerProgram& operator=(const ServerProgram&) = delete;
  ~ServerProgram() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    WaitForEnd();
  }

  void Signal(int number) const { EXPECT_EQ(kill(pid_, number), 0); }

  // Its exit code, once it has ended.
  int WaitForEnd() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string log() const { return ContentsOf(log_path_); }

  // Waits until the log holds a text `count` times; false if that never comes.
  bool Says(const std::string& text, int count = 1) const {
    for (int i = 0; i < 6000; ++i) {
      int found = 0;
      const std::string contents = log();
      for (size_t at = contents.find(text); at != std::string::npos;
           at = contents.find(text, at + 1)) {
        ++found;
      }
      if (found >= count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  // HOST:PORT, once it listens.
  std::string Address() const {
    EXPECT_TRUE(Says(")\n")) << log();
    const std::string contents = log();
    const size_t begin = contents.find("(port ") + 6;
    return "127.0.0.1:" + contents.substr(begin, contents.find(')', begin) - begin);
  }

 private:
  const TemporaryFolder folder_;
  const std::string log_path_;
  pid_t pid_ = 0;
};

class HeldAssignmentsTest : public ::testing::Test {
 protected:
  HeldAssignmentsTest() { folder_.Write("homework.txtpb", ContentsOf(ProjectFile(kHomework))); }

  // What the server at `address` answers the paper of the homework.
  static Outcome Grade(const std::string& address, const std::string& assignment) {
    GradeOptions options;
    options.assignment = assignment;
    options.submissions = {ProjectFile(kPaper)};
    options.connection.server = address;
    return Capture([&] { return RunGrade(options); });
  }

  // gradus assignments [NAME].
  static Outcome Assignments(const std::string& address, const std::string& name = "") {
    AssignmentsOptions options;
    options.name = name;
    options.connection.server = address;
    return Capture([&] { return RunAssignments(options); });
  }

  const TemporaryFolder folder_;
};

TEST_F(HeldAssignmentsTest, AreReadAgainOnSighup) {
  const std::string homework = ContentsOf(ProjectFile(kHomework));
  const std::string name = "name: \"homework\"";
  std::string other = homework;
  other.replace(other.find(name), name.size(), "name: \"other\"");
  ServerProgram server(folder_.PathOf(""));
  const std::string address = server.Address();
  EXPECT_EQ(Assignments(address).output, "homework\n");
  const std::string right = Grade(address, ProjectFile(kHomework)).output;
  EXPECT_THAT(right, HasSubstr("paper: "));
  EXPECT_EQ(Grade(address, "@homework").output, right);

  // A file that is wrong keeps its last good version.
  folder_.Write("homework.txtpb",
                homework + "items { id: 'more' problem: 'problem_1' quantity: 'nowhere' }");
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.Says("assignments: 1\n", 2)) << server.log();
  EXPECT_THAT(server.log(), ::testing::ContainsRegex(
                                "\\[warning\\] .*/homework.txtpb: items\\[[0-9]*\\].quantity "
                                "'more': .*'nowhere'; the version before it stays\n"));
  EXPECT_EQ(Grade(address, "@homework").output, right);

  // A new one comes.
  folder_.Write("other.txtpb", other);
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.Says("assignments: 2\n")) << server.log();
  EXPECT_EQ(Assignments(address).output, "homework\nother\n");
  EXPECT_EQ(Grade(address, "@other").output, right);

  // One that is gone goes.
  std::filesystem::remove(folder_.PathOf("homework.txtpb"));
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.Says("assignments: 1\n", 3)) << server.log();
  EXPECT_EQ(Assignments(address).output, "other\n");
  const Outcome gone = Grade(address, "@homework");
  EXPECT_EQ(gone.code, ExitCode::kBadInput);
  EXPECT_EQ(gone.error,
            "gradus: @homework: header.assignment_name: no assignment is named 'homework'; "
            "ListAssignments has the names of those that there are\n");

  server.Signal(SIGTERM);
  EXPECT_EQ(server.WaitForEnd(), 0);
}

TEST_F(HeldAssignmentsTest, ABrokenFileKeepsTheServerFromStarting) {
  folder_.Write("broken.json", "{\"name\": \"broken\", \"problems\": [{\"name\": \"p\"}]}");
  ServerProgram server(folder_.PathOf(""));
  EXPECT_EQ(server.WaitForEnd(), 2);
  EXPECT_THAT(server.log(), HasSubstr("[error] " + folder_.PathOf("") +
                                      "broken.json: items: empty; there is nothing to answer\n"));
  EXPECT_THAT(server.log(), ::testing::Not(HasSubstr("listens")));
}

TEST_F(HeldAssignmentsTest, TwoFilesOfOneNameKeepTheServerFromStarting) {
  folder_.Write("homework2.txtpb", ContentsOf(ProjectFile(kHomework)));
  ServerProgram server(folder_.PathOf(""));
  EXPECT_EQ(server.WaitForEnd(), 2);
  EXPECT_THAT(server.log(), HasSubstr("homework2.txtpb: name 'homework': " + folder_.PathOf("") +
                                      "homework.txtpb has the same\n"));
}

// Through the client and the socket, of the one that a student sees.
TEST_F(HeldAssignmentsTest, AStudentSeesItemsAndShapes) {
  ServerOptions options;
  const auto store =
      std::make_shared<AssignmentStore>(AssignmentStoreOptions{.directory = folder_.PathOf("")});
  const std::atomic<bool> never = false;
  ASSERT_THAT(store->Read(never), IsEmpty());
  options.assignments = store;
  TestServer server(options);
  const Outcome outcome = Assignments(server.address(), "homework");
  EXPECT_EQ(outcome.error, "");
  const auto homework = FromFile<v1::Assignment>(kHomework);
  EXPECT_THAT(outcome.output,
              ::testing::StartsWith("homework: " + std::to_string(homework.items_size()) +
                                    " items\n\n  item "));
  EXPECT_THAT(outcome.output, ::testing::ContainsRegex("\n  dL/dw5  +1  +\\[\\]  +grad\\(W2\\)"));

  v1::GetAssignmentRequest request;
  request.set_name("homework");
  v1::GetAssignmentResponse response;
  TestContext context;
  ASSERT_TRUE(server.grading().GetAssignment(&context, request, &response).ok());
  EXPECT_EQ(response.assignment().problems_size(), 0);
  EXPECT_EQ(response.shapes_size(), homework.items_size());

  // What was read is what a call by name is graded by.
  v1::GradeRequest grade;
  grade.set_assignment_name("homework");
  *grade.mutable_submission() = FromFile<v1::Submission>(kPaper);
  v1::GradeResponse by_name;
  v1::GradeResponse inline_response;
  TestContext by_name_context;
  ASSERT_TRUE(server.grading().Grade(&by_name_context, grade, &by_name).ok());
  *grade.mutable_assignment() = homework;
  TestContext inline_context;
  ASSERT_TRUE(server.grading().Grade(&inline_context, grade, &inline_response).ok());
  EXPECT_EQ(by_name.DebugString(), inline_response.DebugString());
}

// y = factor x, where x is 1; an answer of another factor is wrong.
std::string Scale(const std::string& factor) {
  return "name: 'scale' problems { name: 'p' problem { network { inputs { name: 'x' } nodes { "
         "name: "
         "'y' inputs: 'x' scale { factor: " +
         factor +
         " } } } inputs { name: 'x' tensor { values: 1 } } } } items { id: 'y' quantity: 'y' }";
}

TEST_F(HeldAssignmentsTest, AStreamKeepsTheVersionThatItBeganWith) {
  folder_.Write("scale.txtpb", Scale("3"));
  const auto store =
      std::make_shared<AssignmentStore>(AssignmentStoreOptions{.directory = folder_.PathOf("")});
  const std::atomic<bool> never = false;
  ASSERT_THAT(store->Read(never), IsEmpty());
  ServerOptions options;
  options.assignments = store;
  TestServer server(options);

  v1::GradeStreamRequest header;
  header.mutable_header()->set_assignment_name("scale");
  // The points of "3" over a stream, in a submission of this id.
  const auto points_of_three = [](auto& stream, const std::string& id) {
    v1::GradeStreamRequest request;
    *request.mutable_batch()->add_submissions() =
        FromText<v1::Submission>("id: '" + id + "' answers { item: 'y' text { values: '3.00' } }");
    v1::GradeStreamResponse response;
    EXPECT_TRUE(stream.Write(request) && stream.Read(&response));
    EXPECT_EQ(response.results_size(), 1);
    return response.results(0).report().earned_points();
  };
  TestContext before_context;
  const auto before = server.grading().GradeStream(&before_context);
  ASSERT_TRUE(before->Write(header));
  EXPECT_EQ(points_of_three(*before, "first"), 1);

  folder_.Write("scale.txtpb", Scale("4"));
  ASSERT_THAT(store->Read(never), IsEmpty());
  TestContext after_context;
  const auto after = server.grading().GradeStream(&after_context);
  ASSERT_TRUE(after->Write(header));
  EXPECT_EQ(points_of_three(*after, "first"), 0);
  EXPECT_EQ(points_of_three(*before, "second"), 1);
  for (auto* stream : {before.get(), after.get()}) {
    EXPECT_TRUE(stream->WritesDone());
    EXPECT_TRUE(stream->Finish().ok());
  }
}

TEST_F(HeldAssignmentsTest, ANameNeedsAServer) {
  const Outcome outcome = Grade("", "@homework");
  EXPECT_EQ(outcome.code, ExitCode::kBadInput);
  EXPECT_EQ(outcome.error,
            "gradus: @homework: an assignment that a server holds; --server says which server, and "
            "./@homework would be a file\n");
}

}  // namespace
}  // namespace gradus::testing
