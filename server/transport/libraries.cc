#include "server/transport/libraries.h"

#include <array>
#include <charconv>

#include "absl/base/config.h"
#include "google/protobuf/stubs/common.h"
#include "spdlog/version.h"
#include <grpcpp/grpcpp.h>

#include "fmt/format.h"
#include "server/transport/version.h"

namespace gradus {
namespace {

// 1.65.4 of 2024 is the first with every known way to end a server from outside mended.
constexpr std::array<int, 3> kFirstSoundGrpc = {1, 65, 4};

// "1.51.1"; what follows, and parts that are missing, count as 0.
std::array<int, 3> PartsOf(std::string_view version) {
  std::array<int, 3> parts = {};
  const char* position = version.data();
  const char* const end = version.data() + version.size();
  for (int& part : parts) {
    position = std::from_chars(position, end, part).ptr;
    if (position == end || *position != '.') break;
    ++position;
  }
  return parts;
}

std::string Absl() {
#ifdef ABSL_LTS_RELEASE_VERSION
  return fmt::format("{}.{} (LTS)", ABSL_LTS_RELEASE_VERSION, ABSL_LTS_RELEASE_PATCH_LEVEL);
#else
  return "of no release";
#endif
}

}  // namespace

std::string LibraryVersions() {
  std::string text = fmt::format(
      "gRPC {}\nprotobuf {}\nAbseil {}\nspdlog {}.{}.{}\nfmt {}.{}.{}\nEigen {}\nmuParser {}\n",
      grpc::Version(), google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION), Absl(),
      SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH, FMT_VERSION / 10000,
      FMT_VERSION / 100 % 100, FMT_VERSION % 100, kEigenVersion, kMuParserVersion);
  constexpr std::string_view kPrometheus = kPrometheusCppVersion;
  if (!kPrometheus.empty()) {
    text += fmt::format("prometheus-cpp {}\n", kPrometheus);
  }
  return text;
}

std::string GrpcWarning(std::string_view grpc_version) {
  if (PartsOf(grpc_version) >= kFirstSoundGrpc) return "";
  return fmt::format(
      "gRPC {} is older than 1.65.4 and has known faults: do not expose it to the internet, put a "
      "proxy in front",
      grpc_version);
}

std::string GrpcWarning() { return GrpcWarning(grpc::Version()); }

}  // namespace gradus
