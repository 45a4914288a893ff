#ifndef GRADUS_TESTS_FUZZ_MUTATE_H_
#define GRADUS_TESTS_FUZZ_MUTATE_H_

#include "google/protobuf/message.h"

namespace gradus::testing {

// Changes some fields of a message: to other legal values, hostile ones, and names and addresses of
// what the message holds. Bytes changed at random seldom make a network whose names fit together.
void MutateMessage(google::protobuf::Message* message, unsigned seed);

// Replaces a part of `message` by one of the same type in `other`, which stays as it is, if it has
// one.
void CrossOver(google::protobuf::Message* other, google::protobuf::Message* message, unsigned seed);

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_FUZZ_MUTATE_H_
