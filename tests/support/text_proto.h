#ifndef GRADUS_TESTS_SUPPORT_TEXT_PROTO_H_
#define GRADUS_TESTS_SUPPORT_TEXT_PROTO_H_

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "google/protobuf/text_format.h"

#include "tests/support/project_file.h"

namespace gradus::testing {

// A message from its text. Throws, which fails the test, if the text does not parse.
template <class Message>
Message FromText(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) {
    throw std::runtime_error("the test's textproto does not parse: " + text);
  }
  return message;
}

// A message from a textproto file of the project, by its path from the root.
template <class Message>
Message FromFile(const std::string& path) {
  std::ifstream file(ProjectFile(path));
  if (!file) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << file.rdbuf();
  return FromText<Message>(text.str());
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_TEXT_PROTO_H_
