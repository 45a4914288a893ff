#include "server/transport/logging.h"

#include <chrono>
#include <string>

#include "gtest/gtest.h"
#include "spdlog/details/log_msg.h"

#include "nlohmann/json.hpp"

namespace gradus {
namespace {

std::string Line(LogFormat format, const std::string& logger, const std::string& text) {
  // 2009-02-13, 23:31:30.007 UTC.
  const spdlog::log_clock::time_point time{std::chrono::milliseconds(1'234'567'890'007)};
  const spdlog::details::log_msg message(time, spdlog::source_loc{}, logger, spdlog::level::warn,
                                         text);
  spdlog::memory_buf_t line;
  MakeLogFormatter(format)->clone()->format(message, line);
  return {line.data(), line.size()};
}

TEST(LoggingTest, JsonHasTheMomentTheLevelAndTheMessage) {
  EXPECT_EQ(Line(LogFormat::kJson, "any", "a \"b\"\n{}"),
            R"({"ts":"2009-02-13T23:31:30.007Z","level":"warning","message":"a \"b\"\u000a{}"})"
            "\n");
}

TEST(LoggingTest, MembersBecomePartOfTheObject) {
  EXPECT_EQ(Line(LogFormat::kJson, kMembersLogger, R"("code":"OK","n":1)"),
            R"({"ts":"2009-02-13T23:31:30.007Z","level":"warning","code":"OK","n":1})"
            "\n");
}

TEST(LoggingTest, TextIsForReading) {
  const std::string line = Line(LogFormat::kText, "any", "draining");
  EXPECT_EQ(line.substr(line.find(']')), "] [warning] draining\n");
}

TEST(LoggingTest, EveryByteCanBeToldApartOrIsReplaced) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("<") + static_cast<char>(byte) + ">";
    EXPECT_EQ(nlohmann::json::parse(JsonString(text)).get<std::string>(),
              byte < 0x80 ? text : "<\xef\xbf\xbd>")
        << byte;
  }
}

TEST(LoggingTest, CharactersOfEveryLengthStay) {
  const std::string text = "a\xc3\xa9\xe2\x88\x82\xf0\x9d\x9b\xbb";  // a, e acute, two nablas
  EXPECT_EQ(JsonString(text), '"' + text + '"');
}

// Longer than need be, half of a pair, beyond the last, cut short.
TEST(LoggingTest, WhatIsNotUtf8IsReplacedByteByByte) {
  for (const std::string& text :
       {std::string("\xc0\x80"), std::string("\xe0\x80\x80"), std::string("\xed\xa0\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("\xf0\x80\x80\x80"), std::string("\xe2\x88"),
        std::string("\xff")}) {
    std::string replaced;
    for (size_t i = 0; i < text.size(); ++i) replaced += "\xef\xbf\xbd";
    EXPECT_EQ(JsonString(text), '"' + replaced + '"');
  }
}

}  // namespace
}  // namespace gradus
