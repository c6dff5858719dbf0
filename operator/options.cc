#include "operator/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "operator/base/time_text.h"

namespace chaos {
namespace {

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// "" or what is wrong with what only makes sense together.
std::string Check(Options& o, const std::string& max_duration, const std::string& start_window) {
  const Result<milliseconds> duration = ParseDuration(max_duration);
  if (!duration) return "--max-duration: " + duration.error().detail;
  const Result<milliseconds> window = ParseDuration(start_window);
  if (!window) return "--start-window: " + window.error().detail;
  if (*window < seconds(5) || *window > std::chrono::minutes(10))
    return "--start-window must be between 5s and 10m";
  o.manager.limits.max_duration = *duration;
  o.manager.settings.start_window = std::chrono::duration_cast<seconds>(*window);
  if (o.manager.ns.empty())
    return "the operator's own namespace is not known: set --namespace, or the environment "
           "variable POD_NAMESPACE";
  if (o.manager.settings.injector_image.empty()) return "--injector-image is needed";
  if (o.manager.settings.load_image.empty()) return "--load-image is needed";
  const kube::LeaseOptions lease{o.manager.ns,
                                 "chaos-operator",
                                 o.manager.identity,
                                 o.manager.lease_duration,
                                 o.manager.lease_renew_deadline,
                                 o.manager.lease_retry};
  return kube::CheckLeaseOptions(lease);
}

}  // namespace

ParsedOptions ParseOptions(int argc, const char* const* argv) {
  ParsedOptions parsed;
  Options& o = parsed.options;
  o.manager.ns = Env("POD_NAMESPACE");
  o.manager.identity = Env("POD_NAME");
  std::string max_duration = "1h", start_window = "60s";
  int lease = 15;

  CLI::App app{
      "Runs chaos experiments on the deployments of a cluster: measured, ended in time, judged."};
  app.set_version_flag("--version", std::string("chaos-operator ") + CHAOS_VERSION);
  app.add_option("--injector-image", o.manager.settings.injector_image,
                 "image of the injector sidecar; a digest in production");
  app.add_option("--load-image", o.manager.settings.load_image, "image of the probe pod");
  app.add_option("--namespace", o.manager.ns, "own namespace: lease, profiles [POD_NAMESPACE]");
  app.add_option("--identity", o.manager.identity, "name of this replica [POD_NAME]");
  app.add_option("--profile", o.manager.profile,
                 "ConfigMap chaos-profile-<this> says what the components are [rbee]");
  app.add_option("--kubeconfig", o.kubeconfig,
                 "outside of a cluster: how to reach it; else the pod's own service account");
  app.add_option("--context", o.context, "context of the kubeconfig [its current one]");
  app.add_option("--metrics-port", o.metrics_port, "port of /metrics, /healthz and /readyz [8080]");
  app.add_option("--max-duration", max_duration,
                 "longest duration that an experiment may ask for [1h]");
  app.add_option("--max-live-targets", o.manager.limits.max_live_targets,
                 "targets hit at once in the whole cluster [50]")
      ->check(CLI::Range(1, 1000));
  app.add_option("--max-sidecars", o.manager.limits.max_sidecars,
                 "sidecars of ours per pod, which can never be removed [32]")
      ->check(CLI::Range(2, 100));
  app.add_option("--start-window", start_window,
                 "an injector that starts later than this after its launch refuses to arm [60s]");
  app.add_option("--lease-seconds", lease,
                 "how long a leader that has gone silent keeps the lease [15]")
      ->check(CLI::Range(5, 120));
  app.add_option("--log-level", o.log_level, "debug, info, warn or error [info]")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option(
         "--transport", o.transport,
         "library of unary calls to the API server: cpprest or beast [cpprest]; watches and "
         "logs are always beast")
      ->check(CLI::IsMember({"cpprest", "beast"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    parsed.help_or_error = app.help();
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.help_or_error = std::string("chaos-operator ") + CHAOS_VERSION + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    parsed.help_or_error = std::string(error.what()) + "; --help lists the options\n";
    parsed.exit_code = 2;
    return parsed;
  }
  o.manager.lease_duration = seconds(lease);
  o.manager.lease_renew_deadline = seconds(lease * 2 / 3);
  o.manager.lease_retry = seconds(std::max(1, lease * 2 / 15));
  o.manager.limits.operator_namespace = o.manager.ns;
  if (std::string wrong = Check(o, max_duration, start_window); !wrong.empty()) {
    parsed.help_or_error = wrong + "\n";
    parsed.exit_code = 2;
  }
  return parsed;
}

}  // namespace chaos
