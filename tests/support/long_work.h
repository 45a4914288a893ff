#ifndef GRADUS_TESTS_SUPPORT_LONG_WORK_H_
#define GRADUS_TESTS_SUPPORT_LONG_WORK_H_

#include "gradus/v1/gradient_service.pb.h"
#include "tests/support/text_proto.h"

namespace gradus::testing {

// Work of some seconds: the gradient of many numbers, checked one by one.
inline v1::CheckRequest LongWork() {
  auto request = FromText<v1::CheckRequest>(R"pb(
    problem {
      network {
        parameters {
          name: "w"
          value { shape: [ 60, 60 ] }
        }
        nodes {
          name: "a"
          inputs: [ "w", "w" ]
          mat_mul {}
        }
        nodes {
          name: "b"
          inputs: [ "a", "a" ]
          mat_mul {}
        }
        nodes {
          name: "L"
          inputs: "b"
          sum {}
        }
      }
      objective: "L"
    }
  )pb");
  v1::Tensor* w =
      request.mutable_problem()->mutable_network()->mutable_parameters(0)->mutable_value();
  for (int i = 0; i < 3600; ++i) w->add_values(0.01 * (i % 7));
  return request;
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_LONG_WORK_H_
