#include "operator/kube/credentials.h"

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace chaos::kube {
namespace {

constexpr seconds kTokenAge{60};

Result<std::string> Read(const Material& material) {
  if (!material.data.empty() || material.file.empty()) return material.data;
  std::ifstream in(material.file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return Invalid(material.file + " cannot be read");
  return text.str();
}

// Changes when the file behind the name does: a replaced link, a new file, or new contents.
std::string Stamp(const Material& material) {
  struct stat at {};
  if (!material.data.empty() || material.file.empty()) return "-";
  if (stat(material.file.c_str(), &at) != 0) return "missing";
  return std::to_string(at.st_ino) + "." + std::to_string(at.st_size) + "." +
         std::to_string(at.st_mtim.tv_sec) + "." + std::to_string(at.st_mtim.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<Credentials>> Credentials::Make(Config config, const Clock& clock) {
  std::unique_ptr<Credentials> made(new Credentials(std::move(config), clock));
  const std::string& origin = made->config_.origin;
  if (Result<void> read = made->ReadToken(); !read) {
    return Invalid(origin + ": " + read.error().detail);
  }
  made->tls_stamps_ = made->Stamps();
  Result<std::shared_ptr<const TlsIdentity>> tls = made->ReadTls();
  if (!tls) return Invalid(origin + ": " + tls.error().detail);
  made->tls_ = std::move(*tls);
  return made;
}

Result<void> Credentials::ReadToken() {
  token_read_at_ = clock_.SinceBoot();
  Result<std::string> text = Read(config_.token);
  if (!text) return text.error();
  std::string token = std::move(*text);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.empty() && config_.token.given()) return Invalid("the token is empty");
  // What would end the header and start another one.
  if (std::any_of(token.begin(), token.end(),
                  [](unsigned char c) { return c <= ' ' || c > '~'; })) {
    return Invalid("the token holds a character that no token has");
  }
  token_ = std::move(token);
  return {};
}

std::string Credentials::Token() {
  const std::lock_guard lock(mutex_);
  const bool old = clock_.SinceBoot() - token_read_at_ >= kTokenAge;
  // A file that cannot be read now keeps the last token: better than none.
  if (old && !config_.token.file.empty()) (void)ReadToken();
  return token_;
}

bool Credentials::Renew(const std::string& rejected) {
  const std::lock_guard lock(mutex_);
  if (!config_.token.file.empty()) (void)ReadToken();
  return token_ != rejected;
}

std::string Credentials::Stamps() const {
  return Stamp(config_.ca) + " " + Stamp(config_.client_certificate) + " " +
         Stamp(config_.client_key);
}

Result<std::shared_ptr<const TlsIdentity>> Credentials::ReadTls() const {
  Result<std::string> ca = Read(config_.ca);
  if (!ca) return ca.error();
  Result<std::string> certificate = Read(config_.client_certificate);
  if (!certificate) return certificate.error();
  Result<std::string> key = Read(config_.client_key);
  if (!key) return key.error();
  return TlsIdentity::Make({*ca, *certificate, *key, config_.server_name, config_.insecure});
}

std::shared_ptr<const TlsIdentity> Credentials::Tls() {
  const std::lock_guard lock(mutex_);
  if (std::string stamps = Stamps(); stamps != tls_stamps_) {
    // Half-written files do not parse or do not match: the old identity stays, the next call tries
    // again.
    if (Result<std::shared_ptr<const TlsIdentity>> fresh = ReadTls(); fresh) {
      tls_ = std::move(*fresh);
      tls_stamps_ = std::move(stamps);
    }
  }
  return tls_;
}

}  // namespace chaos::kube
