// Any text as a kubeconfig: a configuration that can be used, or a sentence; never a crash.
#include <cstdlib>
#include <string_view>

#include "operator/kube/config.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size > 16384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = chaos::kube::ParseKubeconfig(text, "/nonexistent", "the file");
  if (!config) {
    if (config.error().detail.find("the file") != 0) std::abort();
    return 0;
  }
  if (config->host.empty() || config->port == 0 || config->insecure || !config->ca.given())
    std::abort();
  if (!config->token.given() && !config->client_certificate.given()) std::abort();
  return 0;
}
