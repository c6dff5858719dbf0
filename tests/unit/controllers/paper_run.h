// One run on paper: what a plan asks for is carried out on the values that the next plan sees.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "operator/kube/conditions.h"
#include "operator/kube/finalizer.h"
#include "tests/unit/controllers/fixture.h"

namespace chaos::experiment {

template <class T>
const T* Only(const Step& step) {
  return step.actions.size() == 1 ? std::get_if<T>(&step.actions[0]) : nullptr;
}
template <class T>
const T* Any(const Step& step) {
  for (const Action& action : step.actions) {
    if (const T* found = std::get_if<T>(&action)) return found;
  }
  return nullptr;
}

// Carries out what a plan asks for on paper, until it asks for nothing new.
class Run : public testing::Test {
 protected:
  World world;
  Experiment cx = MakeExperiment();
  std::string run_id = RunId("uid-cx", cx.spec_hash);
  Step last;

  TimePoint now{};

  void Settle(double at) {
    now = T(at);
    for (int i = 0; i < 20; ++i) {
      last = Plan(cx, world.Look(), T(at));
      for (const Action& action : last.actions) {
        const bool acting = !std::holds_alternative<WriteStatus>(action);
        EXPECT_TRUE(acting || last.actions.size() == 1) << "a status is written beside an act";
      }
      if (!Carry()) return;
    }
    ADD_FAILURE() << "the plan does not come to rest at T+" << at;
  }

  bool Carry() {
    bool moved = false;
    for (const Action& action : last.actions) {
      if (const auto* write = std::get_if<WriteStatus>(&action)) {
        EXPECT_EQ("", kube::CheckKstatus(write->status.conditions, cx.meta.generation,
                                         write->status.observed_generation));
        cx.status = Status::FromJson(write->status.ToJson());
        EXPECT_EQ(cx.status, write->status) << "the status does not survive being written and read";
        moved = true;
      } else if (std::get_if<AddFinalizer>(&action)) {
        cx.meta.finalizers.emplace_back(protocol::kFinalizer);
        moved = true;
      } else if (std::get_if<RemoveFinalizer>(&action)) {
        cx.meta.finalizers.clear();
        moved = true;
      } else if (const auto* preflight = std::get_if<Preflight>(&action)) {
        world.seen.targets[preflight->uid].preflight_done = true;
        moved = true;
      } else if (std::get_if<CreateProbePod>(&action)) {
        world.probe_pod = MakePod(protocol::ProbePodName(run_id), "", "10.212.0.9", 0);
        world.probe_pod->meta.labels = {
            {std::string(protocol::kManagedByLabel), std::string(protocol::kManagedBy)}};
        moved = true;
      } else if (const auto* load = std::get_if<CreateLoad>(&action)) {
        EXPECT_TRUE(cx.status.load) << "made without a persisted name";
        Json object = load->load;
        object["metadata"]["uid"] = "uid-load";
        world.seen.load =
            std::make_shared<loadtest::LoadTest>(*loadtest::LoadTest::FromJson(object));
        moved = true;
      } else if (const auto* follow = std::get_if<CreatePeerService>(&action)) {
        if (service_refusal)
          world.seen.peer_service_error = service_refusal;
        else
          services[follow->service["metadata"]["name"]] = follow->service;
        for (const auto& [name, object] : services) world.seen.peer_services_made.insert(name);
        moved = true;
      } else if (const auto* unfollow = std::get_if<DeletePeerService>(&action)) {
        services.erase(unfollow->name);
        world.seen.peer_services_deleted.insert(unfollow->name);
        moved = true;
      } else if (std::get_if<DeleteProbePod>(&action)) {
        world.seen.probe_pod_deleted = true;
        world.probe_pod = nullptr;
        moved = true;
      } else if (const auto* launch = std::get_if<LaunchInjector>(&action)) {
        EXPECT_TRUE(cx.status.targets.at(0).intent) << "launched without a persisted intent";
        const Json& container = launch->patch["spec"]["ephemeralContainers"][0];
        if (Pod* pod = world.Find(launch->pod)) pod->sidecars.push_back(container["name"]);
        launches.push_back(PrintJson(launch->patch));
        moved = true;
      } else if (std::get_if<LaunchStopper>(&action)) {
        world.queen->sidecars.push_back(protocol::StopperName(run_id));
        moved = true;
      } else if (const auto* remove = std::get_if<RemovePod>(&action)) {
        moved = Remove(*remove);
      } else if (const auto* second = std::get_if<LaunchReverter>(&action)) {
        const Json& container = second->patch["spec"]["ephemeralContainers"][0];
        if (Pod* pod = world.Find(second->pod)) pod->sidecars.push_back(container["name"]);
        reverters.push_back(container);
        moved = true;
      } else if (const auto* read = std::get_if<ReadLog>(&action)) {
        TargetView& view = world.seen.targets[read->uid];
        (read->last ? view.last_reads : view.log_reads) += read->last ? 2 : 1;
        view.said = log;
        view.log_read_at = now;
        moved = true;
      }
    }
    return moved;
  }

  // What the API server answers a removal with; empty: it does it.
  std::optional<Error> removal_error;
  std::vector<RemovePod> removals;
  bool Remove(const RemovePod& action) {
    TargetView& view = world.seen.targets[action.uid];
    if (action.dry_run) {
      view.preflight_done = true;
      return true;
    }
    EXPECT_TRUE(cx.status.targets.at(0).intent) << "removed without a persisted intent";
    removals.push_back(action);
    view.launch_error = removal_error;
    if (removal_error) return false;
    view.removed_at = now;
    if (Pod* pod = world.Find(action.pod)) pod->meta.deleting = true;
    return true;
  }

  void ToBaseline() {
    Settle(1);
    world.Line("started", T(1.5));
    world.Good(2, 24);
    Settle(3);
  }
  void ToInjecting() {
    ToBaseline();
    Settle(23);
  }
  void ToVerified() {
    ToInjecting();
    log.armed_at = T(24);
    log.applied_at = T(24.2);
    log.verified_at = T(25.4);
    log.measured = {{"packetsDropped", "12"}, {"peersCut", "1/1"}};
    log.last_seq = 5;
    world.queen->states.push_back(
        {protocol::SidecarName(run_id), ContainerState::Kind::kRunning, "", "", 0, {}, {}, 0, {}});
    Settle(26);
  }
  void Terminate(double at, const std::string& record, int code = 0) {
    world.queen->states.back() = {protocol::SidecarName(run_id),
                                  ContainerState::Kind::kTerminated,
                                  code == 0 ? "Completed" : "Error",
                                  record,
                                  code,
                                  T(23),
                                  T(at),
                                  0,
                                  {}};
  }
  void Revert(double at) {
    log.reverted_at = T(at);
    log.measured["packetsDropped"] = "412";
    Terminate(at + 0.5, "v1 reverted ok run=" + run_id);
  }
  std::vector<Json> reverters;
  Said log;
  std::vector<std::string> launches;
  std::map<std::string, Json> services;  // of the run, that are there
  std::optional<Error> service_refusal;
};

}  // namespace chaos::experiment
