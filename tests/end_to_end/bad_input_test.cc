// Bad input is an answer: the status code, the field path and the exact text, as a client sees them
// over a real socket. One row per mistake.

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

#include "tests/support/temporary_folder.h"
#include "tests/support/test_server.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {
namespace {

// A request that is right, for the rows to spoil: logits from a dense node, and a loss on class
// indices.
v1::StepRequest GoodRequest() {
  return FromText<v1::StepRequest>(R"pb(
    problem {
      network {
        inputs { name: "x" }
        inputs { name: "label" }
        parameters {
          name: "W"
          value {
            shape: [ 3, 2 ]
            values: [ 1, 2, 3, 4, 5, 6 ]
          }
        }
        parameters {
          name: "b"
          value {
            shape: 3
            values: [ 1, 2, 3 ]
          }
        }
        nodes {
          name: "z"
          inputs: "x"
          inputs: "W"
          inputs: "b"
          dense {}
        }
        nodes {
          name: "h"
          inputs: "z"
          sigmoid {}
        }
        nodes {
          name: "L"
          inputs: "h"
          inputs: "label"
          cross_entropy_with_logits { reduction: REDUCTION_MEAN }
        }
      }
      inputs {
        name: "x"
        tensor {
          shape: [ 2, 2 ]
          values: [ 1, 2, 3, 4 ]
        }
      }
      inputs {
        name: "label"
        tensor {
          shape: 2
          values: [ 0, 2 ]
        }
      }
      objective: "L"
      optimizer { sgd { learning_rate: 0.1 } }
    }
  )pb");
}

struct BadInput {
  std::string name;
  std::function<void(v1::StepRequest&)> spoil;
  std::string field;
  std::string reason;
  std::string message;
};

void PrintTo(const BadInput& row, std::ostream* out) { *out << row.name; }

v1::Network& NetworkOf(v1::StepRequest& request) {
  return *request.mutable_problem()->mutable_network();
}
v1::Node& NodeOf(v1::StepRequest& request, int i) { return *NetworkOf(request).mutable_nodes(i); }
v1::Tensor& InputOf(v1::StepRequest& request, int i) {
  return *request.mutable_problem()->mutable_inputs(i)->mutable_tensor();
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<BadInput> BadInputs() {
  return {
      // The problem as a whole
      {"NoProblem", [](auto& r) { r.clear_problem(); }, "problem", "MISSING_FIELD",
       "problem: unset"},
      {"NoNetwork", [](auto& r) { r.mutable_problem()->clear_network(); }, "network",
       "MISSING_FIELD", "network: unset"},
      {"EmptyNetwork", [](auto& r) { NetworkOf(r).clear_nodes(); }, "network.nodes",
       "MISSING_FIELD", "network.nodes: empty; a network has at least one node"},
      {"UnknownPrecision",
       [](auto& r) { r.mutable_problem()->set_precision(static_cast<v1::Precision>(9)); },
       "precision", "INVALID_VALUE", "precision: 9 is no precision"},

      // Names
      {"UnknownName", [](auto& r) { NodeOf(r, 1).set_inputs(0, "w9"); },
       "network.nodes[1].inputs[0]", "UNKNOWN_NAME",
       "network.nodes[1].inputs[0] 'h': no input, parameter or node is named 'w9'"},
      {"DuplicateName", [](auto& r) { NodeOf(r, 1).set_name("W"); }, "network.nodes[1].name",
       "DUPLICATE_NAME", "network.nodes[1].name 'W': already the name of network.parameters[0]"},
      {"EmptyName", [](auto& r) { NodeOf(r, 1).clear_name(); }, "network.nodes[1].name",
       "INVALID_VALUE",
       "network.nodes[1].name: '' is no name; names are letters, digits, '_' and '.', at most 128, "
       "and begin with a letter or '_'"},
      {"NameThatIsAnAddress", [](auto& r) { NodeOf(r, 1).set_name("grad(W)"); },
       "network.nodes[1].name", "INVALID_VALUE",
       "network.nodes[1].name: 'grad(W)' is no name; names are letters, digits, '_' and '.', at "
       "most 128, and begin with a letter or '_'"},
      {"ForgedLinesInAName", [](auto& r) { NodeOf(r, 1).set_inputs(0, "a\nb\x1b[31m"); },
       "network.nodes[1].inputs[0]", "UNKNOWN_NAME",
       "network.nodes[1].inputs[0] 'h': no input, parameter or node is named 'a?b?[31m'"},
      {"Cycle", [](auto& r) { NodeOf(r, 0).set_inputs(0, "h"); }, "network.nodes[0]", "CYCLE",
       "network.nodes[0]: cycle z -> h -> z"},

      // Nodes
      {"UnsetOneof", [](auto& r) { NodeOf(r, 1).clear_op(); }, "network.nodes[1].op", "UNKNOWN_OP",
       "network.nodes[1].op 'h': unset, or an op that this server does not know"},
      {"TooFewOperands",
       [](auto& r) {
         NodeOf(r, 0).mutable_inputs()->RemoveLast();
         NodeOf(r, 0).mutable_inputs()->RemoveLast();
       },
       "network.nodes[0].inputs", "INVALID_VALUE",
       "network.nodes[0].inputs 'z': dense takes 2 to 3 operands (input, weight, bias), 1 given"},
      {"TooManyOperands", [](auto& r) { NodeOf(r, 1).add_inputs("z"); }, "network.nodes[1].inputs",
       "INVALID_VALUE", "network.nodes[1].inputs 'h': sigmoid takes 1 operand (input), 2 given"},
      {"ShapeConflict",
       [](auto& r) {
         InputOf(r, 0) = FromText<v1::Tensor>("shape: [ 2, 3 ] values: [ 1, 2, 3, 4, 5, 6 ]");
       },
       "network.nodes[0]", "SHAPE_MISMATCH",
       "network.nodes[0] 'z': input has 3 features, weight expects 2 (shape [3, 2])"},
      {"UnsetReduction",
       [](auto& r) { NodeOf(r, 2).mutable_cross_entropy_with_logits()->clear_reduction(); },
       "network.nodes[2].cross_entropy_with_logits.reduction", "MISSING_FIELD",
       "network.nodes[2].cross_entropy_with_logits.reduction 'L': unset; choose REDUCTION_SUM, "
       "REDUCTION_MEAN, REDUCTION_BATCH_MEAN or REDUCTION_NONE"},
      {"AxisOutOfRange", [](auto& r) { NodeOf(r, 1).mutable_softmax()->set_axis(2); },
       "network.nodes[1].softmax.axis", "INVALID_VALUE",
       "network.nodes[1].softmax.axis 'h': axis 2 is out of range, the operand has axes -2 to 1"},
      {"IndicesFromANode",
       [](auto& r) {
         *NetworkOf(r).add_nodes() = FromText<v1::Node>(R"pb(name: "n"
                                                             inputs: "label"
                                                             identity {})pb");
         NodeOf(r, 2).set_inputs(1, "n");
       },
       "network.nodes[2].inputs[1]", "INVALID_VALUE",
       "network.nodes[2].inputs[1] 'L': indices must be an input of the network, 'n' is not"},

      // Parameters and inputs
      {"ParameterWithoutValue", [](auto& r) { NetworkOf(r).mutable_parameters(1)->clear_value(); },
       "network.parameters[1].value", "MISSING_FIELD",
       "network.parameters[1].value 'b': unset; a parameter brings its numbers"},
      {"MissingInput", [](auto& r) { r.mutable_problem()->mutable_inputs()->RemoveLast(); },
       "inputs", "MISSING_FIELD", "inputs: network.inputs[1] 'label' has no numbers"},
      {"UndeclaredInput", [](auto& r) { r.mutable_problem()->mutable_inputs(1)->set_name("y"); },
       "inputs[1].name", "UNKNOWN_NAME", "inputs[1].name: the network declares no input named 'y'"},
      {"InputGivenTwice", [](auto& r) { r.mutable_problem()->mutable_inputs(1)->set_name("x"); },
       "inputs[1].name", "DUPLICATE_NAME", "inputs[1].name 'x': already given by inputs[0]"},
      {"InputWithoutTensor",
       [](auto& r) { r.mutable_problem()->mutable_inputs(0)->clear_tensor(); }, "inputs[0].tensor",
       "MISSING_FIELD", "inputs[0].tensor 'x': unset"},

      // Numbers
      {"CountDiffersFromShape", [](auto& r) { InputOf(r, 0).add_values(5); },
       "inputs[0].tensor.values", "VALUE_COUNT",
       "inputs[0].tensor.values 'x': shape [2, 2] has 4 elements, 5 given"},
      {"NegativeDimension", [](auto& r) { InputOf(r, 0).set_shape(1, -2); },
       "inputs[0].tensor.shape[1]", "INVALID_VALUE",
       "inputs[0].tensor.shape[1] 'x': a dimension is at least 1, this one is -2"},
      {"OverflowingDimension",
       [](auto& r) {
         InputOf(r, 0).set_shape(0, int64_t{1} << 62);
         InputOf(r, 0).set_shape(1, 8);
       },
       "inputs[0].tensor.shape", "LIMIT_EXCEEDED",
       "inputs[0].tensor.shape 'x': shape [4611686018427387904, 8] has more elements than the "
       "limit "
       "of 4194304"},
      {"NanInput", [](auto& r) { InputOf(r, 0).set_values(3, std::nan("")); },
       "inputs[0].tensor.values[3]", "NON_FINITE_INPUT",
       "inputs[0].tensor.values[3] 'x': nan is not a finite number in this precision"},
      {"InfiniteParameter",
       [](auto& r) {
         NetworkOf(r).mutable_parameters(0)->mutable_value()->set_values(1, -kInfinity);
       },
       "network.parameters[0].value.values[1]", "NON_FINITE_INPUT",
       "network.parameters[0].value.values[1] 'W': -inf is not a finite number in this precision"},
      {"TooLargeForFloat",
       [](auto& r) {
         r.mutable_problem()->set_precision(v1::PRECISION_FLOAT);
         InputOf(r, 0).set_values(0, 1e300);
       },
       "inputs[0].tensor.values[0]", "NON_FINITE_INPUT",
       "inputs[0].tensor.values[0] 'x': 1e+300 is not a finite number in this precision"},
      {"ClassIndexOutOfRange", [](auto& r) { InputOf(r, 1).set_values(1, 3); },
       "inputs[1].tensor.values[1]", "INVALID_VALUE",
       "inputs[1].tensor.values[1] 'label': 3 is no index of node 'L', indices are 0 to 2"},
      {"ClassIndexNegative", [](auto& r) { InputOf(r, 1).set_values(0, -1); },
       "inputs[1].tensor.values[0]", "INVALID_VALUE",
       "inputs[1].tensor.values[0] 'label': -1 is no index of node 'L', indices are 0 to 2"},
      {"ClassIndexNotWhole", [](auto& r) { InputOf(r, 1).set_values(0, 0.5); },
       "inputs[1].tensor.values[0]", "INVALID_VALUE",
       "inputs[1].tensor.values[0] 'label': 0.5 is no index of node 'L', indices are 0 to 2"},

      // Objective and upstream
      {"NoObjective", [](auto& r) { r.mutable_problem()->clear_objective(); }, "objective",
       "MISSING_FIELD", "objective: unset; name the node whose gradient is wanted"},
      {"UnknownObjective", [](auto& r) { r.mutable_problem()->set_objective("W"); }, "objective",
       "UNKNOWN_NAME", "objective: no node is named 'W'"},
      {"NonScalarObjective", [](auto& r) { r.mutable_problem()->set_objective("h"); }, "objective",
       "SHAPE_MISMATCH",
       "objective: 'h' has shape [2, 3], not one element; reduce it, or give upstream"},
      {"UpstreamOfAnotherShape",
       [](auto& r) {
         r.mutable_problem()->mutable_upstream()->CopyFrom(
             FromText<v1::Tensor>("shape: 2 values: [ 1, 1 ]"));
       },
       "upstream", "SHAPE_MISMATCH", "upstream: has shape [2], objective 'L' has []"},

      // Optimizer and batches
      {"NoOptimizer", [](auto& r) { r.mutable_problem()->clear_optimizer(); }, "optimizer",
       "MISSING_FIELD", "optimizer: unset, or a rule that this server does not know"},
      {"NoLearningRate",
       [](auto& r) {
         r.mutable_problem()->mutable_optimizer()->mutable_sgd()->clear_learning_rate();
       },
       "optimizer.sgd.learning_rate", "INVALID_VALUE",
       "optimizer.sgd.learning_rate: 0 is not a finite number above 0"},
      {"NegativeUpdateCount",
       [](auto& r) { r.mutable_problem()->mutable_optimizer_state()->set_update_count(-1); },
       "optimizer_state.update_count", "INVALID_VALUE",
       "optimizer_state.update_count: -1 is not from 0 to 9007199254740992"},
      {"StateOfAStatelessOptimizer",
       [](auto& r) { r.mutable_problem()->mutable_optimizer_state()->add_parameters(); },
       "optimizer_state.parameters", "INVALID_VALUE",
       "optimizer_state.parameters: this optimizer keeps no state"},
      {"BatchOfAnotherShape",
       [](auto& r) {
         *r.mutable_problem()->add_batches()->add_inputs() =
             FromText<v1::NamedTensor>(R"pb(name: "x"
                                            tensor {
                                              shape: [ 1, 2 ]
                                              values: [ 1, 2 ]
                                            })pb");
       },
       "batches[0].inputs[0].tensor", "SHAPE_MISMATCH",
       "batches[0].inputs[0].tensor 'x': has shape [1, 2], in Problem.inputs it has [2, 2]"},
      {"NanInABatch",
       [](auto& r) {
         *r.mutable_problem()->add_batches()->add_inputs() =
             FromText<v1::NamedTensor>(R"pb(name: "x"
                                            tensor {
                                              shape: [ 2, 2 ]
                                              values: [ 1, 2, 3, nan ]
                                            })pb");
       },
       "batches[0].inputs[0].tensor.values[3]", "NON_FINITE_INPUT",
       "batches[0].inputs[0].tensor.values[3] 'x': nan is not a finite number in this precision"},

      // Trace options
      {"UnknownQuantity", [](auto& r) { r.mutable_trace()->add_only("grad(w9)"); }, "trace.only[0]",
       "UNKNOWN_NAME", "trace.only[0]: no input, parameter or node is named 'w9'"},
      {"UnparsableAddress", [](auto& r) { r.mutable_trace()->add_only("grad(W"); }, "trace.only[0]",
       "INVALID_VALUE", "trace.only[0]: expected ')' at column 7 of 'grad(W'"},
      {"SlopeOfNoActivation", [](auto& r) { r.mutable_trace()->add_only("slope(z)"); },
       "trace.only[0]", "UNKNOWN_NAME",
       "trace.only[0]: 'z' has no slope, it is no elementwise activation"},
      {"GradientOfIndices", [](auto& r) { r.mutable_trace()->add_only("grad(label)"); },
       "trace.only[0]", "UNKNOWN_NAME", "trace.only[0]: 'label' holds indices, it has no gradient"},
      {"NextOfNoParameter", [](auto& r) { r.mutable_trace()->add_only("next(z)"); },
       "trace.only[0]", "UNKNOWN_NAME", "trace.only[0]: 'z' is no parameter, no update changes it"},
      {"StateOfSgd", [](auto& r) { r.mutable_trace()->add_only("state(W).m"); }, "trace.only[0]",
       "UNKNOWN_NAME", "trace.only[0]: the optimizer keeps no state 'state(W).m'"},
      {"AfterTooManyUpdates", [](auto& r) { r.mutable_trace()->add_only("L@2"); }, "trace.only[0]",
       "UNKNOWN_NAME", "trace.only[0]: 'L@2' comes after more updates than the 1 made"},
      {"NextAfterTheLastUpdate", [](auto& r) { r.mutable_trace()->add_only("next(W)@1"); },
       "trace.only[0]", "UNKNOWN_NAME",
       "trace.only[0]: 'next(W)@1' comes after more updates than the 1 made"},
      {"ElementInATrace", [](auto& r) { r.mutable_trace()->add_only("W[0,0]"); }, "trace.only[0]",
       "INVALID_VALUE", "trace.only[0]: 'W[0,0]' is an element, a trace holds whole quantities"},
      {"OnlyAndNone",
       [](auto& r) {
         r.mutable_trace()->add_only("W");
         r.mutable_trace()->set_none(true);
       },
       "trace.none", "INVALID_VALUE", "trace.none: only and none exclude each other"},
      {"UnknownEncoding",
       [](auto& r) { r.mutable_trace()->set_encoding(static_cast<v1::TensorEncoding>(7)); },
       "trace.encoding", "INVALID_VALUE", "trace.encoding: 7 is no encoding"},

      // Pins
      {"PinOfAnUnknownQuantity",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "q"
                                                value { values: 1 })pb");
       },
       "pins[0].address", "UNKNOWN_NAME",
       "pins[0].address: no input, parameter or node is named 'q'"},
      {"PinOutOfRange",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "W[3,0]"
                                                value { values: 1 })pb");
       },
       "pins[0].address", "UNKNOWN_NAME",
       "pins[0].address: 'W[3,0]' is out of range, its shape is [3, 2]"},
      {"PinWithTooFewIndices",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "W[3]"
                                                value { values: 1 })pb");
       },
       "pins[0].address", "UNKNOWN_NAME",
       "pins[0].address: 'W[3]' has 1 index, shape [3, 2] takes 2"},
      {"PinOfAnotherShape",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "b"
                                                value {
                                                  shape: 2
                                                  values: [ 1, 2 ]
                                                })pb");
       },
       "pins[0].value", "SHAPE_MISMATCH", "pins[0].value 'b': has shape [2], the quantity has [3]"},
      {"PinnedTwice",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "W@1[0,0]"
                                                value { values: 1 })pb");
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "next(W)[0, 0]"
                                                value { values: 1 })pb");
       },
       "pins[1].address", "DUPLICATE_NAME", "pins[1].address 'next(W)[0, 0]': pinned before"},
      {"PinnedToNan",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "L"
                                                value { values: nan })pb");
       },
       "pins[0].value.values[0]", "NON_FINITE_INPUT",
       "pins[0].value.values[0]: nan is not a finite number in this precision"},
      {"ClassPinnedOutOfRange",
       [](auto& r) {
         *r.add_pins() = FromText<v1::Pin>(R"pb(address: "label[1]"
                                                value { values: 3 })pb");
       },
       "pins[0].value", "INVALID_VALUE",
       "pins[0].value 'label': 3 is no index of node 'L', indices are 0 to 2"},
  };
}

