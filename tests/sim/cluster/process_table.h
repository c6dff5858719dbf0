// The processes of containers, as the kernel of their node keeps them: who ends one, and who makes
// one stand still. What an injector holds goes on when the injector ends, whatever it ended of;
// nobody else is needed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "injectors/processes.h"
#include "operator/base/random.h"
#include "tests/sim/cluster/kernel.h"
#include "tests/sim/timeline.h"

namespace chaos::sim {

// The processes of the system under test. Each container has two: the first, and a child that does
// the work and that the first starts again.
struct AppTraits {
  inject::OnTerm on_term = inject::OnTerm::kHandled;  // of the first
  nanoseconds ends_after{milliseconds(300)};          // of a SIGTERM that is handled
};

class ProcessTable {
 public:
  static constexpr int kChild = 7;

  enum class Blow { kKill, kTerm, kExit };
  // An injector: its own process, and the run that it belongs to.
  struct Hand {
    std::uint64_t process = 0;
    std::string run;
  };
  // What containers and the system hear of. `space` is one life of a container.
  struct Listener {
    std::function<void(const std::string& pod_uid, std::uint64_t space, int exit_code)> ended;
    std::function<void(const std::string& pod_uid, bool works)> works;  // the process, or its child
    std::function<void(const std::string& pod_uid, bool stands)> stands;
  };

  ProcessTable(Timeline& timeline, Random random, AppTraits app)
      : timeline_(timeline), random_(random), app_(app) {}
  void Tell(Listener listener) { listener_ = std::move(listener); }
  void SetMood(KernelMood mood) { mood_ = mood; }
  KernelMood mood() const { return mood_; }

  // For the kubelet.
  void Began(std::uint64_t space, const std::string& pod_uid);
  void Ended(std::uint64_t space);
  void InjectorEnded(std::uint64_t process);

  std::vector<inject::ProcessEntry> List(std::uint64_t space) const;
  std::optional<nanoseconds> BeganAt(std::uint64_t space) const;
  inject::OnTerm HowItTakesTerm(const inject::ProcessId& id) const;
  // nullopt: it is not there any more.
  std::optional<inject::Activity> Look(std::uint64_t space, const inject::ProcessId& id,
                                       std::uint64_t by) const;

  // Requires: the process is there. What comes of it may come at once, or a moment later.
  void Strike(const Hand& by, std::uint64_t space, const inject::ProcessId& id, Blow blow,
              int exit_code);
  void Hold(const Hand& by, std::uint64_t space, const inject::ProcessId& id);
  void Release(std::uint64_t by);
  // Whoever held it says that it is over.
  void Settle(std::uint64_t by);

  const std::vector<FaultSpan>& faults() const { return faults_; }

 private:
  struct Task {
    inject::ProcessId id;
    nanoseconds began{0};
    std::uint64_t holder = 0;  // 0: it goes on
    nanoseconds held_since{0}, held{0};
  };
  struct Space {
    std::string pod_uid;
    nanoseconds began{0};
    std::map<int, Task> tasks;  // by pid
  };
  struct Struck {
    std::size_t span = 0;
    std::uint64_t space = 0;
    inject::ProcessId victim;
    bool asked = false;   // SIGTERM: however it ends now, it was told to
    bool landed = false;  // a blow that nothing survives
  };

  const Task* Find(std::uint64_t space, const inject::ProcessId& id) const;
  Struck& Open(const Hand& by, std::uint64_t space, const inject::ProcessId& id, bool lasts);
  void Land(std::uint64_t by, std::uint64_t space, const inject::ProcessId& id, int exit_code);
  void EndTask(std::uint64_t space, const inject::ProcessId& id, int exit_code);
  void Close(std::uint64_t space, const inject::ProcessId& id);
  void BearChild(std::uint64_t space);
  void LetGo(Task& task, const std::string& pod_uid);
  inject::ProcessId NewId(int pid) const;

  Timeline& timeline_;
  Random random_;
  const AppTraits app_;
  Listener listener_;
  KernelMood mood_ = KernelMood::kGood;
  std::map<std::uint64_t, Space> spaces_;
  std::map<std::uint64_t, Struck> struck_;  // by the injector's process
  std::vector<FaultSpan> faults_;
};

}  // namespace chaos::sim
