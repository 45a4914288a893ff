#ifndef GRADUS_TESTS_SUPPORT_CERTIFICATES_H_
#define GRADUS_TESTS_SUPPORT_CERTIFICATES_H_

#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace gradus::testing {

// A certificate and its key, in PEM.
struct Credential {
  std::string certificate;
  std::string key;
};

// An authority of one test that makes certificates, so that none is kept anywhere.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name) : key_(NewKey()) {
    certificate_ = Make(name, key_.get(), kDay, "critical,CA:TRUE", "");
  }

  std::string certificate() const { return Pem(certificate_.get()); }

  // A certificate for a host of this name. It was good for two days until `seconds_left` from now.
  Credential Issue(const std::string& name, long seconds_left = kDay) const {
    const Key key(NewKey());
    const Certificate certificate =
        Make(name, key.get(), seconds_left, "critical,CA:FALSE", "DNS:" + name);
    return {Pem(certificate.get()), Pem(key.get())};
  }

 private:
  static constexpr long kDay = 24 * 60 * 60;

  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  static Key NewKey() { return Key(EVP_EC_gen("P-256")); }

  template <class Object>
  static std::string Pem(Object* object) {
    const std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
    if constexpr (std::is_same_v<Object, X509>) {
      PEM_write_bio_X509(bio.get(), object);
    } else {
      PEM_write_bio_PrivateKey(bio.get(), object, nullptr, nullptr, 0, nullptr, nullptr);
    }
    char* data = nullptr;
    const auto length = static_cast<size_t>(BIO_get_mem_data(bio.get(), &data));
    return {data, length};
  }

  static void Extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Free> extension(
        X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    if (extension == nullptr) throw std::runtime_error("bad extension: " + value);
    X509_add_ext(certificate, extension.get(), -1);
  }

  Certificate Make(const std::string& name, EVP_PKEY* key, long seconds_left,
                   const std::string& constraints, const std::string& alternative_name) const {
    Certificate certificate(X509_new());
    static long serial = 0;
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), seconds_left - 2 * kDay);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), seconds_left);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509* issuer = certificate_ == nullptr ? certificate.get() : certificate_.get();
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
    Extend(certificate.get(), issuer, NID_basic_constraints, constraints);
    if (!alternative_name.empty()) {
      Extend(certificate.get(), issuer, NID_subject_alt_name, alternative_name);
    }
    if (X509_sign(certificate.get(), key_.get(), EVP_sha256()) == 0) {
      throw std::runtime_error("cannot sign a certificate");
    }
    return certificate;
  }

  const Key key_;
  Certificate certificate_;
};

}  // namespace gradus::testing

#endif  // GRADUS_TESTS_SUPPORT_CERTIFICATES_H_
