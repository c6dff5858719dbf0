// A kubeconfig that we cannot honour is refused with a sentence that says what to write instead.
#include "operator/kube/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/contract/scratch.h"

namespace chaos::kube {
namespace {

using testing::HasSubstr;

// A kubeconfig from its cluster and its user, with one context.
std::string Kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts:\n- {name: here, context: {cluster: c, user: u, namespace: rbee}}\n"
         "clusters:\n- {name: c, cluster: {" +
         cluster + "}}\nusers:\n- {name: u, user: {" + user + "}}\n";
}

constexpr const char* kCluster =
    "server: 'https://10.0.0.1:6443', certificate-authority-data: Q0E=";

struct Wrong {
  const char* name;
  std::string yaml;
  const char* sentence;
  const char* context = "";
};

TEST(Kubeconfig, SaysWhatIsWrongAndWhatToWriteInstead) {
  const Wrong kRows[] = {
      {"not YAML", "a: [", "is not YAML"},
      {"another file", "kind: Pod", "is not a kubeconfig (kind: Config)"},
      {"a list", "- a", "is not a kubeconfig (kind: Config)"},
      {"no current context",
       "kind: Config\ncontexts: [{name: a, context: {}}, {name: b, context: {}}]",
       "has no current-context; choose one with --context NAME; it has: a, b"},
      {"no contexts", "kind: Config",
       "has no current-context; choose one with --context NAME; it has none at all"},
      {"unknown context", Kubeconfig(kCluster, "token: t"), "has no context 'there'; it has: here",
       "there"},
      {"unknown cluster",
       "kind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: gone, user: u}}]",
       "has no cluster 'gone'; it has none at all"},
      {"unknown user",
       "kind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c, user: "
       "gone}}]\n"
       "clusters: [{name: c, cluster: {server: 'https://h', certificate-authority-data: Q0E=}}]",
       "has no user 'gone'"},
      {"no server", Kubeconfig("certificate-authority-data: Q0E=", "token: t"),
       "has a cluster without a server"},
      {"plain HTTP", Kubeconfig("server: 'http://10.0.0.1:8080'", "token: t"),
       "it must start with https://"},
      {"port that is none", Kubeconfig("server: 'https://h:99999'", "token: t"),
       "whose host or port is wrong"},
      {"port 0", Kubeconfig("server: 'https://h:0'", "token: t"), "whose host or port is wrong"},
      {"no host", Kubeconfig("server: 'https://:6443'", "token: t"), "whose host or port is wrong"},
      {"no CA", Kubeconfig("server: 'https://h'", "token: t"), "add certificate-authority-data"},
      {"CA not base64",
       Kubeconfig("server: 'https://h', certificate-authority-data: '%%%%'", "token: t"),
       "has a certificate-authority-data that is not base64"},
      {"CA file missing",
       Kubeconfig("server: 'https://h', certificate-authority: gone.crt", "token: t"),
       "gone.crt as certificate-authority, which cannot be read"},
      {"insecure", Kubeconfig("server: 'https://h', insecure-skip-tls-verify: true", "token: t"),
       "anybody on the way could answer as the API server"},
      {"proxy", Kubeconfig(std::string(kCluster) + ", proxy-url: 'http://p'", "token: t"),
       "asks for a proxy"},
      {"exec plugin", Kubeconfig(kCluster, "exec: {command: aws}"),
       "an exec plugin, and this client runs no programs"},
      {"auth-provider", Kubeconfig(kCluster, "auth-provider: {name: gcp}"), "an auth-provider"},
      {"password", Kubeconfig(kCluster, "username: a, password: b"), "a password"},
      {"impersonation", Kubeconfig(kCluster, "token: t, as: root"), "impersonation (as)"},
      {"nothing", Kubeconfig(kCluster, ""), "with neither a token nor a client certificate"},
      {"certificate without key", Kubeconfig(kCluster, "client-certificate-data: Q0E="),
       "only one of client-certificate and client-key"},
      {"key without certificate", Kubeconfig(kCluster, "token: t, client-key-data: Q0E="),
       "only one of client-certificate and client-key"},
      {"token file missing", Kubeconfig(kCluster, "tokenFile: gone"),
       "gone as tokenFile, which cannot be read"},
  };
  for (const Wrong& row : kRows) {
    const Result<Config> config =
        ParseKubeconfig(row.yaml, "/nowhere", "the file", {.context = row.context});
    ASSERT_FALSE(config) << row.name;
    EXPECT_EQ(config.error().reason, Reason::kInvalid) << row.name;
    EXPECT_THAT(config.error().detail, HasSubstr(row.sentence)) << row.name;
    EXPECT_THAT(config.error().detail, HasSubstr("the file")) << row.name;
  }
}

TEST(Kubeconfig, ReadsWhatKubectlReads) {
  const Result<Config> config =
      ParseKubeconfig(Kubeconfig(kCluster, "token: secret"), "/etc/kube", "f");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->host, "10.0.0.1");
  EXPECT_EQ(config->port, 6443);
  EXPECT_EQ(config->server_name, "10.0.0.1");
  EXPECT_EQ(config->default_namespace, "rbee");
  EXPECT_EQ(config->ca.data, "CA");
  EXPECT_EQ(config->token.data, "secret");
  EXPECT_EQ(config->Url(), "https://10.0.0.1:6443");
  EXPECT_EQ(config->origin, "context 'here' of f");
}

