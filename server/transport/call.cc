#include "server/transport/call.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <random>
#include <utility>

#include "absl/status/statusor.h"

#include "fmt/format.h"
#include "server/transport/status_conversion.h"
#include "server/transport/version.h"

namespace gradus {
namespace {

constexpr size_t kMaxRequestIdLength = 64;
// How soon a caller may try again that there was no room for.
constexpr char kPushbackMs[] = "100";

using Microseconds = std::chrono::microseconds;

Microseconds ToMicroseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<Microseconds>(time);
}

// All that a caller sent under a name.
std::vector<std::string_view> AllMetadataOf(const grpc::CallbackServerContext& context,
                                            const char* name) {
  std::vector<std::string_view> values;
  const auto range = context.client_metadata().equal_range(name);
  for (auto it = range.first; it != range.second; ++it) {
    values.emplace_back(it->second.data(), it->second.size());
  }
  return values;
}

// What a caller sent under a name, if it did so once.
std::string_view MetadataOf(const grpc::CallbackServerContext& context, const char* name) {
  const std::vector<std::string_view> values = AllMetadataOf(context, name);
  return values.size() == 1 ? values.front() : std::string_view();
}

// Text as one word of a log line that forges no other.
std::string LogWord(std::string_view text) {
  constexpr size_t kMaxLength = 128;
  std::string word(text.substr(0, kMaxLength));
  for (char& c : word) {
    if (c <= ' ' || c > '~') c = '?';
  }
  return word;
}

// Ids go into log lines and back to the caller: letters, digits, and `-_.:/` only.
bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestIdLength &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  std::string_view("-_.:/").find(c) != std::string_view::npos;
         });
}

// Unique among the calls of all servers, with overwhelming probability.
std::string NewRequestId() {
  static const uint64_t kProcess = [] {
    std::random_device device;
    return (uint64_t{device()} << 32) | device();
  }();
  static std::atomic<uint64_t> count = 0;
  return fmt::format("{:016x}-{:x}", kProcess, count.fetch_add(1, std::memory_order_relaxed));
}

// version-traceid-parentid-flags, all in lower-case hexadecimal (W3C Trace Context, level 1).
bool IsTraceparent(std::string_view text) {
  constexpr std::string_view kForm = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
  if (text.size() != kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool is_hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kForm[i] == '-' ? text[i] != '-' : !is_hex) return false;
  }
  return text.substr(0, 2) != "ff";
}

// An address of gRPC without its port: "ipv4:10.0.0.1" of "ipv4:10.0.0.1:40112".
std::string_view HostOf(std::string_view peer) {
  const bool has_port = peer.starts_with("ipv4:") || peer.starts_with("ipv6:");
  return has_port ? peer.substr(0, peer.rfind(':')) : peer;
}

}  // namespace

Call::Call(const CallSettings& settings, const Method& method, grpc::CallbackServerContext& context)
    : settings_(settings), context_(context) {
  record_.method = &method;
  record_.peer = context.peer();
  const std::string_view id = MetadataOf(context, "x-request-id");
  record_.request_id = IsRequestId(id) ? std::string(id) : NewRequestId();
  const std::string_view traceparent = MetadataOf(context, "traceparent");
  if (IsTraceparent(traceparent)) record_.traceparent = traceparent;
  absl::StatusOr<Caller> caller =
      Identify(settings_.authenticator.get(), AllMetadataOf(context, "authorization"));
  if (caller.ok()) {
    caller_ = *std::move(caller);
    record_.subject = LogWord(caller_.subject);
    record_.role = RoleName(caller_.role);
    admission_ = MayCall(caller_, method.access);
  } else {
    admission_ = caller.status();
  }
  for (const auto& observer : settings_.observers) observer->OnBegin(method);
}

std::string Call::TurnName() const {
  return caller_.subject.empty() ? fmt::format("host {}", HostOf(record_.peer))
                                 : fmt::format("subject {}", caller_.subject);
}

void Call::AddQueued(std::chrono::steady_clock::duration time) {
  record_.queued += ToMicroseconds(time);
}

void Call::AddComputed(std::chrono::steady_clock::duration time) {
  record_.computed += ToMicroseconds(time);
}

void Call::AddRequest(size_t bytes) {
  ++record_.requests;
  record_.request_bytes += bytes;
}

void Call::AddResponse(size_t bytes) {
  ++record_.responses;
  record_.response_bytes += bytes;
}

void Call::End(const absl::Status& status) {
  context_.AddTrailingMetadata("x-request-id", record_.request_id);
  context_.AddTrailingMetadata("x-gradus-version", kVersion);
  record_.code = status.code();
  record_.reason = ReasonOf(status);
  if (record_.reason == kOverloaded) {
    context_.AddTrailingMetadata("grpc-retry-pushback-ms", kPushbackMs);
  }
  record_.total = ToMicroseconds(std::chrono::steady_clock::now() - begun_);
  for (const auto& observer : settings_.observers) observer->OnEnd(record_);
}

}  // namespace gradus
