// The pods of the namespaces in which a run is waiting or live: watched from the first question on,
// dropped when nobody asks any more. Everywhere else the operator looks at no pod.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "controllers/world/pod.h"
#include "operator/kube/informer.h"

namespace chaos {

// Requires: what it is given outlives it. Thread-safety: all calls from any thread.
class PodWatch {
 public:
  using OnChange = std::function<void(const std::string& ns)>;
  PodWatch(kube::Client& client, Clock& clock, Random random, kube::Runner& runner,
           kube::WatchObserver* observer, OnChange on_change);

  struct Seen {
    bool synced = false;
    std::vector<std::shared_ptr<const Pod>> pods;
    std::optional<Error>
        error;  // of the last list: kDenied means that the operator is not bound there
  };
  // Starts watching if it did not.
  Seen Look(const std::string& ns);
  // The API server's answer to a write of ours.
  void Wrote(const std::string& ns, Pod pod);
  void KeepOnly(const std::set<std::string>& namespaces);

 private:
  struct Watched {
    std::unique_ptr<kube::Informer<Pod>> informer;
    std::unique_ptr<kube::Runner::Handle> handle;  // after the informer: ends first
  };
  kube::Client& client_;
  Clock& clock_;
  Random random_;
  kube::Runner& runner_;
  kube::WatchObserver* const observer_;
  const OnChange on_change_;
  std::mutex mutex_;
  std::map<std::string, Watched> watched_;
};

}  // namespace chaos
