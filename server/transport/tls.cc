#include "server/transport/tls.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "fmt/format.h"
#include "server/compatibility.h"
#include "server/transport/small_file.h"

namespace gradus {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio Reader(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free};
}

absl::Status FileError(const std::string& path, std::string_view message) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, message));
}

// No passphrase. Without this, OpenSSL would ask for one at the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

// The first certificate of a file.
absl::StatusOr<Certificate> ParseCertificate(const std::string& path, const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(Reader(pem).get(), nullptr, nullptr, nullptr),
                          &X509_free);
  if (certificate == nullptr) return FileError(path, "holds no certificate in PEM");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    return FileError(path, "the certificate has expired");
  }
  return certificate;
}

struct KeyPair {
  std::string certificate;
  std::string key;
};

absl::StatusOr<KeyPair> ReadKeyPair(const TlsFiles& files) {
  absl::StatusOr<std::string> certificate_pem = ReadSmallFile(files.certificate);
  if (!certificate_pem.ok()) return certificate_pem.status();
  absl::StatusOr<std::string> key_pem = ReadSmallFile(files.key);
  if (!key_pem.ok()) return key_pem.status();
  const absl::StatusOr<Certificate> certificate =
      ParseCertificate(files.certificate, *certificate_pem);
  if (!certificate.ok()) return certificate.status();
  const Key key(PEM_read_bio_PrivateKey(Reader(*key_pem).get(), nullptr, &NoPassphrase, nullptr),
                &EVP_PKEY_free);
  if (key == nullptr) {
    return FileError(files.key, "holds no private key in PEM that needs no passphrase");
  }
  if (X509_check_private_key(certificate->get(), key.get()) != 1) {
    return FileError(files.key,
                     fmt::format("is not the key of the certificate in {}", files.certificate));
  }
  return KeyPair{*std::move(certificate_pem), *std::move(key_pem)};
}

absl::StatusOr<std::string> ReadRoots(const std::string& path) {
  absl::StatusOr<std::string> pem = ReadSmallFile(path);
  if (!pem.ok()) return pem;
  const absl::StatusOr<Certificate> root = ParseCertificate(path, *pem);
  if (!root.ok()) return root.status();
  return pem;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTls(const TlsFiles& files) {
  // gRPC reads the files itself, but says nothing of what is wrong with them.
  if (absl::Status s = ReadKeyPair(files).status(); !s.ok()) return s;
  if (!files.ca.empty()) {
    if (absl::Status s = ReadRoots(files.ca).status(); !s.ok()) return s;
  }
  const auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.ca, files.reload_seconds);
  auto options = ServerTlsOptions<grpc::experimental::TlsServerCredentialsOptions>(
      provider, !files.ca.empty());
  if (!files.ca.empty()) {
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ClientTls(const TlsFiles& files) {
  absl::StatusOr<std::string> roots = ReadRoots(files.ca);
  if (!roots.ok()) return roots.status();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = *std::move(roots);
  if (!files.certificate.empty()) {
    absl::StatusOr<KeyPair> pair = ReadKeyPair(files);
    if (!pair.ok()) return pair.status();
    options.pem_cert_chain = std::move(pair->certificate);
    options.pem_private_key = std::move(pair->key);
  }
  return grpc::SslCredentials(options);
}

}  // namespace gradus
