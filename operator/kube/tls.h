// What both transports do with TLS: only the cluster's CA is trusted, the server's name is
// verified, certificates are parsed once and not per connection.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"

namespace chaos::kube {

struct TlsText {
  std::string ca;           // PEM, one or more certificates; empty only with `insecure`
  std::string certificate;  // PEM, the client's chain; empty = none
  std::string key;          // PEM
  std::string server_name;  // name or IP address that the certificate must carry
  bool insecure = false;
};

// Why the last certificate was refused, in words; the libraries around lose it.
// Thread-safety: all calls from any thread.
class TlsTrouble {
 public:
  void Set(std::string text);
  std::string Take();

 private:
  std::mutex mutex_;
  std::string text_;
};

// Parsed and immutable. Thread-safety: Apply from any thread.
class TlsIdentity {
 public:
  // kInvalid says which of the texts is wrong.
  static Result<std::shared_ptr<const TlsIdentity>> Make(const TlsText& text);
  TlsIdentity() = default;
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // Makes `context` trust our CA alone, whatever it trusted before. `trouble` (may be null) must
  // outlive every connection of the context.
  void Apply(SSL_CTX* context, TlsTrouble* trouble) const;
  bool insecure() const { return insecure_; }

 private:
  Result<void> ParseCa(const std::string& pem);
  Result<void> ParseClient(const TlsText& text);

  X509_STORE* store_ = nullptr;
  X509* certificate_ = nullptr;
  std::vector<X509*> chain_;  // intermediates
  EVP_PKEY* key_ = nullptr;
  std::string server_name_;
  bool insecure_ = false;
};

// True for "10.0.0.1" and "fd00::1": such a name is verified as an address and never sent as SNI.
bool IsIpAddress(std::string_view host);

}  // namespace chaos::kube
