#ifndef GRADUS_SERVER_COMPATIBILITY_H_
#define GRADUS_SERVER_COMPATIBILITY_H_

#include <memory>
#include <string>
#include <string_view>

#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/stubs/common.h"

// What differs between versions of gRPC (1.51 to 1.83), protobuf (3.21 to 36) and Abseil, in one
// place. Members are probed for, so that a version nobody has tried compiles by what it has, not by
// its number. What all versions can do is called as it is.

// Protobuf logs through Abseil from 4.22 on, and gRPC from 2024 on.
#if GOOGLE_PROTOBUF_VERSION < 4022000
#include "google/protobuf/stubs/logging.h"
#endif
#if __has_include("absl/log/log_sink.h")
#define GRADUS_HAS_ABSL_LOG
#include "absl/base/log_severity.h"
#include "absl/log/globals.h"
#include "absl/log/initialize.h"
#include "absl/log/log_entry.h"
#include "absl/log/log_sink.h"
#include "absl/log/log_sink_registry.h"
#endif
// The build looks for the function, since no header tells whether there is one.
#ifdef GRADUS_HAS_GPR_LOG_FUNCTION
#include <grpc/support/log.h>
#endif

namespace gradus {

// Writes fields without presence though they have their defaults. Of JsonPrintOptions.
template <class Options>
void PrintDefaults(bool prints, Options* options) {
  if constexpr (requires { options->always_print_fields_with_no_presence; }) {
    options->always_print_fields_with_no_presence = prints;
  } else {
    options->always_print_primitive_fields = prints;
  }
}

// What protobuf's parser of text finds wrong.
class TextErrors : public google::protobuf::io::ErrorCollector {
 public:
  // Lines and columns count from 0.
  virtual void OnError(int line, int column, std::string_view message) = 0;

 private:
#if GOOGLE_PROTOBUF_VERSION < 4022000
  void AddError(int line, int column, const std::string& message) final {
    OnError(line, column, message);
  }
#else
  void RecordError(int line, int column, absl::string_view message) final {
    OnError(line, column, {message.data(), message.size()});
  }
#endif
};

// What a client over TLS shows comes from a provider. Of TlsChannelCredentialsOptions.
template <class Provider, class Options>
void SetIdentity(const std::shared_ptr<Provider>& provider, Options* options) {
  if constexpr (requires { options->set_identity_certificate_provider(provider); }) {
    options->set_identity_certificate_provider(provider);
  } else {
    options->set_certificate_provider(provider);
    options->watch_identity_key_cert_pairs();
  }
}

// Options of a server over TLS whose certificate, and roots for those of clients if it `has_roots`,
// come from a provider. Of TlsServerCredentialsOptions.
template <class Options, class Provider>
Options ServerTlsOptions(const std::shared_ptr<Provider>& provider, bool has_roots) {
  if constexpr (requires { Options::Create(provider); }) {
    Options options = *Options::Create(provider);
    if (has_roots) options.set_root_certificate_provider(provider);
    return options;
  } else {
    Options options(provider);
    options.watch_identity_key_cert_pairs();
    if (has_roots) options.watch_root_certs();
    return options;
  }
}

// While it lives, protobuf logs nothing, on any thread.
class ProtobufSilence {
 public:
  ProtobufSilence(const ProtobufSilence&) = delete;
  ProtobufSilence& operator=(const ProtobufSilence&) = delete;
#if GOOGLE_PROTOBUF_VERSION < 4022000
  ProtobufSilence() = default;

 private:
  google::protobuf::LogSilencer silencer_;
#else
  ProtobufSilence() { absl::SetMinLogLevel(absl::LogSeverityAtLeast::kInfinity); }
  ~ProtobufSilence() { absl::SetMinLogLevel(before_); }

 private:
  const absl::LogSeverityAtLeast before_ = absl::MinLogLevel();
#endif
};

// How grave a line is that a library logs.
enum class LogSeverity { kDebug, kInfo, kWarning, kError };

// While it lives, what gRPC, protobuf and Abseil log goes to a function, which is called on any
// thread, and not to standard error. One at a time.
class LibraryLogs
#ifdef GRADUS_HAS_ABSL_LOG
    final : absl::LogSink
#endif
{
 public:
  using Function = void (*)(LogSeverity severity, std::string_view library,
                            std::string_view message);

  explicit LibraryLogs(Function function) {
    function_ = function;
#ifdef GRADUS_HAS_GPR_LOG_FUNCTION
    gpr_set_log_function([](gpr_log_func_args* line) {
      function_(line->severity == GPR_LOG_SEVERITY_ERROR  ? LogSeverity::kError
                : line->severity == GPR_LOG_SEVERITY_INFO ? LogSeverity::kInfo
                                                          : LogSeverity::kDebug,
                "grpc", line->message);
    });
#endif
#if GOOGLE_PROTOBUF_VERSION < 4022000
    using google::protobuf::LogLevel;
    google::protobuf::SetLogHandler(
        [](LogLevel level, const char* /*file*/, int /*line*/, const std::string& message) {
          function_(level == LogLevel::LOGLEVEL_INFO      ? LogSeverity::kInfo
                    : level == LogLevel::LOGLEVEL_WARNING ? LogSeverity::kWarning
                                                          : LogSeverity::kError,
                    "protobuf", message);
        });
#endif
#ifdef GRADUS_HAS_ABSL_LOG
    // Until then all goes to standard error, whatever the threshold is. To do it twice is fatal.
    [[maybe_unused]] static const bool is_initialized = [] {
      absl::InitializeLog();
      return true;
    }();
    absl::SetStderrThreshold(absl::LogSeverityAtLeast::kInfinity);
    absl::AddLogSink(this);
#endif
  }

  ~LibraryLogs() {
#ifdef GRADUS_HAS_GPR_LOG_FUNCTION
    gpr_set_log_function(nullptr);
#endif
#if GOOGLE_PROTOBUF_VERSION < 4022000
    google::protobuf::SetLogHandler(nullptr);
#endif
#ifdef GRADUS_HAS_ABSL_LOG
    absl::RemoveLogSink(this);
#endif
  }

  LibraryLogs(const LibraryLogs&) = delete;
  LibraryLogs& operator=(const LibraryLogs&) = delete;

 private:
#ifdef GRADUS_HAS_ABSL_LOG
  void Send(const absl::LogEntry& entry) override {
    const absl::string_view message = entry.text_message();
    function_(entry.log_severity() == absl::LogSeverity::kInfo      ? LogSeverity::kInfo
              : entry.log_severity() == absl::LogSeverity::kWarning ? LogSeverity::kWarning
                                                                    : LogSeverity::kError,
              "absl", {message.data(), message.size()});
  }
#endif

  inline static Function function_ = nullptr;
};

}  // namespace gradus

#endif  // GRADUS_SERVER_COMPATIBILITY_H_
