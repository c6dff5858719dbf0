// Process faults, rule by rule: as whom the injector runs, who may not be hit, and what the kubelet
// says of an end.
#include "controllers/chaosexperiment/process.h"

#include <gtest/gtest.h>

#include "controllers/chaosexperiment/bodies.h"
#include "tests/unit/controllers/fixture.h"

namespace chaos::experiment {
namespace {

using protocol::ProcessAction;
using protocol::Tier;

Spec Killing(ProcessAction action, Tier allowed) {
  Spec spec;
  spec.target.component = "worker";
  spec.process = protocol::Process{};
  spec.process->action = action;
  spec.fault_key = action == ProcessAction::kExit ? "process.Exit" : "process.Kill";
  spec.max_privilege = allowed;
  return spec;
}

struct MeansRow {
  const char* name;
  User user;
  ProcessAction action;
  Tier allowed;
  const char* capability;  // nullptr: refused
  const char* allow;       // what the refusal says to allow
};

class MeansTable : public testing::TestWithParam<MeansRow> {};

TEST_P(MeansTable, AreTheLowestThatWork) {
  const MeansRow& row = GetParam();
  auto pod = MakePod("worker-0", "worker", "10.0.0.1", 8080);
  pod->users["worker"] = row.user;
  const Result<Means> means = ChooseMeans(Killing(row.action, row.allowed), *pod, "worker");
  ASSERT_EQ(static_cast<bool>(means), row.capability != nullptr);
  if (!means) {
    EXPECT_NE(std::string::npos,
              means.error().detail.find("safety.maxPrivilege: " + std::string(row.allow)))
        << means.error().detail;
    return;
  }
  EXPECT_EQ(row.capability, means->capability);
  const bool as_target = means->capability.empty();
  EXPECT_EQ(as_target ? row.user.uid : std::optional<std::int64_t>(0), means->user);
  EXPECT_EQ(as_target ? row.user.gid : std::optional<std::int64_t>(0), means->group);
}

INSTANTIATE_TEST_SUITE_P(
    All, MeansTable,
    testing::Values(
        MeansRow{"known", {1000, 1001}, ProcessAction::kKill, Tier::kNoCapabilities, "", ""},
        MeansRow{"known_with_more_allowed",
                 {1000, 1},
                 ProcessAction::kKill,
                 Tier::kProcessTamper,
                 "",
                 ""},
        MeansRow{"group_unknown",
                 {1000, {}},
                 ProcessAction::kKill,
                 Tier::kPodCapabilities,
                 "SYS_PTRACE",
                 ""},
        MeansRow{
            "unknown", {}, ProcessAction::kKill, Tier::kNoCapabilities, nullptr, "PodCapabilities"},
        MeansRow{"root", {0, 0}, ProcessAction::kKill, Tier::kPodCapabilities, "SYS_PTRACE", ""},
        MeansRow{"root_without",
                 {0, 0},
                 ProcessAction::kKill,
                 Tier::kNoCapabilities,
                 nullptr,
                 "PodCapabilities"},
        MeansRow{"exit_tampers",
                 {1000, 1000},
                 ProcessAction::kExit,
                 Tier::kPodCapabilities,
                 nullptr,
                 "ProcessTamper"},
        MeansRow{"exit_known", {1000, 1000}, ProcessAction::kExit, Tier::kProcessTamper, "", ""},
        MeansRow{"exit_unknown", {}, ProcessAction::kExit, Tier::kProcessTamper, "SYS_PTRACE", ""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Means, TheSidecarIsMadeOfThem) {
  Intent intent;
  intent.container = "worker";
  intent.run_as_user = 1000;
  intent.run_as_group = 1001;
  Json container = SidecarPatch(intent, "uid")["spec"]["ephemeralContainers"][0];
  EXPECT_EQ("worker", container["targetContainerName"]);
  EXPECT_EQ(Json::parse(R"({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
      "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1001,
      "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}})"),
            container["securityContext"]);
  container = SidecarPatch(Intent{}, "uid")["spec"]["ephemeralContainers"][0];
  EXPECT_EQ(Json::parse(R"(["NET_ADMIN"])"), container["securityContext"]["capabilities"]["add"])
      << "an intent that an older operator wrote";
}

TEST(Users, TheKubeletKnowsBetterThanThePodAndTheContainerBetterThanItsPod) {
  const auto user = [](const char* text) {
    return Pod::FromJson(Json::parse(text))->users.at("w");
  };
  const User pod = user(R"({"spec": {"securityContext": {"runAsUser": 5, "runAsGroup": 6},
                                     "containers": [{"name": "w"}]}})");
  EXPECT_EQ(5, pod.uid);
  EXPECT_EQ(6, pod.gid);
  const User own = user(R"({"spec": {"securityContext": {"runAsUser": 5, "runAsGroup": 6},
      "containers": [{"name": "w", "securityContext": {"runAsUser": 7}}]}})");
  EXPECT_EQ(7, own.uid);
  EXPECT_EQ(6, own.gid);
  const User half = user(R"({"spec": {"containers": [{"name": "w",
      "securityContext": {"runAsUser": 7}}]}})");
  EXPECT_FALSE(half.Known());
  const User seen = user(R"({"spec": {"containers": [{"name": "w"}]}, "status":
      {"containerStatuses": [{"name": "w", "user": {"linux": {"uid": 8, "gid": 9}}}]}})");
  EXPECT_TRUE(seen.Known());
  EXPECT_EQ(9, seen.gid);
}

