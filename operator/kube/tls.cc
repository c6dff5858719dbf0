#include "operator/kube/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace chaos::kube {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio Open(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
}

// All certificates of a PEM text; the caller owns them.
std::vector<X509*> ReadCertificates(const std::string& pem) {
  std::vector<X509*> found;
  const Bio bio = Open(pem);
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    found.push_back(next);
  ERR_clear_error();  // the end of the text counts as an error there
  return found;
}

// Verifies as always, but keeps the reason.
int VerifyAndRemember(X509_STORE_CTX* store, void* trouble) {
  const int good = X509_verify_cert(store);
  if (good <= 0 && trouble != nullptr) {
    const int why = X509_STORE_CTX_get_error(store);
    static_cast<TlsTrouble*>(trouble)->Set(why == X509_V_OK ? "name mismatch"
                                                            : X509_verify_cert_error_string(why));
  }
  return good;
}

}  // namespace

void TlsTrouble::Set(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

std::string TlsTrouble::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(text_, "");
}

bool IsIpAddress(std::string_view host) {
  const std::string text(host);
  in6_addr space;
  return inet_pton(AF_INET, text.c_str(), &space) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &space) == 1;
}

TlsIdentity::~TlsIdentity() {
  X509_STORE_free(store_);
  X509_free(certificate_);
  for (X509* link : chain_) X509_free(link);
  EVP_PKEY_free(key_);
}

Result<void> TlsIdentity::ParseCa(const std::string& pem) {
  store_ = X509_STORE_new();
  const std::vector<X509*> certificates = ReadCertificates(pem);
  for (X509* certificate : certificates) {
    X509_STORE_add_cert(store_, certificate);
    X509_free(certificate);
  }
  if (certificates.empty() && !insecure_) {
    return Invalid("the certificate authority holds no PEM certificate");
  }
  return {};
}

Result<void> TlsIdentity::ParseClient(const TlsText& text) {
  if (text.certificate.empty()) return {};
  chain_ = ReadCertificates(text.certificate);
  if (chain_.empty()) return Invalid("the client certificate holds no PEM certificate");
  certificate_ = chain_.front();
  chain_.erase(chain_.begin());
  key_ = PEM_read_bio_PrivateKey(Open(text.key).get(), nullptr, nullptr, nullptr);
  const bool match = key_ != nullptr && X509_check_private_key(certificate_, key_) == 1;
  ERR_clear_error();
  if (key_ == nullptr) return Invalid("the client key holds no PEM private key");
  if (!match) return Invalid("the client key does not belong to the client certificate");
  return {};
}

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::Make(const TlsText& text) {
  auto identity = std::make_shared<TlsIdentity>();
  identity->server_name_ = text.server_name;
  identity->insecure_ = text.insecure;
  if (Result<void> parsed = identity->ParseCa(text.ca); !parsed) return parsed.error();
  if (Result<void> parsed = identity->ParseClient(text); !parsed) return parsed.error();
  return std::shared_ptr<const TlsIdentity>(std::move(identity));
}

void TlsIdentity::Apply(SSL_CTX* context, TlsTrouble* trouble) const {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context, store_);
  SSL_CTX_set_verify(context, insecure_ ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, &VerifyAndRemember, trouble);
  if (!insecure_) {
    X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(context);
    const int set = IsIpAddress(server_name_)
                        ? X509_VERIFY_PARAM_set1_ip_asc(rules, server_name_.c_str())
                        : X509_VERIFY_PARAM_set1_host(rules, server_name_.c_str(), 0);
    CHECK(set == 1);
  }
  if (certificate_ == nullptr) return;
  CHECK(SSL_CTX_use_certificate(context, certificate_) == 1);
  for (X509* link : chain_) CHECK(SSL_CTX_add1_chain_cert(context, link) == 1);
  CHECK(SSL_CTX_use_PrivateKey(context, key_) == 1);
}

}  // namespace chaos::kube
