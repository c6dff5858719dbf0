// Reports on a ChaosStop how far it has got. That everything stops is the runs' own doing.
#pragma once

#include "controllers/chaosexperiment/types.h"
#include "controllers/loadtest/types.h"
#include "controllers/world/stop.h"
#include "operator/kube/client.h"
#include "operator/kube/store.h"

namespace chaos::stop {

class Reconciler {
 public:
  struct Parts {
    kube::Client& client;
    const Clock& clock;
    kube::Store<experiment::Experiment>& experiments;
    kube::Store<loadtest::LoadTest>& loads;
    kube::Store<Stop>& stops;
    std::function<bool()> may_write;
  };
  explicit Reconciler(Parts parts) : p_(std::move(parts)) {}
  // Writes only when the figures have changed.
  Result<void> Reconcile(const kube::Key& key);

 private:
  Parts p_;
};

}  // namespace chaos::stop
