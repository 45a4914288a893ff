#include "server/files/message_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "google/protobuf/text_format.h"

#include "fmt/format.h"
#include "server/compatibility.h"
#include "server/files/json.h"
#include "server/files/whole_file.h"

namespace gradus {
namespace {

// Our messages are nested less than ten deep.
constexpr int kMaxTextNesting = 100;

enum class Format { kText, kJson, kBinary };

std::string ExtensionOf(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

std::optional<Format> FormatOf(const std::string& extension) {
  if (extension == ".txtpb" || extension == ".textproto" || extension == ".pbtxt") {
    return Format::kText;
  }
  if (extension == ".json") return Format::kJson;
  if (extension == ".binpb" || extension == ".pb") return Format::kBinary;
  return std::nullopt;
}

absl::Status Error(const std::string& path, const std::string& problem) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, problem));
}

// Keeps the first error; those after it are often its consequences.
class FirstError : public TextErrors {
 public:
  void OnError(int line, int column, std::string_view message) override {
    if (text_.empty()) text_ = fmt::format("{}:{}: {}", line + 1, column + 1, message);
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

absl::Status ParseText(const std::string& path, const std::string& contents,
                       google::protobuf::Message* message) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(kMaxTextNesting);
  if (!parser.ParseFromString(contents, message)) {
    return absl::InvalidArgumentError(fmt::format("{}:{}", path, error.text()));
  }
  // Escapes can spell any bytes. The other formats refuse a string that is not UTF-8, and so does
  // the server, but without saying what is wrong.
  if (!message->ParseFromString(message->SerializeAsString())) {
    return Error(path, "a string is not UTF-8");
  }
  return absl::OkStatus();
}

absl::Status CheckFormat(const std::string& path) {
  if (IsMessageFile(path)) return absl::OkStatus();
  return Error(path,
               fmt::format("the extension '{}' says no format; use .txtpb, .textproto or .pbtxt "
                           "for text, .json for JSON, .binpb or .pb for binary",
                           ExtensionOf(path)));
}

}  // namespace

bool IsMessageFile(const std::string& path) { return FormatOf(ExtensionOf(path)).has_value(); }

absl::StatusOr<std::vector<std::string>> ListMessageFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path().string();
    const bool is_hidden = entry->path().filename().string().starts_with('.');
    std::error_code no_type;
    const bool is_file = !entry->is_directory(no_type) && !entry->is_other(no_type);
    if (!is_hidden && is_file && IsMessageFile(path)) files.push_back(path);
  }
  if (error) return Error(folder, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status ReadMessageFile(const std::string& path, google::protobuf::Message* message) {
  if (absl::Status s = CheckFormat(path); !s.ok()) return s;
  const absl::StatusOr<std::string> contents = ReadWholeFile(path, kMaxFileBytes);
  if (!contents.ok()) return Error(path, std::string(contents.status().message()));
  return ParseMessageFile(path, *contents, message);
}

absl::Status ParseMessageFile(const std::string& path, const std::string& contents,
                              google::protobuf::Message* message) {
  if (absl::Status s = CheckFormat(path); !s.ok()) return s;
  if (contents.empty()) return Error(path, "the file is empty");
  // Protobuf would write to standard error too when a string is not UTF-8.
  const ProtobufSilence silence;
  switch (*FormatOf(ExtensionOf(path))) {
    case Format::kText:
      return ParseText(path, contents, message);
    case Format::kJson: {
      const absl::Status status = ParseJson(contents, message);
      return status.ok() ? status : Error(path, std::string(status.message()));
    }
    case Format::kBinary:
      if (message->ParseFromString(contents)) return absl::OkStatus();
      break;
  }
  return Error(path, fmt::format("not the binary form of a {}", message->GetTypeName()));
}

}  // namespace gradus
