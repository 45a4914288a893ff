#include "server/files/json.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gradus/v1/grade.pb.h"
#include "gradus/v1/tensor.pb.h"

namespace gradus {
namespace {

// Newer versions of protobuf have words of their own, with blanks that vary on purpose.
using ::testing::AnyOf;
using ::testing::EndsWith;

TEST(Json, WritesTheFieldsThatAreSet) {
  v1::Tensor tensor;
  tensor.add_values(0.5);
  EXPECT_EQ(*ToJson(tensor, JsonFields::kSet),
            "{\n"
            " \"values\": [\n"
            "  0.5\n"
            " ]\n"
            "}\n");
}

TEST(Json, WritesAllFields) {
  v1::Place place;
  place.set_quantity("grad(h)");
  EXPECT_EQ(*ToJson(place, JsonFields::kAll),
            "{\n"
            " \"quantity\": \"grad(h)\",\n"
            " \"items\": [],\n"
            " \"elements\": []\n"
            "}\n");
}

TEST(Json, SyntaxErrorsAreOneLine) {
  v1::Tensor tensor;
  EXPECT_THAT(std::string(ParseJson("{\"values\" [1]}", &tensor).message()),
              AnyOf("Expected : between key:value pair. Near: {\"values\" [1]}", EndsWith("':'")));
  EXPECT_THAT(std::string(ParseJson("{\"values\": [1,\n,]}", &tensor).message()),
              AnyOf("Unexpected token. Near: ,]}", EndsWith("','")));
}

TEST(Json, UnknownFieldsAreErrors) {
  v1::Tensor tensor;
  EXPECT_THAT(std::string(ParseJson("{\"value\": 1}", &tensor).message()),
              AnyOf("value: Cannot find field.", EndsWith("'value'")));
}

}  // namespace
}  // namespace gradus