class BadInputTest : public ::testing::TestWithParam<BadInput> {
 protected:
  static TestServer& server() {
    static TestServer& server = *new TestServer();
    return server;
  }
};

TEST_P(BadInputTest, IsAnswered) {
  const BadInput& row = GetParam();
  v1::StepRequest request = GoodRequest();
  row.spoil(request);
  TestContext context;
  v1::StepResponse response;
  const grpc::Status status = server().gradient().Step(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), row.message);

  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_EQ(details.details_size(), 2);
  google::rpc::BadRequest bad_request;
  ASSERT_TRUE(details.details(0).UnpackTo(&bad_request));
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), row.field);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(details.details(1).UnpackTo(&info));
  EXPECT_EQ(info.reason(), row.reason);
  EXPECT_EQ(info.domain(), "gradus.v1");
}

INSTANTIATE_TEST_SUITE_P(Rows, BadInputTest, ::testing::ValuesIn(BadInputs()),
                         [](const ::testing::TestParamInfo<BadInput>& info) {
                           return info.param.name;
                         });

// Names that the server holds no assignment of.
struct BadName {
  std::string name;
  std::string message;  // after the path
};

TEST(BadInputTableTest, UnknownAssignmentsAreAnswered) {
  const TemporaryFolder folder;
  folder.Write("a.txtpb", ToText(FromFile<v1::Assignment>("examples/homework/homework.txtpb")));
  const auto store =
      std::make_shared<AssignmentStore>(AssignmentStoreOptions{.directory = folder.PathOf("")});
  const std::atomic<bool> never = false;
  ASSERT_EQ(store->Read(never), std::vector<std::string>());
  ServerOptions options;
  options.assignments = store;
  TestServer server(options);
  TestServer empty;

  const auto expect_not_found = [](const grpc::Status& status, const std::string& field,
                                   const std::string& message) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(status.error_message(), field + ": " + message);
    google::rpc::Status details;
    ASSERT_TRUE(details.ParseFromString(status.error_details()));
    ASSERT_EQ(details.details_size(), 2);
    google::rpc::BadRequest bad_request;
    ASSERT_TRUE(details.details(0).UnpackTo(&bad_request));
    EXPECT_EQ(bad_request.field_violations(0).field(), field);
    google::rpc::ErrorInfo info;
    ASSERT_TRUE(details.details(1).UnpackTo(&info));
    EXPECT_EQ(info.reason(), "NOT_FOUND");
  };
  const auto expect_bad_name = [&](TestServer& asked, const BadName& row) {
    v1::GradeRequest grade;
    grade.set_assignment_name(row.name);
    grade.mutable_submission();
    v1::GradeResponse report;
    TestContext grade_context;
    expect_not_found(asked.grading().Grade(&grade_context, grade, &report), "assignment_name",
                     row.message);
    v1::GetAssignmentRequest get;
    get.set_name(row.name);
    v1::GetAssignmentResponse assignment;
    TestContext get_context;
    expect_not_found(asked.grading().GetAssignment(&get_context, get, &assignment), "name",
                     row.message);
  };
  const BadName rows[] = {
      {"homwork", "no assignment is named 'homwork'; the closest name is 'homework'"},
      {"exam",
       "no assignment is named 'exam'; ListAssignments has the names of those that there are"},
      {"", "no assignment is named ''; ListAssignments has the names of those that there are"},
      {"home\nwork", "no assignment is named 'home?work'; the closest name is 'homework'"},
      {std::string(1000, 'x'), "no assignment is named '" + std::string(128, 'x') +
                                   "...'; ListAssignments has the names of those that there are"},
  };
  for (const BadName& row : rows) expect_bad_name(server, row);
  expect_bad_name(empty, {"homework", "no assignment is named 'homework'; this server holds none"});
}

TEST(BadInputTableTest, TheRequestIsRightBeforeItIsSpoiled) {
  TestServer server;
  TestContext context;
  v1::StepResponse response;
  const grpc::Status status = server.gradient().Step(&context, GoodRequest(), &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// Whatever a client quotes, the error must arrive: beyond about 7 KB it would not.
TEST(BadInputTableTest, HugeNamesAreCutInErrors) {
  TestServer server;
  TestContext context;
  v1::StepRequest request = GoodRequest();
  NodeOf(request, 1).set_inputs(0, std::string(1 << 20, 'n'));
  v1::StepResponse response;
  const grpc::Status status = server.gradient().Step(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_LT(status.error_message().size() + status.error_details().size(), 8000U);
}

}  // namespace
}  // namespace gradus::testing
