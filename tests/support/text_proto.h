#ifndef GRADUS_TESTS_SUPPORT_TEXT_PROTO_H_
#define GRADUS_TESTS_SUPPORT_TEXT_PROTO_H_

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include "google/protobuf/message.h"
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

// The text of a message, on one line. DebugString() is not for reading back, since protobuf 30.
inline std::string ToText(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  if (!printer.PrintToString(message, &text)) throw std::runtime_error("a message is too large");
  return text.substr(0, text.find_last_not_of(' ') + 1);
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
