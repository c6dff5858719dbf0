// Nothing in the product reads a clock, chance or the network behind its back: the calls that do
// are in the files that say so. Looks at the sources themselves.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace chaos::sim {
namespace {

struct Rule {
  const char* what;
  std::regex pattern;
  std::set<std::string> allowed;  // relative to the root; a directory ends with a slash
};

// std::chrono's steady_clock in Asio timers is a clock, too: only the probe pod and the streams
// wait by it.
const std::vector<Rule>& Rules() {
  static const std::vector<Rule> kRules{
      {"the wall clock",
       std::regex(
           R"(system_clock::now|\bgettimeofday\s*\(|[^_\w.:]time\s*\(\s*(NULL|nullptr|0|&))"),
       {"operator/base/clock.cc"}},
      {"a monotonic clock",
       std::regex(R"(steady_clock::now|high_resolution_clock|\bclock_gettime\s*\()"),
       {"operator/base/clock.cc", "injectors/load/load_mode.cc"}},
      {"chance",
       std::regex(
           R"(random_device|\bgetrandom\s*\(|[^_\w]s?rand\s*\(|mt19937|default_random_engine|/dev/u?random|RAND_bytes)"),
       {"operator/base/random.cc", "injectors/agent/dns_lookup.cc"}},
      {"the network",
       std::regex(R"([^_\w.>]socket\s*\(|\bgetaddrinfo\s*\(|[^_\w.>:]connect\s*\(\s*\w*fd)"),
       {"injectors/agent/dns_lookup.cc", "injectors/agent/linux_node.cc",
        "injectors/agent/linux_proxy.cc", "injectors/agent/packet_queue.cc",
        "injectors/agent/sock_diag.cc", "injectors/agent/stop_channel.cc", "injectors/netlink.cc"}},
      {"a socket library",
       std::regex(R"(#include <(boost/(asio|beast)|cpprest)/)"),
       {"operator/kube/rest_cpprest.cc", "operator/kube/rest_beast.cc",
        "operator/kube/stream_beast.cc", "operator/kube/beast_connection.h",
        "operator/kube/beast_connection.cc", "operator/kube/tls.cc",
        "operator/base/net/http_server.cc", "injectors/load/"}},
      {"sleeping", std::regex(R"(sleep_for|sleep_until|\busleep\s*\(|\bnanosleep\s*\()"), {}},
      {"a named mistake",
       std::regex(R"(CHAOS_MUTANT\()"),
       {"operator/base/mutant.h", "controllers/chaosexperiment/bodies.cc",
        "controllers/chaosexperiment/guard.cc", "controllers/chaosexperiment/plan.cc",
        "controllers/chaosexperiment/plan_live.cc", "controllers/chaosexperiment/plan_intent.cc",
        "controllers/chaosexperiment/plan_process.cc", "controllers/chaosexperiment/plan_target.cc",
        "controllers/chaosexperiment/reconciler.cc", "controllers/loadtest/plan.cc",
        "controllers/loadtest/plan_live.cc", "controllers/loadtest/reconciler.cc",
        "injectors/agent/supervisor.cc", "operator/kube/watch.cc"}},
  };
  return kRules;
}

bool Allowed(const Rule& rule, const std::string& file) {
  for (const std::string& one : rule.allowed) {
    if (file == one || (one.ends_with('/') && file.starts_with(one))) return true;
  }
  return false;
}

std::string CodeOf(std::string line) {
  const std::size_t comment = line.find("//");
  return comment == std::string::npos ? line : line.substr(0, comment);
}

std::vector<std::string> Offences(const Rule& rule, const std::string& file, std::istream& text) {
  std::vector<std::string> found;
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    if (std::regex_search(" " + CodeOf(line), rule.pattern) && !Allowed(rule, file))
      found.push_back(file + ":" + std::to_string(number) + ": " + line);
  }
  return found;
}

TEST(Sources, OnlyNamedFilesReadAClockChanceOrTheNetwork) {
  const std::filesystem::path root = SIM_SOURCE_DIR;
  int files = 0;
  for (const char* directory : {"operator", "controllers", "injectors"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / directory)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      ++files;
      const std::string file = std::filesystem::relative(entry.path(), root);
      for (const Rule& rule : Rules()) {
        std::ifstream text(entry.path());
        for (const std::string& found : Offences(rule, file, text))
          ADD_FAILURE() << rule.what << ": " << found;
      }
    }
  }
  EXPECT_GT(files, 50);
}

TEST(Sources, EachRuleCatchesWhatItIsAbout) {
  const std::vector<std::string> bad{"auto now = std::chrono::system_clock::now();",
                                     "auto t = std::chrono::steady_clock::now();",
                                     "std::random_device seed;",
                                     "int fd = socket(AF_INET, SOCK_STREAM, 0);",
                                     "#include <boost/asio/ip/tcp.hpp>",
                                     "std::this_thread::sleep_for(seconds(1));",
                                     "if (CHAOS_MUTANT(\"x\")) return;"};
  ASSERT_EQ(bad.size(), Rules().size());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    std::istringstream text(bad[i]);
    EXPECT_EQ(Offences(Rules()[i], "controllers/new.cc", text).size(), 1u) << bad[i];
  }
}

}  // namespace
}  // namespace chaos::sim
