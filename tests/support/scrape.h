#ifndef GRADUS_TESTS_SUPPORT_SCRAPE_H_
#define GRADUS_TESTS_SUPPORT_SCRAPE_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>

namespace gradus::testing {

// What GET /metrics on a port of the loopback address answers.
inline std::string GetMetrics(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      write(connection, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
    close(connection);
    throw std::runtime_error("no metrics on port " + std::to_string(port));
  }
  std::string answer;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(connection, buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<size_t>(count));
  }
  close(connection);
  const size_t body = answer.find("\r\n\r\n");
  if (answer.find(" 200 ") > answer.find('\r') || body == std::string::npos) {
    throw std::runtime_error("not a page: " + answer.substr(0, 100));
  }
  return answer.substr(body + 4);
}

// The value of every series, by its name and labels as they are written. Throws if the text is not
// what Prometheus reads: a sample before the type of its metric, a series twice, a bad name.
using Scrape = std::map<std::string, double>;
inline Scrape ParseMetrics(const std::string& text) {
  static const std::regex type_line(
      "# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary)");
  static const std::regex sample_line(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? (\S+))re");
  Scrape scrape;
  std::string metric;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.starts_with("# HELP ")) continue;
    if (std::regex_match(line, match, type_line)) {
      metric = match[1];
      continue;
    }
    if (metric.empty() || !std::regex_match(line, match, sample_line) ||
        !match[1].str().starts_with(metric) ||
        !scrape.emplace(match[1].str() + match[2].str(), std::stod(match[4])).second) {
      throw std::runtime_error("Prometheus does not read: " + line);
    }
  }
  return scrape;
}

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_SCRAPE_H_
