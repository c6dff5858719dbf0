// A program in a container, as the simulated kubelet runs it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/random.h"
#include "tests/sim/cluster/pod_network.h"
#include "tests/sim/cluster/process_table.h"

namespace chaos::sim {

// What a program may use of its surroundings.
struct ProcessContext {
  Timeline& timeline;
  const Clock& clock;  // of the node
  PodNetwork& network;
  ProcessTable& processes;
  std::string pod_uid;
  std::uint64_t space = 0;  // whose processes it shares: a life of the container that it targets
  std::uint64_t id = 0;     // unique in the world
  std::string arguments;    // the JSON document
  std::function<void(std::string line)> print;
  std::function<void(std::string text)> terminate_message;
  // Of the pod: a label as it began, an annotation as it is now (downward API).
  std::function<std::string(std::string_view)> label, annotation;
  // Ends the program. Nothing of it runs afterwards; it may be destroyed at once after the present
  // action.
  std::function<void(int exit_code)> exit;
  // Hands a stop to the injector of this pod's network that listens for the run; false: nobody
  // does.
  std::function<bool(const std::string& run, const std::string& nonce, const std::string& reason,
                     std::function<void(std::string)> answer)>
      ask_to_stop;
  // The addresses behind a headless Service, "name.namespace.svc"; nullopt: there is none.
  std::function<std::optional<std::vector<std::string>>(const std::string& name)> resolve;
};

// An injector, as its stopper sees it.
class Stoppable {
 public:
  virtual ~Stoppable() = default;
  virtual const std::string& run() const = 0;
  virtual void Stop(const std::string& nonce, const std::string& reason,
                    std::function<void(std::string)> answer) = 0;
};

class SimProcess {
 public:
  virtual ~SimProcess() = default;
  virtual void Start() = 0;
  virtual void Terminate() = 0;  // SIGTERM
  virtual void Freeze() {}       // SIGSTOP
};

}  // namespace chaos::sim
