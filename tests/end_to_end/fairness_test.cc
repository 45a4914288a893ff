// Callers that share a server, over a real socket: whoever asks for much delays the others by a
// little.

#include <atomic>
#include <ctime>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "fmt/format.h"
#include "tests/support/jwt.h"
#include "tests/support/reason.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

constexpr char kSecret[] = "a secret that nobody can guess: 7";

std::string TokenOf(const std::string& subject) {
  return Hs256(kSecret, fmt::format(R"({{"aud":"gradus","sub":"{}","role":"staff","exp":{}}})",
                                    subject, std::time(nullptr) + 600));
}

class CallerContext : public TestContext {
 public:
  explicit CallerContext(const std::string& token) {
    AddMetadata("authorization", "Bearer " + token);
  }
};

class FairnessTest : public ::testing::Test {
 protected:
  // One worker, which the callers of a test keep busy.
  TestServer& Start(int queue_capacity) {
    server_.emplace(ServerOptions{.worker_count = 1,
                                  .queue_capacity = queue_capacity,
                                  .token_key_file = folder_.Write("key", kSecret)});
    return *server_;
  }

  const std::string flood_ = TokenOf("flood");
  const std::string other_ = TokenOf("other");

 private:
  const TemporaryFolder folder_;
  std::optional<TestServer> server_;
};

// Some milliseconds of work.
v1::CheckRequest Work() {
  auto request = FromText<v1::CheckRequest>(R"pb(
    problem {
      network {
        parameters {
          name: "w"
          value { shape: [ 20, 20 ] }
        }
        nodes {
          name: "a"
          inputs: [ "w", "w" ]
          mat_mul {}
        }
        nodes {
          name: "L"
          inputs: "a"
          sum {}
        }
      }
      objective: "L"
    }
  )pb");
  v1::Tensor* w =
      request.mutable_problem()->mutable_network()->mutable_parameters(0)->mutable_value();
  for (int i = 0; i < 400; ++i) w->add_values(0.01 * (i % 7));
  return request;
}

TEST_F(FairnessTest, ACallerWhoFloodsKeepsNobodyOut) {
  TestServer& server = Start(4);
  const v1::CheckRequest work = Work();
  const auto call = [&](const std::string& token) {
    CallerContext context(token);
    v1::CheckResponse response;
    return server.gradient().Check(&context, work, &response);
  };
  std::atomic<bool> stop = false;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const grpc::Status status = call(flood_);
        if (status.ok()) continue;
        ++refused;
        EXPECT_EQ(ReasonOf(status), "OVERLOADED") << status.error_message();
      }
    });
  }
  while (refused == 0) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) {
    const grpc::Status status = call(other_);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(FairnessTest, AStreamOfThousandsKeepsNobodyOut) {
  TestServer& server = Start(1);
  constexpr int kBatches = 20;
  constexpr int kBatchSize = 100;
  CallerContext context(flood_);
  const auto stream = server.grading().GradeStream(&context);
  std::thread writer([&] {
    v1::GradeStreamRequest request;
    *request.mutable_header()->mutable_assignment() =
        FromFile<v1::Assignment>("examples/homework/homework.txtpb");
    const auto paper = FromFile<v1::Submission>("examples/homework/submissions/paper.txtpb");
    stream->Write(request);
    for (int batch = 0; batch < kBatches; ++batch) {
      request.Clear();
      for (int i = 0; i < kBatchSize; ++i) {
        v1::Submission& submission = *request.mutable_batch()->add_submissions();
        submission = paper;
        submission.set_id(fmt::format("{}-{}", batch, i));
      }
      stream->Write(request);
    }
    stream->WritesDone();
  });
  std::atomic<int> results = 0;
  std::atomic<bool> has_results = false;
  std::thread reader([&] {
    v1::GradeStreamResponse response;
    while (stream->Read(&response)) {
      results += response.results_size();
      has_results = true;
    }
  });
  while (!has_results) std::this_thread::yield();
  for (int i = 0; i < 10; ++i) {
    CallerContext other(other_);
    v1::CheckResponse response;
    const grpc::Status status = server.gradient().Check(&other, Work(), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  writer.join();
  reader.join();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(results, kBatches * kBatchSize);
}

}  // namespace
}  // namespace gradus::testing
