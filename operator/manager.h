// The whole operator over a transport, clocks, chance and a runner that it is given: production and
// simulation build the very same one. Nothing starts before Start; destroying it stops everything.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "controllers/chaosexperiment/guard.h"
#include "controllers/chaosexperiment/observed.h"
#include "operator/base/clock.h"
#include "operator/base/net/log.h"
#include "operator/base/net/metrics.h"
#include "operator/base/random.h"
#include "operator/kube/lease.h"
#include "operator/kube/runner.h"
#include "operator/kube/transport.h"

namespace chaos {

struct ManagerOptions {
  std::string ns;                // the operator's own namespace
  std::string identity;          // unique per process
  std::string profile = "rbee";  // ConfigMap chaos-profile-<profile> in `ns`
  experiment::Limits limits;
  experiment::Settings settings;
  seconds lease_duration{15}, lease_renew_deadline{10}, lease_retry{2};
};

class Manager {
 public:
  // Requires: everything by reference outlives it. `metrics` may be null.
  Manager(ManagerOptions options, kube::Transport& transport, Clock& clock, std::uint64_t seed,
          Entropy& entropy, kube::Runner& runner, Log& log, Metrics* metrics);
  ~Manager();

  void Start();
  // Finishes what is under way and gives the lease back, so that the other replica need not wait
  // for it to expire.
  void Stop();

  bool Leading() const;
  // The stores are filled and the fence was seen to refuse; a standby is ready, too.
  bool Ready() const;
  // Why it is not ready, for people.
  std::string NotReadyBecause() const;
  // A lost lease: the process must end, its caches may be behind another leader's acts. Called at
  // most once.
  void OnLeaseLost(std::function<void()> callback);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace chaos
