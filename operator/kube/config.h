// Where the API server is and who we are there: read from a kubeconfig or from the pod that we run
// in. Whatever this client cannot honour is refused with a sentence, never silently ignored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "operator/base/result.h"

namespace chaos::kube {

// Given as text, or as a file that may be replaced while we run; the text wins, as in kubectl.
struct Material {
  std::string data;
  std::string file;
  bool given() const { return !data.empty() || !file.empty(); }
};

struct Config {
  std::string host;  // name or IP address, without brackets
  std::uint16_t port = 443;
  std::string path_prefix;        // of a proxy in front, "/k8s/clusters/x"; usually empty
  std::string server_name;        // whom the server's certificate must name
  std::string default_namespace;  // of the context or of our pod
  Material ca;
  Material client_certificate;
  Material client_key;
  Material token;
  bool insecure = false;  // do not verify the server; only where the user asked for it by name
  std::string origin;     // for messages: "context 'kind' of /root/.kube/config"

  std::string Url() const;  // "https://10.0.0.1:6443", without the prefix
};

struct KubeconfigOptions {
  std::string context;          // empty = current-context
  bool allow_insecure = false;  // honour insecure-skip-tls-verify
};

// Relative file names inside are relative to `directory`. `origin` names the source in messages.
Result<Config> ParseKubeconfig(std::string_view yaml, const std::filesystem::path& directory,
                               std::string_view origin, const KubeconfigOptions& options = {});
Result<Config> LoadKubeconfig(const std::filesystem::path& file,
                              const KubeconfigOptions& options = {});

// `host` and `port` are KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, empty where unset.
Result<Config> InClusterConfig(
    std::string_view host, std::string_view port,
    const std::filesystem::path& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace chaos::kube
