#include "tests/sim/world/scenario.h"

namespace chaos::sim {
namespace {

constexpr std::array<std::string_view, kDeeds> kDeedNames{"abort",
                                                          "delete",
                                                          "chaos stop",
                                                          "stop lifted",
                                                          "target replaced",
                                                          "target forced away",
                                                          "peer replaced",
                                                          "injector killed",
                                                          "sandbox killed",
                                                          "namespace deleted",
                                                          "node clock jumps",
                                                          "operator clock jumps",
                                                          "operator killed",
                                                          "operator frozen",
                                                          "operator stopped",
                                                          "history compacted",
                                                          "manifest re-applied",
                                                          "spec edited",
                                                          "probe pod killed",
                                                          "status stripped",
                                                          "target crashes",
                                                          "another crashes",
                                                          "worker added",
                                                          "injector frozen",
                                                          "load aborted",
                                                          "load deleted",
                                                          "load pod killed",
                                                          "load pod evicted",
                                                          "load pod forced away",
                                                          "job deleted"};

void DrawSystem(Random& random, Scenario& s) {
  if (random.Chance(1, 8))
    s.rbee.notices_after.reset();
  else
    s.rbee.notices_after = milliseconds(500 + random.Below(9000));
  s.rbee.recovers_after = milliseconds(200 + random.Below(6000));
  if (random.Chance(1, 16)) s.rbee.recovers_after = seconds(600);
  if (random.Chance(1, 24)) s.rbee.healthy_before = false;
  if (random.Chance(1, 16)) s.rbee.flaky_per_mille = 10;
  constexpr std::array kBad{KernelMood::kNoEffect, KernelMood::kPartial, KernelMood::kNotPermitted};
  if (random.Chance(1, 8)) s.kernel = kBad[random.Below(kBad.size())];
}

void DrawCluster(Random& random, Scenario& s) {
  if (random.Chance(1, 4))
    s.kubelet.slow_start_per_mille = static_cast<int>(100 + random.Below(900));
  if (random.Chance(1, 12)) s.kubelet.images["chaos-injector:1"] = seconds(20 + random.Below(160));
  if (random.Chance(1, 24)) s.kubelet.images["chaos-load:1"] = seconds(5 + random.Below(400));
  if (random.Chance(1, 3)) s.node_clock = milliseconds(random.Below(20000)) - seconds(10);
  if (random.Chance(1, 24)) s.node_clock = random.Chance(1, 2) ? seconds(200) : seconds(-200);
  if (random.Chance(1, 20)) s.refuse_sidecars = true;
}

ProcessFault DrawProcess(Random& random) {
  using protocol::ProcessAction;
  using protocol::When;
  constexpr std::array kActions{ProcessAction::kKill, ProcessAction::kExit,
                                ProcessAction::kTerminate, ProcessAction::kHang};
  ProcessFault fault;
  fault.action = kActions[random.Below(kActions.size())];
  fault.exit_code = static_cast<int>(random.Below(4)) * 42;
  fault.grace_s = static_cast<int>(random.Below(6));
  if (random.Chance(1, 3)) fault.duty_cycle = static_cast<int>(30 + random.Below(60));
  fault.child = random.Chance(1, 4);
  fault.half = random.Chance(1, 4);
  fault.within = seconds(4 + random.Below(20));
  if (random.Chance(1, 2)) return fault;
  constexpr std::array kWhens{When::kDuringInference, When::kRandomWithin,
                              When::kDuringRegistration};
  fault.when = kWhens[random.Below(kWhens.size())];
  if (fault.ForNewPods()) fault.half = false;
  return fault;
}

// From a source of its own, so that the rest of the draw stays as it is.
void DrawProcesses(std::uint64_t seed, Scenario& s) {
  Random random(seed * 0x9E3779B97F4A7C15ULL + 3);
  const auto soon = [&] { return seconds(s.baseline_s) + milliseconds(random.Below(15000)); };
  if (random.Chance(1, 2)) {
    if (random.Chance(1, 8)) s.events.push_back({soon(), Deed::kFreezeInjector});
    return;
  }
  s.process = DrawProcess(random);
  s.asks_pods = random.Chance(1, 3);
  s.workers = random.Chance(1, 6) ? 1 : static_cast<int>(2 + random.Below(2));
  constexpr std::array kOnTerm{inject::OnTerm::kHandled, inject::OnTerm::kHandled,
                               inject::OnTerm::kIgnored};
  s.kubelet.app.on_term = kOnTerm[random.Below(kOnTerm.size())];
  s.kubelet.app.ends_after = milliseconds(50 + random.Below(5000));
  s.rbee.registers_after = milliseconds(500 + random.Below(6000));
  s.rbee.streams = !random.Chance(1, 8);
  if (random.Chance(1, 3)) s.kubelet.lost_reports_per_mille = 700;
  if (random.Chance(1, 2)) {
    const std::size_t deeds = kFirstLoadDeed - kFirstProcessDeed;
    s.events.push_back({soon(), static_cast<Deed>(kFirstProcessDeed + random.Below(deeds))});
  }
  if (s.process->ForNewPods() && random.Chance(4, 5))
    s.events.push_back({soon(), Deed::kAddWorker});
}

void DrawLoadDeeds(Random& random, Scenario& s) {
  const std::uint64_t events = random.Chance(1, 2) ? 0 : 1 + random.Below(2);
  for (std::uint64_t i = 0; i < events; ++i) {
    const Deed deed = static_cast<Deed>(kFirstLoadDeed + random.Below(kDeeds - kFirstLoadDeed));
    s.events.push_back({milliseconds(random.Below(70'000)), deed});
  }
}

// The same for loads.
void DrawLoads(std::uint64_t seed, Scenario& s) {
  Random random(seed * 0x9E3779B97F4A7C15ULL + 2);
  const std::uint64_t kind = random.Below(8);  // half of the worlds have none
  if (kind >= 4) return;
  if (kind >= 2) {
    s.owns = kind == 2 ? Owns::kRun : Owns::kRef;
    s.owned_vus = static_cast<int>(1 + random.Below(6));
    if (random.Chance(1, 2)) return DrawLoadDeeds(random, s);
  }
  const std::uint64_t loads = random.Chance(1, 6) ? 2 : 1;
  for (std::uint64_t i = 0; i < loads; ++i) {
    const int pods = static_cast<int>(1 + random.Below(4));
    s.loads.push_back({pods, pods + static_cast<int>(random.Below(6)),
                       static_cast<int>(10 + random.Below(50)), random.Chance(1, 3)});
  }
  if (random.Chance(1, 12)) s.pod_quota = static_cast<int>(random.Below(3));
  DrawLoadDeeds(random, s);
}

}  // namespace

std::string_view Name(Deed deed) { return kDeedNames[static_cast<std::size_t>(deed)]; }

Scenario Calm() { return {}; }

Scenario CalmKill() {
  Scenario s;
  s.process.emplace().when = protocol::When::kDuringInference;
  s.asks_pods = true;
  return s;
}

Scenario Swarm(std::uint64_t seed) {
  Random random(seed * 0x9E3779B97F4A7C15ULL + 1);
  Scenario s;
  s.seed = seed;
  s.replicas = random.Chance(1, 3) ? 2 : 1;
  s.duration_s = static_cast<int>(5 + random.Below(26));
  s.baseline_s = static_cast<int>(3 + random.Below(8));
  s.within_s = static_cast<int>(15 + random.Below(30));
  s.stable_s = static_cast<int>(2 + random.Below(4));
  s.detect_s = static_cast<int>(5 + random.Below(25));
  s.stable_names = random.Chance(1, 2);
  s.experiments = random.Chance(1, 12) ? 2 : 1;
  DrawSystem(random, s);
  DrawCluster(random, s);
  if (random.Chance(3, 4)) s.faults = Faults::Swarm(Random(random.Next()));
  if (random.Chance(1, 3))
    s.crash_per_hundred_thousand = static_cast<int>(200 + random.Below(2000));
  const std::uint64_t events = random.Chance(1, 4) ? 0 : random.Below(4);
  for (std::uint64_t i = 0; i < events; ++i) {
    const Deed deed = static_cast<Deed>(random.Below(static_cast<std::size_t>(Deed::kCrashTarget)));
    const std::uint64_t longest =
        static_cast<std::uint64_t>(s.duration_s + s.baseline_s + 25) * 1000;
    const milliseconds finished = deed == Deed::kStripStatus ? seconds(120) : seconds(0);
    s.events.push_back({finished + milliseconds(random.Below(longest)), deed});
  }
  DrawProcesses(seed, s);
  DrawLoads(seed, s);
  return s;
}

}  // namespace chaos::sim
