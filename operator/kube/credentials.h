// Who we are at the API server right now: files are read again while we run, because the kubelet
// replaces the token every hour and an administrator may replace the CA.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "operator/base/clock.h"
#include "operator/kube/config.h"
#include "operator/kube/tls.h"

namespace chaos::kube {

// Requires: `clock` outlives it. Thread-safety: all calls from any thread.
class Credentials {
 public:
  // kInvalid names the file or text that is wrong, and where it comes from.
  static Result<std::unique_ptr<Credentials>> Make(Config config, const Clock& clock);

  // "" without a token. At most 60 s older than its file; the last good one where the file cannot
  // be read.
  std::string Token();
  // After a 401 to `rejected`: reads again. True when there is now another token worth a second
  // try.
  bool Renew(const std::string& rejected);
  // Changes (another pointer) when the CA or the client certificate was replaced by something
  // valid.
  std::shared_ptr<const TlsIdentity> Tls();

  const Config& config() const { return config_; }

 private:
  Credentials(Config config, const Clock& clock) : config_(std::move(config)), clock_(clock) {}
  Result<void> ReadToken();
  Result<std::shared_ptr<const TlsIdentity>> ReadTls() const;
  std::string Stamps() const;  // of all files that make the TLS identity

  const Config config_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  nanoseconds token_read_at_{0};
  std::shared_ptr<const TlsIdentity> tls_;
  std::string tls_stamps_;
};

}  // namespace chaos::kube
