// Check over a real socket: every example by every method, and what it answers to mistakes.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "tests/support/project_file.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

TestServer& Server() {
  static TestServer& server = *new TestServer();
  return server;
}

grpc::Status Check(const v1::CheckRequest& request, v1::CheckResponse* response) {
  TestContext context;
  return Server().gradient().Check(&context, request, response);
}

v1::CheckRequest WithAllMethods(const v1::Problem& problem) {
  v1::CheckRequest request;
  *request.mutable_problem() = problem;
  const auto& methods = *v1::CheckMethod_descriptor();
  for (int i = 1; i < methods.value_count(); ++i) {
    request.add_methods(static_cast<v1::CheckMethod>(methods.value(i)->number()));
  }
  return request;
}

// Every problem below examples/, as a path from there.
std::vector<std::string> Examples() {
  std::vector<std::string> files;
  const std::filesystem::path root = ProjectFile("examples");
  for (const char* folder : {"networks", "homework"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root / folder)) {
      if (entry.path().extension() != ".txtpb" || entry.path().stem() == "homework") continue;
      files.push_back(std::string("examples/") + folder + "/" + entry.path().filename().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

class CheckExampleTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CheckExampleTest, PassesEveryMethod) {
  const v1::CheckRequest request = WithAllMethods(FromFile<v1::Problem>(GetParam()));
  v1::CheckResponse response;
  const grpc::Status status = Check(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_GE(response.results_size(), 4 * request.problem().network().nodes_size());
  int kinks = 0;
  for (const v1::CheckResult& result : response.results()) {
    kinks += result.kink_count() > 0 ? 1 : 0;
    // At a kink a method may say that it cannot tell; nowhere else, and nothing differs.
    const bool is_right =
        result.verdict() == v1::CHECK_VERDICT_AGREES ||
        (result.verdict() == v1::CHECK_VERDICT_UNDECIDED && result.kink_count() > 0);
    EXPECT_TRUE(is_right) << result.message();
  }
  EXPECT_EQ(kinks > 0, GetParam() == "examples/networks/relu_kinks.txtpb");
}

INSTANTIATE_TEST_SUITE_P(Files, CheckExampleTest, ::testing::ValuesIn(Examples()),
                         [](const auto& info) {
                           return std::filesystem::path(info.param).stem().string();
                         });

v1::CheckRequest GoodRequest() {
  v1::CheckRequest request = FromText<v1::CheckRequest>(R"pb(
    methods: CHECK_METHOD_FORWARD_MODE
    gradients {
      name: "grad(W2)"
      tensor {
        shape: [ 2, 2 ]
        values: [ 1, 2, 3, 4 ]
      }
    })pb");
  *request.mutable_problem() = FromFile<v1::Problem>("examples/homework/problem_1.txtpb");
  return request;
}

TEST(CheckTest, JudgesTheCallersGradient) {
  v1::CheckRequest request = GoodRequest();
  v1::CheckResponse response;
  grpc::Status status = Check(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).address(), "grad(W2)");
  EXPECT_EQ(response.results(0).verdict(), v1::CHECK_VERDICT_DIFFERS);
  EXPECT_EQ(response.results(0).differing_count(), 4);

  // Ours, sent back, is right.
  v1::BackwardRequest backward;
  *backward.mutable_problem() = request.problem();
  backward.mutable_trace()->add_only("grad(W2)");
  v1::BackwardResponse trace;
  TestContext context;
  ASSERT_TRUE(Server().gradient().Backward(&context, backward, &trace).ok());
  *request.mutable_gradients(0)->mutable_tensor() = trace.trace().entries(0).tensor();
  status = Check(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results(0).verdict(), v1::CHECK_VERDICT_AGREES);
}

TEST(CheckTest, ComputesInDoubleWhateverTheProblemSays) {
  v1::CheckRequest request = GoodRequest();
  request.clear_gradients();
  request.mutable_problem()->set_precision(v1::PRECISION_FLOAT);
  v1::CheckResponse response;
  ASSERT_TRUE(Check(request, &response).ok());
  for (const v1::CheckResult& result : response.results()) {
    EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.message();
  }
}

struct BadCheck {
  std::string name;
  std::function<void(v1::CheckRequest&)> spoil;
  std::string field;
  std::string reason;
  std::string message;
};

void PrintTo(const BadCheck& row, std::ostream* out) { *out << row.name; }

std::vector<BadCheck> BadChecks() {
  return {
      {"NoProblem", [](auto& r) { r.clear_problem(); }, "problem", "MISSING_FIELD",
       "problem: unset"},
      {"NoObjective", [](auto& r) { r.mutable_problem()->clear_objective(); }, "objective",
       "MISSING_FIELD", "objective: unset; name the node whose gradient is wanted"},
      {"UnknownMethod", [](auto& r) { r.add_methods(static_cast<v1::CheckMethod>(9)); },
       "methods[1]", "INVALID_VALUE", "methods[1]: 9 is no method"},
      {"MethodTwice", [](auto& r) { r.add_methods(v1::CHECK_METHOD_UNSPECIFIED); }, "methods[1]",
       "DUPLICATE_NAME", "methods[1]: CHECK_METHOD_FORWARD_MODE is given twice"},
      {"NotAGradient", [](auto& r) { r.mutable_gradients(0)->set_name("W2"); }, "gradients[0].name",
       "INVALID_VALUE", "gradients[0].name: 'W2' is no whole gradient, as grad(W) is"},
      {"AnElement", [](auto& r) { r.mutable_gradients(0)->set_name("grad(W2)[0,0]"); },
       "gradients[0].name", "INVALID_VALUE",
       "gradients[0].name: 'grad(W2)[0,0]' is no whole gradient, as grad(W) is"},
      {"UnknownGradient", [](auto& r) { r.mutable_gradients(0)->set_name("grad(W9)"); },
       "gradients[0].name", "UNKNOWN_NAME",
       "gradients[0].name: no input, parameter or node is named 'W9'"},
      {"GradientTwice", [](auto& r) { *r.add_gradients() = r.gradients(0); }, "gradients[1].name",
       "DUPLICATE_NAME", "gradients[1].name 'grad(W2)': named before"},
      {"WrongShape",
       [](auto& r) {
         r.mutable_gradients(0)->mutable_tensor()->set_shape(0, 1);
         r.mutable_gradients(0)->mutable_tensor()->set_shape(1, 4);
       },
       "gradients[0].tensor", "SHAPE_MISMATCH",
       "gradients[0].tensor 'grad(W2)': has shape [1, 4], the gradient has [2, 2]"},
      {"NotFinite",
       [](auto& r) {
         r.mutable_gradients(0)->mutable_tensor()->set_values(
             1, std::numeric_limits<double>::infinity());
       },
       "gradients[0].tensor.values[1]", "NON_FINITE_INPUT",
       "gradients[0].tensor.values[1] 'grad(W2)': inf is not a finite number in this precision"},
      {"OnlyAndGradients", [](auto& r) { r.add_only("grad(W1)"); }, "only", "INVALID_VALUE",
       "only: only and gradients exclude each other"},
      {"BadTolerance", [](auto& r) { r.set_relative_tolerance(-1); }, "relative_tolerance",
       "INVALID_VALUE", "relative_tolerance: -1 is not finite and 0 or more"},
  };
}

class BadCheckTest : public ::testing::TestWithParam<BadCheck> {};

TEST_P(BadCheckTest, IsAnswered) {
  const BadCheck& row = GetParam();
  v1::CheckRequest request = GoodRequest();
  row.spoil(request);
  v1::CheckResponse response;
  const grpc::Status status = Check(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), row.message);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(details.details(0).UnpackTo(&bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), row.field);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(1).UnpackTo(&info));
  EXPECT_EQ(info.reason(), row.reason);
}

