#ifndef GRADUS_SERVER_TRANSPORT_PARSED_SIZE_H_
#define GRADUS_SERVER_TRANSPORT_PARSED_SIZE_H_

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace gradus {

// About how many bytes of memory a message of this type takes once it is parsed, judged by its
// bytes on the wire without parsing them: an empty node of two bytes becomes an object of a
// hundred. Rather too many than too few, as each array is taken to have grown to twice of what it
// holds.
//
// Reads the stream as far as it can be read; what cannot be parsed takes no memory either. Quick:
// it looks at tags and lengths only, and numbers and text are skipped. `descriptor` is of a message
// that is compiled into the program.
double ParsedBytes(const google::protobuf::Descriptor& descriptor,
                   google::protobuf::io::ZeroCopyInputStream* wire);

}  // namespace gradus

#endif  // GRADUS_SERVER_TRANSPORT_PARSED_SIZE_H_