TEST(Kubeconfig, ReadsServersInEveryForm) {
  struct Row {
    const char* server;
    const char* host;
    int port;
    const char* prefix;
    const char* url;
  };
  const Row kRows[] = {
      {"https://kube.test", "kube.test", 443, "", "https://kube.test:443"},
      {"https://kube.test/", "kube.test", 443, "", "https://kube.test:443"},
      {"https://rancher.test:8443/k8s/clusters/c-1/", "rancher.test", 8443, "/k8s/clusters/c-1",
       "https://rancher.test:8443"},
      {"https://[fd00::1]:6443", "fd00::1", 6443, "", "https://[fd00::1]:6443"},
      {"https://[fd00::1]", "fd00::1", 443, "", "https://[fd00::1]:443"},
  };
  for (const Row& row : kRows) {
    const std::string cluster =
        std::string("certificate-authority-data: Q0E=, server: '") + row.server + "'";
    const Result<Config> config = ParseKubeconfig(Kubeconfig(cluster, "token: t"), "/", "f");
    ASSERT_TRUE(config) << row.server << config.error().detail;
    EXPECT_EQ(config->host, row.host);
    EXPECT_EQ(config->port, row.port);
    EXPECT_EQ(config->path_prefix, row.prefix);
    EXPECT_EQ(config->Url(), row.url);
  }
}

TEST(Kubeconfig, TakesFilesRelativeToItself) {
  const contract::Scratch scratch;
  scratch.Write("ca.crt", "CA");
  scratch.Write("token", "t");
  scratch.Write("config", Kubeconfig("server: 'https://h', certificate-authority: ca.crt",
                                     "tokenFile: token"));
  const Result<Config> config = LoadKubeconfig(scratch.path() / "config");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->ca.file, (scratch.path() / "ca.crt").string());
  EXPECT_EQ(config->token.file, (scratch.path() / "token").string());
}

TEST(Kubeconfig, IsInsecureOnlyWhenAskedTwice) {
  const std::string yaml =
      Kubeconfig("server: 'https://h', insecure-skip-tls-verify: true", "token: t");
  const Result<Config> config =
      ParseKubeconfig(yaml, "/", "f", {.context = "", .allow_insecure = true});
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_TRUE(config->insecure);
}

TEST(Kubeconfig, ThatIsMissingIsNamed) {
  const Result<Config> config = LoadKubeconfig("/nowhere/config");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().detail, "/nowhere/config cannot be read as a kubeconfig");
}

TEST(InCluster, ReadsTheServiceAccountOfThePod) {
  const contract::Scratch scratch;
  scratch.Write("ca.crt", "CA");
  scratch.Write("token", "t");
  scratch.Write("namespace", "chaos");
  const Result<Config> config = InClusterConfig("10.96.0.1", "443", scratch.path());
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->Url(), "https://10.96.0.1:443");
  EXPECT_EQ(config->default_namespace, "chaos");
}

TEST(InCluster, SaysWhatIsMissing) {
  const contract::Scratch scratch;
  EXPECT_THAT(InClusterConfig("", "", scratch.path()).error().detail, HasSubstr("not in a pod"));
  EXPECT_THAT(InClusterConfig("10.96.0.1", "https", scratch.path()).error().detail,
              HasSubstr("not a port"));
  EXPECT_THAT(InClusterConfig("10.96.0.1", "443", scratch.path()).error().detail,
              HasSubstr("automountServiceAccountToken"));
}

}  // namespace
}  // namespace chaos::kube