// --- who may not be hit

std::string RuleFor(Pods workers, std::size_t hit, ProcessAction action = ProcessAction::kKill) {
  Experiment cx = MakeExperiment();
  cx.spec = Killing(action, Tier::kPodCapabilities);
  const Pods targets(workers.begin(), workers.begin() + static_cast<std::ptrdiff_t>(hit));
  const auto refusal = MayRemove(cx, workers, targets);
  return refusal ? refusal->rule + (refusal->may_pass_later ? " later" : "") : "";
}
std::shared_ptr<Pod> Worker(int n, bool ready = true) {
  auto pod = MakePod("worker-" + std::to_string(n), "worker", "10.0.0." + std::to_string(n), 8080);
  pod->ready = ready;
  return pod;
}

TEST(LastReady, OneReadyReplicaIsAlwaysLeft) {
  EXPECT_EQ("", RuleFor({Worker(1), Worker(2)}, 1));
  EXPECT_EQ("", RuleFor({Worker(1), Worker(2), Worker(3)}, 2));
  EXPECT_EQ("LastReady", RuleFor({Worker(1)}, 1));
  EXPECT_EQ("LastReady", RuleFor({Worker(1), Worker(2)}, 2));
  EXPECT_EQ("LastReady later", RuleFor({Worker(1), Worker(2, false)}, 1));
  EXPECT_EQ("LastReady later", RuleFor({Worker(1), Worker(2, false)}, 1, ProcessAction::kHang));
}

std::string RefusedAs(const std::shared_ptr<Pod>& pod) {
  Experiment cx = MakeExperiment();
  cx.spec = Killing(ProcessAction::kKill, Tier::kPodCapabilities);
  const auto refusal = MayInject(Limits{}, cx, Census{}, *pod);
  return refusal ? refusal->rule : "";
}

TEST(MayInject, NobodyWhoWouldNotComeBackOrIsDownAlready) {
  EXPECT_EQ("", RefusedAs(Worker(1)));
  auto job = Worker(1);
  job->restart_policy = "Never";
  EXPECT_EQ("RestartPolicy", RefusedAs(job));
  auto down = Worker(1);
  down->states[0].kind = ContainerState::Kind::kWaiting;
  down->states[0].reason = "CrashLoopBackOff";
  EXPECT_EQ("ContainerDown", RefusedAs(down));
}

// --- what the kubelet says

