#include "operator/kube/config.h"

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace chaos::kube {
namespace {

std::optional<std::string> ReadWhole(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<std::string> DecodeBase64(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string Scalar(const YAML::Node& map, const char* key) {
  if (!map || !map.IsMap()) return "";
  const YAML::Node found = map[key];
  return found && found.IsScalar() ? found.Scalar() : "";
}

bool True(const YAML::Node& map, const char* key) { return Scalar(map, key) == "true"; }

// Reads one kubeconfig; `where` starts every message.
class Reader {
 public:
  Reader(const YAML::Node& root, std::filesystem::path directory, std::string where)
      : root_(root), directory_(std::move(directory)), where_(std::move(where)) {}

  Result<Config> Read(const KubeconfigOptions& options) {
    std::string name = options.context;
    if (name.empty()) name = Scalar(root_, "current-context");
    if (name.empty()) {
      return Wrong("has no current-context; choose one with --context NAME" + Known("contexts"));
    }
    const YAML::Node context = Named("contexts", "context", name);
    if (!context) return Wrong("has no context '" + name + "'" + Known("contexts"));
    Config config;
    config.origin = "context '" + name + "' of " + where_;
    config.default_namespace = Scalar(context, "namespace");
    if (config.default_namespace.empty()) config.default_namespace = "default";
    const std::string cluster = Scalar(context, "cluster");
    if (Result<void> read = ReadCluster(cluster, options.allow_insecure, config); !read) {
      return read.error();
    }
    if (Result<void> read = ReadUser(Scalar(context, "user"), config); !read) return read.error();
    return config;
  }

 private:
  Error Wrong(const std::string& what) const { return Invalid(where_ + " " + what); }

  YAML::Node Named(const char* list, const char* kind, const std::string& name) const {
    const YAML::Node items = root_[list];
    if (!items || !items.IsSequence()) return YAML::Node(YAML::NodeType::Undefined);
    for (const YAML::Node& item : items) {
      if (Scalar(item, "name") == name && item[kind]) return item[kind];
    }
    return YAML::Node(YAML::NodeType::Undefined);
  }

  std::string Known(const char* list) const {
    std::string names;
    if (const YAML::Node items = root_[list]; items && items.IsSequence()) {
      for (const YAML::Node& item : items) {
        names += (names.empty() ? "" : ", ") + Scalar(item, "name");
      }
    }
    return names.empty() ? "; it has none at all" : "; it has: " + names;
  }

  // Fills `material` from KEY-data or from the file that KEY names.
  Result<void> ReadMaterial(const YAML::Node& map, const std::string& key, Material& material) {
    if (std::string data = Scalar(map, (key + "-data").c_str()); !data.empty()) {
      std::optional<std::string> decoded = DecodeBase64(std::move(data));
      if (!decoded) return Wrong("has a " + key + "-data that is not base64");
      material.data = std::move(*decoded);
      return {};
    }
    return ReadFileName(map, key, material);
  }

  Result<void> ReadFileName(const YAML::Node& map, const std::string& key, Material& material) {
    const std::string name = Scalar(map, key.c_str());
    if (name.empty()) return {};
    const std::filesystem::path file = directory_ / name;
    if (!ReadWhole(file)) {
      return Wrong("names " + file.string() + " as " + key + ", which cannot be read");
    }
    material.file = file.string();
    return {};
  }

  Result<void> ReadServer(const std::string& server, Config& config) {
    constexpr std::string_view kScheme = "https://";
    if (server.empty()) return Wrong("has a cluster without a server");
    if (!server.starts_with(kScheme)) {
      return Wrong("has the server '" + server + "'; it must start with https://");
    }
    std::string rest = server.substr(kScheme.size());
    const std::size_t slash = rest.find('/');
    if (slash != std::string::npos) {
      config.path_prefix = rest.substr(slash);
      while (config.path_prefix.ends_with('/')) config.path_prefix.pop_back();
      rest.resize(slash);
    }
    std::string port = "443";
    const std::size_t colon = rest.rfind(':');
    if (colon != std::string::npos && !rest.ends_with(']')) {
      port = rest.substr(colon + 1);
      rest.resize(colon);
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    const char* end = port.data() + port.size();
    const auto [stop, failed] = std::from_chars(port.data(), end, config.port);
    if (rest.empty() || failed != std::errc() || stop != end || config.port == 0) {
      return Wrong("has the server '" + server + "', whose host or port is wrong");
    }
    config.host = rest;
    return {};
  }

  Result<void> ReadCluster(const std::string& name, bool allow_insecure, Config& config) {
    const YAML::Node cluster = Named("clusters", "cluster", name);
    if (!cluster) return Wrong("has no cluster '" + name + "'" + Known("clusters"));
    if (Result<void> read = ReadServer(Scalar(cluster, "server"), config); !read) return read;
    if (!Scalar(cluster, "proxy-url").empty()) {
      return Wrong("asks for a proxy (proxy-url), which this client does not speak");
    }
    config.server_name = Scalar(cluster, "tls-server-name");
    if (config.server_name.empty()) config.server_name = config.host;
    if (True(cluster, "insecure-skip-tls-verify")) {
      if (!allow_insecure) {
        return Wrong(
            "sets insecure-skip-tls-verify: anybody on the way could answer as the API server; "
            "give certificate-authority-data instead, or allow it with --insecure-skip-tls-verify");
      }
      config.insecure = true;
      return {};
    }
    if (Result<void> read = ReadMaterial(cluster, "certificate-authority", config.ca); !read) {
      return read;
    }
    if (config.ca.given()) return {};
    return Wrong("has no certificate-authority for the cluster '" + name +
                 "'; this client trusts no other, add certificate-authority-data");
  }

  // What a user may carry that we cannot honour, and what to do instead.
  Result<void> RefuseUser(const YAML::Node& user, const std::string& name) {
    struct Row {
      const char* key;
      const char* what;
    };
    static constexpr Row kRefused[] = {
        {"exec",
         "an exec plugin, and this client runs no programs; write a token (kubectl create token "
         "SERVICEACCOUNT)"},
        {"auth-provider",
         "an auth-provider, which Kubernetes removed; write a token or a client certificate"},
        {"username", "a password, which Kubernetes removed; write a token or a client certificate"},
        {"as", "impersonation (as), which this client does not speak"},
    };
    for (const Row& row : kRefused) {
      if (user[row.key]) return Wrong("has the user '" + name + "' with " + row.what);
    }
    return {};
  }

  Result<void> ReadUser(const std::string& name, Config& config) {
    const YAML::Node user = Named("users", "user", name);
    if (!user || !user.IsMap()) return Wrong("has no user '" + name + "'" + Known("users"));
    if (Result<void> refused = RefuseUser(user, name); !refused) return refused;
    if (Result<void> read = ReadMaterial(user, "client-certificate", config.client_certificate);
        !read) {
      return read;
    }
    if (Result<void> read = ReadMaterial(user, "client-key", config.client_key); !read) return read;
    config.token.data = Scalar(user, "token");
    if (Result<void> read = ReadFileName(user, "tokenFile", config.token); !read) return read;
    if (config.client_certificate.given() != config.client_key.given()) {
      return Wrong("has the user '" + name +
                   "' with only one of client-certificate and client-key");
    }
    if (config.client_certificate.given() || config.token.given()) return {};
    return Wrong("has the user '" + name + "' with neither a token nor a client certificate");
  }

  YAML::Node root_;
  std::filesystem::path directory_;
  std::string where_;
};

}  // namespace

std::string Config::Url() const {
  const bool v6 = host.find(':') != std::string::npos;
  return "https://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Config> ParseKubeconfig(std::string_view yaml, const std::filesystem::path& directory,
                               std::string_view origin, const KubeconfigOptions& options) {
  const std::string where(origin);
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap() || Scalar(root, "kind") != "Config") {
      return Invalid(where + " is not a kubeconfig (kind: Config)");
    }
    return Reader(root, directory, where).Read(options);
  } catch (const YAML::Exception& e) {
    return Invalid(where + " is not YAML: " + e.what());
  }
}

Result<Config> LoadKubeconfig(const std::filesystem::path& file, const KubeconfigOptions& options) {
  const std::optional<std::string> text = ReadWhole(file);
  if (!text) return Invalid(file.string() + " cannot be read as a kubeconfig");
  return ParseKubeconfig(*text, file.parent_path(), file.string(), options);
}

Result<Config> InClusterConfig(std::string_view host, std::string_view port,
                               const std::filesystem::path& directory) {
  if (host.empty() || port.empty()) {
    return Invalid(
        "not in a pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; give "
        "--kubeconfig FILE");
  }
  Config config;
  config.host = host;
  const auto [stop, failed] = std::from_chars(port.data(), port.data() + port.size(), config.port);
  if (failed != std::errc() || stop != port.data() + port.size() || config.port == 0) {
    return Invalid("KUBERNETES_SERVICE_PORT is '" + std::string(port) + "', not a port");
  }
  config.server_name = config.host;
  config.ca.file = (directory / "ca.crt").string();
  config.token.file = (directory / "token").string();
  for (const std::string& file : {config.ca.file, config.token.file}) {
    if (!ReadWhole(file)) {
      return Invalid(file +
                     " cannot be read; does the pod set automountServiceAccountToken: false?");
    }
  }
  config.default_namespace = ReadWhole(directory / "namespace").value_or("default");
  config.origin = "the service account of this pod";
  return config;
}

}  // namespace chaos::kube
