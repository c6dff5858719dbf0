// One operator process: production Manager over the simulated transport, clock, chance and runner.
#pragma once

#include <memory>
#include <optional>

#include "operator/manager.h"
#include "tests/sim/runner/sim_runner.h"
#include "tests/sim/transport/sim_transport.h"

namespace chaos::sim {

class SimEntropy final : public Entropy {
 public:
  explicit SimEntropy(std::uint64_t seed) : random_(seed) {}
  std::string Hex(std::size_t bytes) override;

 private:
  Random random_;
};

class Replica {
 public:
  struct Options {
    std::string identity;
    std::uint64_t seed = 0;
    nanoseconds clock_offset{0};
    std::optional<CrashPlan> crash;
    int crash_per_hundred_thousand = 0;
    std::function<void(const CallNote&)> note;
    std::function<void()> on_death;  // told once, whatever it died of; Bury is due
  };
  Replica(SimApi& api, Timeline& timeline, Faults& faults, Options options);
  ~Replica();

  // SIGKILL.
  void Kill();
  // SIGTERM: finishes what is under way and gives the lease back. Not from a fiber.
  void Stop();
  void Freeze(nanoseconds time) { process_.Freeze(time); }
  // Requires: dead, and not from one of its fibers.
  void Bury();
  // In the middle of Stop: Bury has to wait.
  bool stopping() const { return stopping_; }
  bool alive() const { return process_.alive(); }
  std::uint64_t calls() const { return process_.calls(); }
  SimClock& clock() { return clock_; }
  const Manager& manager() const { return *manager_; }

 private:
  void Died();

  const Options options_;
  Process process_;
  SimClock clock_;
  SimEntropy entropy_;
  NullLog log_;
  SimTransport transport_;
  SimRunner runner_;
  bool told_ = false;
  bool stopping_ = false;
  std::unique_ptr<Manager> manager_;
};

}  // namespace chaos::sim