ContainerState Victim(ContainerState::Kind kind, int restarts, std::optional<TimePoint> last) {
  ContainerState state;
  state.name = "worker";
  state.kind = kind;
  state.restarts = restarts;
  if (kind == ContainerState::Kind::kRunning) state.started = T(101);
  if (last) state.last = Ending{"Error", 137, T(0), last};
  return state;
}
Intent OnWorker(int restarts) {
  Intent intent;
  intent.container = "worker";
  intent.restarts = restarts;
  return intent;
}
std::optional<Death> Seen(ContainerState state, int restarts_before = 0) {
  auto pod = Worker(1);
  pod->states = {std::move(state)};
  return FindDeath(OnWorker(restarts_before), *pod, T(100.4));
}

TEST(Death, IsSeenInEitherOrder) {
  using Kind = ContainerState::Kind;
  ContainerState ended = Victim(Kind::kTerminated, 0, {});
  ended.exit_code = 137;
  ended.finished = T(100);  // whole seconds: before the fault, as it looks
  ASSERT_TRUE(Seen(ended));
  EXPECT_FALSE(Seen(ended)->back_at);
  EXPECT_EQ(137, Seen(ended)->ending.exit_code);

  const auto again = Seen(Victim(Kind::kRunning, 1, T(100)));
  ASSERT_TRUE(again);
  EXPECT_EQ(T(101), again->back_at);
  EXPECT_EQ(1, again->restarts);
  EXPECT_EQ(137, again->ending.exit_code);

  const auto waiting = Seen(Victim(Kind::kWaiting, 0, T(100)));
  ASSERT_TRUE(waiting) << "CrashLoopBackOff, not yet counted";
  EXPECT_FALSE(waiting->back_at);
}

TEST(Death, AnEarlierOneIsNotThisOne) {
  using Kind = ContainerState::Kind;
  EXPECT_FALSE(Seen(Victim(Kind::kRunning, 3, T(100)), 3)) << "in the same second, and counted";
  EXPECT_FALSE(Seen(Victim(Kind::kRunning, 0, {})));
  ContainerState before = Victim(Kind::kTerminated, 0, {});
  before.finished = T(99);
  EXPECT_FALSE(Seen(before));
}

TEST(Death, LaterOnesPushItOutOfSight) {
  const auto death = Seen(Victim(ContainerState::Kind::kRunning, 2, T(140)));
  ASSERT_TRUE(death);
  EXPECT_FALSE(death->shown);
}

TEST(Death, OnlyTheEndThatTheFaultGivesIsOurs) {
  protocol::Process kill, exit{ProcessAction::kExit, 42, {}, 100, ""},
      terminate{ProcessAction::kTerminate, 1, {}, 100, ""};
  EXPECT_EQ("", WhyNotOurs(kill, {"Error", 137, {}, {}}));
  EXPECT_NE("", WhyNotOurs(kill, {"OOMKilled", 137, {}, {}}));
  EXPECT_NE("", WhyNotOurs(kill, {"Error", 1, {}, {}}));
  EXPECT_EQ("", WhyNotOurs(exit, {"Error", 42, {}, {}}));
  EXPECT_NE("", WhyNotOurs(exit, {"Error", 137, {}, {}}));
  EXPECT_EQ("", WhyNotOurs(terminate, {"Completed", 0, {}, {}}));
  EXPECT_EQ("", WhyNotOurs(terminate, {"Error", 143, {}, {}}));
}

TEST(Death, OfWhichNobodySpokeMustLookLikeNothingElse) {
  const protocol::Process kill, child{ProcessAction::kKill, 1, {}, 100, "runner"},
      terminate{ProcessAction::kTerminate, 1, {}, 100, ""};
  EXPECT_EQ("", WhyNotSurelyOurs(kill, {"Error", 137, {}, {}}));
  EXPECT_NE("", WhyNotSurelyOurs(kill, {"Error", 139, {}, {}}));
  EXPECT_EQ("", WhyNotSurelyOurs(terminate, {"Error", 143, {}, {}}));
  EXPECT_EQ("", WhyNotSurelyOurs(terminate, {"Error", 137, {}, {}}));
  EXPECT_NE("", WhyNotSurelyOurs(terminate, {"Completed", 0, {}, {}}));
  EXPECT_NE("", WhyNotSurelyOurs(child, {"Error", 137, {}, {}}));
}

}  // namespace
}  // namespace chaos::experiment