INSTANTIATE_TEST_SUITE_P(Rows, BadCheckTest, ::testing::ValuesIn(BadChecks()),
                         [](const auto& info) { return info.param.name; });

// Class indices cannot move, not even where they are data too: a step would make them indices of
// nothing.
TEST(CheckTest, MovesNothingThatIsReadAsIndices) {
  v1::CheckRequest request = WithAllMethods(FromText<v1::Problem>(R"pb(
    network {
      inputs { name: "i" }
      parameters {
        name: "E"
        value {
          shape: [ 2, 1 ]
          values: [ 3, 4 ]
        }
      }
      nodes {
        name: "rows"
        inputs: [ "i", "E" ]
        embedding {}
      }
      nodes {
        name: "a"
        inputs: "rows"
        sum {}
      }
      nodes {
        name: "b"
        inputs: "i"
        sum {}
      }
      nodes {
        name: "L"
        inputs: [ "a", "b" ]
        multiply {}
      }
    }
    inputs {
      name: "i"
      tensor {
        shape: 2
        values: [ 0, 1 ]
      }
    }
    objective: "L")pb"));
  v1::CheckResponse response;
  const grpc::Status status = Check(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const v1::CheckResult& result : response.results()) {
    EXPECT_NE(result.address(), "grad(i)");
    EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.message();
  }
  request.add_only("grad(i)");
  EXPECT_EQ(Check(request, &response).error_message(),
            "only[0]: 'i' holds indices, it has no gradient");
}

// A dense node of 400 x 1,000 weights: forward in milliseconds, element by element in minutes.
TEST(CheckTest, RefusesWhatWouldTakeTooLongAndSaysWhatWouldNot) {
  v1::CheckRequest request = FromText<v1::CheckRequest>(R"pb(
    problem {
      network {
        inputs { name: "x" }
        parameters { name: "W" }
        nodes {
          name: "z"
          inputs: [ "x", "W" ]
          dense {}
        }
        nodes {
          name: "L"
          inputs: "z"
          sum {}
        }
      }
      inputs { name: "x" }
      objective: "L"
    })pb");
  v1::Tensor& weights =
      *request.mutable_problem()->mutable_network()->mutable_parameters(0)->mutable_value();
  weights.add_shape(400);
  weights.add_shape(1000);
  for (int i = 0; i < 400 * 1000; ++i) weights.add_values(0.5);
  v1::Tensor& x = *request.mutable_problem()->mutable_inputs(0)->mutable_tensor();
  x.add_shape(1000);
  for (int i = 0; i < 1000; ++i) x.add_values(0.25);
  v1::CheckResponse response;
  const grpc::Status status = Check(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_message().find("use CHECK_METHOD_RANDOM_DIRECTION"), std::string::npos)
      << status.error_message();

  request.add_methods(v1::CHECK_METHOD_RANDOM_DIRECTION);
  request.add_methods(v1::CHECK_METHOD_TAYLOR);
  request.add_only("grad(W)");
  const grpc::Status affordable = Check(request, &response);
  ASSERT_TRUE(affordable.ok()) << affordable.error_message();
  ASSERT_EQ(response.results_size(), 2);
  for (const v1::CheckResult& result : response.results()) {
    EXPECT_EQ(result.verdict(), v1::CHECK_VERDICT_AGREES) << result.message();
  }
}

TEST(ListOpsTest, DescribesEveryOpOfTheContract) {
  TestContext context;
  v1::ListOpsResponse response;
  const grpc::Status status = Server().gradient().ListOps(&context, {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto& fields = *v1::Node::descriptor()->FindOneofByName("op");
  ASSERT_EQ(response.ops_size(), fields.field_count());
  for (const v1::OpDescription& op : response.ops()) {
    SCOPED_TRACE(op.name());
    const auto* field = v1::Node::descriptor()->FindFieldByName(op.name());
    ASSERT_NE(field, nullptr);
    EXPECT_GT(op.operands_size(), 0);
    EXPECT_FALSE(op.formula().empty());
    EXPECT_FALSE(op.vjp().empty());
    EXPECT_FALSE(op.comment().empty());
    ASSERT_EQ(op.attributes_size(), field->message_type()->field_count());
    for (const v1::OpAttribute& attribute : op.attributes()) {
      EXPECT_FALSE(attribute.comment().empty()) << attribute.name();
      EXPECT_FALSE(attribute.type().empty()) << attribute.name();
    }
  }
}

TEST(ListOpsTest, SaysWhatThereIsToKnowOfOne) {
  TestContext context;
  v1::ListOpsRequest request;
  request.set_name("half_squared_error");
  v1::ListOpsResponse response;
  ASSERT_TRUE(Server().gradient().ListOps(&context, request, &response).ok());
  ASSERT_EQ(response.ops_size(), 1);
  const v1::OpDescription& op = response.ops(0);
  EXPECT_EQ(op.name(), "half_squared_error");
  EXPECT_EQ(op.required_operand_count(), 2);
  EXPECT_FALSE(op.variadic());
  EXPECT_FALSE(op.has_slope());
  EXPECT_EQ(op.comment(), "(y - t)^2 / 2 per element. Operands: y, t, of equal shape.");
  ASSERT_EQ(op.attributes_size(), 1);
  EXPECT_EQ(op.attributes(0).name(), "reduction");
  EXPECT_EQ(op.attributes(0).type(), "Reduction");
  ASSERT_EQ(op.attributes(0).choices_size(), 4);
  EXPECT_EQ(op.attributes(0).choices(0).name(), "REDUCTION_SUM");
  EXPECT_EQ(op.attributes(0).choices(0).comment(), "Sum of everything.");
}

TEST(ListOpsTest, KnowsNoOther) {
  TestContext context;
  v1::ListOpsRequest request;
  request.set_name("conv9d");
  v1::ListOpsResponse response;
  const grpc::Status status = Server().gradient().ListOps(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no op is named 'conv9d'");
}

}  // namespace
}  // namespace gradus::testing
