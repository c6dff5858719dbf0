// The Runner of the simulation: each step has a fiber, and virtual time decides whose turn it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "operator/base/random.h"
#include "operator/kube/runner.h"
#include "tests/sim/runner/fiber.h"
#include "tests/sim/timeline.h"
#include "tests/sim/transport/process.h"

namespace chaos::sim {

class SimRunner final : public kube::Runner {
 public:
  // `on_crash` is told, from within a dying fiber, that the process has died; then Bury is due.
  SimRunner(Timeline& timeline, Process& process, Random random, std::function<void()> on_crash)
      : timeline_(timeline), process_(process), random_(random), on_crash_(std::move(on_crash)) {}
  // Requires: all handles are gone.
  ~SimRunner() override;

  std::unique_ptr<Handle> Run(std::string name, std::function<milliseconds()> step) override;
  // Requires: the process is dead; not from one of its fibers. Unwinds everything that blocks in
  // it.
  void Bury();

 private:
  struct Task;
  class TaskHandle;
  void Body(Task& task);
  void Sleep(Task& task, nanoseconds pause);
  void PlanWake(Task& task, nanoseconds pause);
  void WakeAt(Task& task, nanoseconds when);
  void Wake(Task& task);
  void End(Task& task);

  Timeline& timeline_;
  Process& process_;
  Random random_;
  const std::function<void()> on_crash_;
  std::vector<std::shared_ptr<Task>> tasks_;
};

}  // namespace chaos::sim
