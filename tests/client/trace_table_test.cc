#include "client/trace_table.h"

#include <string>

#include "google/protobuf/text_format.h"
#include <gtest/gtest.h>

namespace gradus {
namespace {

std::string TableOf(const std::string& text) {
  v1::Trace trace;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &trace));
  const absl::StatusOr<std::string> table = TraceTable(trace);
  return table.ok() ? *table : std::string(table.status().message());
}

TEST(TraceTable, ShowsEveryQuantity) {
  EXPECT_EQ(TableOf(R"pb(
              entries {
                address: "z"
                op: "dense"
                tensor {
                  shape: 2
                  values: [ 0.3775, 0.3925 ]
                }
              }
              entries {
                address: "L"
                op: "half_squared_error"
                tensor { values: 0.5582622 }
              }
              entries {
                address: "slope(h)"
                op: "sigmoid"
                tensor { shape: 1 values: 0.24 }
              }
              entries {
                address: "grad(W)"
                op: "parameter"
                tensor {
                  shape: [ 2, 2 ]
                  values: [ 0.5, -1, 10.25, 0 ]
                }
              }
              entries {
                address: "next(W)"
                op: "parameter"
                tensor { shape: 1 values: 1 }
              }
              entries {
                address: "state(W).m"
                op: "parameter"
                tensor { shape: 1 values: 2 }
              }
            )pb"),
            "quantity    op                  shape   value\n"
            "\n"
            "z           dense               [2]     [0.3775  0.3925]\n"
            "L           half_squared_error  []      0.558262\n"
            "\n"
            "slope(h)    sigmoid             [1]     [0.24]\n"
            "grad(W)     parameter           [2, 2]  [ 0.5   -1]\n"
            "                                        [10.25   0]\n"
            "\n"
            "next(W)     parameter           [1]     [1]\n"
            "state(W).m  parameter           [1]     [2]\n");
}

TEST(TraceTable, WarnsOfWhatIsNotFinite) {
  EXPECT_EQ(TableOf(R"pb(
              entries {
                address: "z"
                op: "dense"
                tensor {
                  shape: 2
                  values: [ inf, 1 ]
                }
              }
              non_finite: "z[0]"
              non_finite: "grad(W)[0,1]"
            )pb"),
            "quantity  op     shape  value\n"
            "\n"
            "z         dense  [2]    [inf  1]\n"
            "\n"
            "warning: not finite, first at z[0], grad(W)[0,1]\n");
}

TEST(TraceTable, OfAnAnswerThatMakesNoSense) {
  EXPECT_EQ(TableOf(R"pb(entries {
                           address: "z"
                           op: "dense"
                           tensor { shape: 2 values: 1 }
                         })pb"),
            "the server's answer makes no sense: z: values: shape [2] has 2 elements, 1 given");
}

}  // namespace
}  // namespace gradus
