// The contract cases against the simulated API server, through the transport of the simulation.
#include <gtest/gtest.h>

#include "tests/sim/api/crds.h"
#include "tests/sim/contract_cases.h"
#include "tests/sim/contract_objects.h"
#include "tests/sim/transport/sim_transport.h"

namespace chaos::sim {
namespace {

class SimStage final : public ContractStage {
 public:
  SimStage()
      : api_(timeline_), process_(timeline_), transport_(api_, timeline_, faults_, process_, {}) {
    InstallCrds(api_.server);
    api_.server.Create(kube::kNamespaces, "", {{"metadata", {{"name", ns_}}}});
  }
  kube::Transport& transport() override { return transport_; }
  const std::string& ns() override { return ns_; }
  std::function<void()> Wake() override {
    return [] {};
  }
  SimApi& api() { return api_; }
  bool Await(const std::function<bool()>& done, seconds limit) override {
    const nanoseconds until = timeline_.Now() + limit;
    while (!done()) {
      if (timeline_.Now() >= until) return false;
      if (!timeline_.RunNext(until))
        timeline_.RunUntil(std::min(until, timeline_.Now() + milliseconds(100)));
    }
    return true;
  }

 private:
  const std::string ns_ = "contract";
  Timeline timeline_;
  SimApi api_;
  Faults faults_;
  Process process_;
  SimTransport transport_;
};

TEST(SimulatedApiServer, KeepsTheContract) {
  int broken = 0;
  for (const ContractCase& one : ContractCases()) {
    SimStage stage;
    one.run(stage);
    const std::vector<std::string> expected(one.seen.begin(), one.seen.end());
    EXPECT_EQ(stage.notes(), expected) << one.name;
    broken += stage.notes() != expected;
  }
  std::printf("contract: %zu cases, %d broken\n", ContractCases().size(), broken);
  EXPECT_GE(ContractCases().size(), 25u);
}

// Not in the table: nobody can make a real one forget at will.
TEST(SimulatedApiServer, AWatchFromBeforeTheCompactionIsToldToListAgain) {
  SimStage stage;
  Must(stage, stage.client().Create(kube::kConfigMaps, stage.ns(), ConfigMap("a")));
  const Result<Json> made = stage.client().Create(kube::kConfigMaps, stage.ns(), ConfigMap("b"));
  Must(stage, stage.client().Create(kube::kConfigMaps, stage.ns(), ConfigMap("c")));
  stage.api().server.store().Compact(1);
  EXPECT_EQ(WatchReader(stage, kube::kConfigMaps, "", "1001").Next(), "ERROR 410");
  EXPECT_EQ(WatchReader(stage, kube::kConfigMaps, "", VersionOf(made)).Next(), "ADDED c");
}

}  // namespace
}  // namespace chaos::sim
