// Certificates made on the spot for servers of tests; nothing secret is ever stored.
#pragma once

#include <string>
#include <vector>

namespace chaos::contract {

struct Identity {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

// A CA of its own, new in every process.
class Authority {
 public:
  explicit Authority(const std::string& name);
  const std::string& certificate() const { return self_.certificate; }
  // `names` as in OpenSSL: "IP:127.0.0.1", "DNS:kube.test". `client` makes it one for clients.
  Identity Issue(const std::string& common_name, const std::string& names,
                 bool client = false) const;

 private:
  Identity self_;
};

}  // namespace chaos::contract
