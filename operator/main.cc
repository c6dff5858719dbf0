// The operator process: reads options, connects, serves /metrics, runs the manager until SIGTERM or
// a lost lease. Exit codes: 0 asked to stop, 1 cannot work or lost the lease (start it again), 2
// wrong options.
#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "injectors/protocol/faults.h"
#include "operator/base/net/http_server.h"
#include "operator/kube/api_transport.h"
#include "operator/kube/metered_transport.h"
#include "operator/kube/thread_runner.h"
#include "operator/options.h"

namespace chaos {
namespace {

LogLevel LevelOf(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "warn") return LogLevel::kWarn;
  return name == "error" ? LogLevel::kError : LogLevel::kInfo;
}

Result<kube::Config> FindCluster(const Options& options) {
  if (!options.kubeconfig.empty())
    return kube::LoadKubeconfig(options.kubeconfig, {.context = options.context});
  const auto env = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  return kube::InClusterConfig(env("KUBERNETES_SERVICE_HOST"), env("KUBERNETES_SERVICE_PORT"));
}

MetricsOptions TheMetrics() {
  MetricsOptions options{CHAOS_VERSION,
                         "chaos-operator",
                         {},
                         {"verified", "failed"},
                         {},
                         {"ChaosExperiment", "ChaosStop", "LoadTest", "Namespace", "Pod"}};
  for (const protocol::FaultRow& fault : protocol::Faults()) options.faults.emplace_back(fault.key);
  options.guard_rules = {"StopEngaged",
                         "ProtectedNamespace",
                         "NamespaceNotOptedIn",
                         "NamespaceTier",
                         "NamespaceTerminating",
                         "NamespaceUnknown",
                         "UnknownFault",
                         "Tier",
                         "Duration",
                         "OwnPod",
                         "HostNetwork",
                         "NotRunning",
                         "SidecarLimit",
                         "LiveTargets"};
  return options;
}

int RunOperator(Options options) {
  SystemClock clock;
  std::unique_ptr<Log> log = MakeJsonLog(LevelOf(options.log_level), clock);
  SystemEntropy entropy;
  if (options.manager.identity.empty()) options.manager.identity = "chaos-operator";
  options.manager.identity += "-" + entropy.Hex(4);  // a restarted container is another candidate

  Result<kube::Config> config = FindCluster(options);
  if (!config) {
    log->Error("no cluster", {{"why", config.error().detail}});
    return 1;
  }
  if (config->host.find_first_not_of("0123456789.:abcdef") == std::string::npos) {
    options.manager.settings.last_control = {"API server", config->host, config->port};
  }
  auto credentials = kube::Credentials::Make(*config, clock);
  if (!credentials) {
    log->Error("no credentials", {{"why", credentials.error().detail}});
    return 1;
  }
  kube::ApiTransport api(**credentials, options.transport == "beast" ? kube::RestLibrary::kBeast
                                                                     : kube::RestLibrary::kCpprest);
  kube::ThreadRunner runner;
  Metrics metrics(TheMetrics());
  kube::MeteredTransport transport(api, clock, metrics, config->host);
  Manager manager(options.manager, transport, clock, std::stoull(entropy.Hex(7), nullptr, 16),
                  entropy, runner, *log, &metrics);

  auto server = HttpServer::Start(
      {.port = options.metrics_port},
      {{"/metrics",
        [&] {
          return HttpAnswer{200, metrics.Scrape(), std::string(Metrics::kContentType)};
        }},
       {"/healthz",
        [] {
          return HttpAnswer{200, "ok\n"};
        }},
       {"/readyz", [&] {
          const std::string why = manager.NotReadyBecause();
          return why.empty() ? HttpAnswer{200, "ok\n"} : HttpAnswer{503, why + "\n"};
        }}});
  if (!server) {
    log->Error("no metrics server", {{"why", server.error().detail}});
    return 1;
  }

  bool lost = false;
  const pid_t self = getpid();
  manager.OnLeaseLost([&lost, self] {
    lost = true;
    kill(self, SIGTERM);
  });
  log->Info("starting", {{"version", CHAOS_VERSION},
                         {"identity", options.manager.identity},
                         {"cluster", config->origin},
                         {"transport", options.transport}});
  manager.Start();

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int signal = 0;
  sigwait(&signals, &signal);
  log->Info(lost ? "stopping: the lease is lost" : "stopping", {});
  manager.Stop();
  transport.Shutdown();
  std::fflush(nullptr);
  std::quick_exit(lost ? 1 : 0);  // cpprestsdk may crash in its static destructors
}

}  // namespace
}  // namespace chaos

int main(int argc, char** argv) {
  // Before any thread: the signals are taken by sigwait alone.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const chaos::ParsedOptions parsed = chaos::ParseOptions(argc, argv);
  if (!parsed.help_or_error.empty()) {
    std::fputs(parsed.help_or_error.c_str(), parsed.exit_code == 0 ? stdout : stderr);
    return parsed.exit_code;
  }
  return chaos::RunOperator(parsed.options);
}
