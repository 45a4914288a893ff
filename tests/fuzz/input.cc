#include "tests/fuzz/input.h"

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"

#include "server/files/message_file.h"

namespace gradus::testing {
namespace {

std::string_view FileOf(InputForm form) {
  switch (form) {
    case InputForm::kJson:
      return "input.json";
    case InputForm::kText:
      return "input.txtpb";
    case InputForm::kBinary:
      break;
  }
  return "input.binpb";
}

}  // namespace

InputForm FormOf(std::string_view input) {
  if (input.starts_with('{')) return InputForm::kJson;
  return input.starts_with('#') ? InputForm::kText : InputForm::kBinary;
}

bool ReadInput(std::string_view input, google::protobuf::Message* message) {
  return ParseMessageFile(std::string(FileOf(FormOf(input))), std::string(input), message).ok();
}

std::string WriteInput(const google::protobuf::Message& message, InputForm form) {
  std::string text;
  switch (form) {
    case InputForm::kJson:
      if (!google::protobuf::util::MessageToJsonString(message, &text).ok()) text.clear();
      return text;
    case InputForm::kText:
      if (!google::protobuf::TextFormat::PrintToString(message, &text)) text.clear();
      return "#\n" + text;
    case InputForm::kBinary:
      break;
  }
  return message.SerializeAsString();
}

}  // namespace gradus::testing
