// Everything that a plan is made from besides the experiment itself. Values and views; gathered by
// the reconciler.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controllers/chaosexperiment/guard.h"
#include "controllers/chaosexperiment/samples.h"
#include "controllers/chaosexperiment/select.h"
#include "controllers/chaosexperiment/types.h"
#include "controllers/loadtest/types.h"
#include "injectors/protocol/events.h"

namespace chaos::experiment {

// What the injector of one target has said, from its log lines and its termination message alike.
struct Said {
  std::optional<TimePoint> armed_at, applied_at, verified_at, reverted_at;
  std::string failure, message;  // a reason of protocol/events.h
  std::string cut_short;         // why it ended before its deadline: stopped | terminated
  std::string undo;              // what is left to undo, should it be no more
  bool ended = false;            // its last event has been seen
  std::string mechanism;
  std::map<std::string, std::string> requested, measured;
  std::int64_t last_seq = 0;
  void Add(const protocol::Event& event);
  void Add(const protocol::Record& record);
};

// What this process knows of one target beyond the stores. Lost with the process, and then found
// again.
struct TargetView {
  Said said;
  bool preflight_done = false;
  std::optional<Error> preflight_error;  // the API server would refuse the sidecar
  bool launch_uncertain = false;         // an attempt before the refusal may have been carried out
  std::optional<Error> launch_error, stopper_error, reverter_error;
  std::optional<TimePoint> removed_at;  // when the call that took the pod away was made
  // When its node (or the API server, for a pod that is gone) last said that the injector had not
  // started: a watch may be minutes behind.
  std::optional<TimePoint> not_started_at;
  std::optional<TimePoint> log_read_at;  // the last attempt
  int log_reads = 0;                     // while it ran
  int last_reads = 0;                    // after it ended: one that worked, or two that did not
};

struct Settings {
  std::string injector_image, load_image;
  seconds start_window{60};        // an injector that starts later than this never arms
  protocol::Control last_control;  // the API server, as a pod sees it
};

struct Observed {
  const Limits* limits = nullptr;
  const Settings* settings = nullptr;
  std::shared_ptr<const Namespace> ns;
  std::shared_ptr<const Stop> stop;                         // a ChaosStop that covers the namespace
  std::vector<std::shared_ptr<const Experiment>> siblings;  // the others of the namespace
  int max_live = 1;
  Census census;
  std::string not_bound;  // why pods cannot be seen there; empty = they can
  bool pods_synced = false;
  Pods pods;
  std::optional<std::vector<Service>> services;  // read only for a run that has no intent yet
  std::optional<Profile> profile;
  std::string profile_error;
  const SampleLog* samples = nullptr;
  std::optional<Error> probe_pod_error;  // it could not be created
  bool probe_pod_deleted = false;
  std::set<std::string> peer_services_made, peer_services_deleted;  // by name
  std::optional<Error> peer_service_error;                          // it could not be created
  std::map<std::string, TargetView> targets;                        // by pod uid
  std::shared_ptr<const loadtest::LoadTest> load;  // of the live run, or of the one that is shown
  std::optional<Error> load_error;                 // it could not be created
  std::optional<Result<Json>> referred_load;       // the LoadTest that spec.load.ref names
  std::vector<std::string> nonces;                 // fresh ones, should an intent be made now
};

}  // namespace chaos::experiment
