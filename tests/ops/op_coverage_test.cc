// Nothing is forgotten: whatever a client can name in Node.op is registered and has a row in the
// table.
#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

#include "server/ops/registry.h"
#include "tests/ops/op_cases.h"
#include "tests/support/text_proto.h"

namespace gradus {
namespace {

const google::protobuf::OneofDescriptor& OpField() {
  return *v1::Node::descriptor()->FindOneofByName("op");
}

TEST(OpCoverageTest, EveryOpOfTheContractIsRegistered) {
  for (int i = 0; i < OpField().field_count(); ++i) {
    const auto& field = *OpField().field(i);
    const auto op_case = static_cast<v1::Node::OpCase>(field.number());
    const Op* const op = FindOp(op_case);
    ASSERT_NE(op, nullptr) << "Node." << field.name()
                           << " has no op: add a line to the list in server/ops/registry.cc";
    EXPECT_EQ(op->op_case, op_case) << field.name();
    EXPECT_EQ(op->name(), field.name());
  }
}

TEST(OpCoverageTest, EveryRegisteredOpIsInTheContractOnce) {
  EXPECT_EQ(static_cast<int>(AllOps().size()), OpField().field_count());
  std::set<int> seen;
  for (const Op* op : AllOps()) {
    EXPECT_TRUE(seen.insert(op->op_case).second) << op->name() << " is registered twice";
  }
}

TEST(OpCoverageTest, EveryOpHasARow) {
  std::set<v1::Node::OpCase> covered;
  for (const testing::OpCase& op_case : testing::AllOpCases()) {
    covered.insert(testing::FromText<v1::Node>(op_case.op).op_case());
  }
  for (int i = 0; i < OpField().field_count(); ++i) {
    const auto& field = *OpField().field(i);
    EXPECT_TRUE(covered.contains(static_cast<v1::Node::OpCase>(field.number())))
        << field.name() << " has no row in tests/ops/op_cases.cc";
  }
}

TEST(OpCoverageTest, NoOpIsFoundForWhatIsNotInTheContract) {
  EXPECT_EQ(FindOp(v1::Node::OP_NOT_SET), nullptr);
  EXPECT_EQ(FindOp(static_cast<v1::Node::OpCase>(99)), nullptr);
  // The largest number that the enum's bits hold; beyond them C++ makes no promise.
  EXPECT_EQ(FindOp(static_cast<v1::Node::OpCase>(127)), nullptr);
}

}  // namespace
}  // namespace gradus
