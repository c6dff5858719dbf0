// One line for people about a run, made only of figures that are in its status.
#include <algorithm>

#include "controllers/chaosexperiment/load.h"
#include "controllers/chaosexperiment/resource.h"
#include "controllers/chaosexperiment/verdict.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

// What the whole line is made of: said only of what was measured.
struct Hit {
  std::string who;
  int count = 0;
  std::optional<microseconds> lasted;
  const TargetStatus* last = nullptr;
};

Hit WhoWasHit(const Status& status) {
  Hit hit;
  for (const TargetStatus& target : status.targets) {
    if (!target.injected_at || !target.verified_at) continue;
    hit.who += (hit.who.empty() ? "" : ", ") + target.pod;
    ++hit.count;
    hit.last = &target;
    const auto end = target.reverted_at ? target.reverted_at : target.clean_at;
    if (end)
      hit.lasted = std::max(*end - *target.injected_at, hit.lasted.value_or(microseconds(0)));
  }
  return hit;
}

std::string CutOff(const Status& status, const Hit& hit) {
  const auto peers = std::count_if(status.resolved.peers.begin(), status.resolved.peers.end(),
                                   [](const PeerStatus& p) { return p.name.starts_with("pod "); });
  std::string text =
      hit.who + " cut off from " + std::to_string(peers) + (peers == 1 ? " peer" : " peers");
  const bool one = status.targets.size() == 1;
  const auto late = hit.last->measured.find("latePeersCut");
  if (late != hit.last->measured.end() && one) text += " and " + late->second + " that came later";
  if (hit.lasted) text += " for " + PrintShort(*hit.lasted);
  const auto dropped = hit.last->measured.find("packetsDropped");
  if (dropped != hit.last->measured.end() && one)
    text += " (" + dropped->second + " packets dropped)";
  return text;
}

std::string While(const Spec& spec) {
  if (spec.Waits(protocol::When::kDuringInference)) return " while it streamed";
  if (spec.Waits(protocol::When::kDuringRegistration)) return " while it registered";
  return "";
}

std::string Ended(const Spec& spec, const Hit& hit) {
  const protocol::Process& process = *spec.process;
  const char* verb = process.action == protocol::ProcessAction::kExit        ? " made to exit"
                     : process.action == protocol::ProcessAction::kTerminate ? " told to terminate"
                     : process.action == protocol::ProcessAction::kHang      ? " held still"
                                                                             : " killed";
  std::string text = (spec.EndsChild() ? "a process of " : "") + hit.who + verb;
  if (process.action == protocol::ProcessAction::kHang && hit.lasted)
    text += " for " + PrintShort(*hit.lasted);
  text += While(spec);
  if (hit.count != 1 || !hit.last->intent) return text;
  std::string figures;
  if (hit.last->exit_code) figures = "exit " + std::to_string(*hit.last->exit_code);
  if (hit.last->restarts_after && *hit.last->restarts_after != hit.last->intent->restarts)
    figures += (figures.empty() ? "restart " : ", restart ") +
               std::to_string(hit.last->intent->restarts) + "→" +
               std::to_string(*hit.last->restarts_after);
  return figures.empty() ? text : text + " (" + figures + ")";
}

std::string ActedOn(const Spec& spec, const Status& run, const Hit& hit) {
  const auto figure = [&](const char* key) {
    const auto found = hit.last->measured.find(key);
    return found == hit.last->measured.end() ? std::string("?") : found->second;
  };
  std::string text = hit.who;
  const std::string kind = spec.stream ? " streams" : " requests";
  if (run.targets.size() == 1)
    text += ": " + figure("requestsActedOn") + " of " +
            figure(spec.stream ? "streamsSeen" : "requestsSeen") + kind;
  else
    text += ":" + kind;
  const auto asked = [&](const char* key) {
    const auto found = hit.last->requested.find(key);
    return found == hit.last->requested.end() ? std::string() : found->second;
  };
  const std::string delay = asked("delay"), status = asked("abort");
  if (spec.stream)
    text += " (" + asked("does") + ")";
  else if (status.empty())
    text += " held back " + delay;
  else
    text += " answered " + status + " in its place" + (delay.empty() ? "" : ", " + delay + " late");
  if (hit.lasted) text += " for " + PrintShort(*hit.lasted);
  return text;
}

std::string Consequences(const Spec& spec, const Timings& timings) {
  std::string text;
  const auto add = [&](const std::string& figure, const std::string& before,
                       const std::string& after = "") {
    if (!figure.empty()) text += "; " + before + figure + after;
  };
  add(timings.to_detect, "noticed after ");
  add(timings.to_reroute, "rerouted after ");
  if (spec.AtOnce()) {
    const bool waited = !timings.back_off.empty();
    add(timings.to_restart, spec.pod ? "replaced after " : "running again after ",
        waited ? " (the kubelet waited " + timings.back_off + ")" : "");
    add(timings.to_recover, "good again ", " after the fault");
  } else {
    add(timings.to_recover, "good again ", " after the end");
  }
  return text;
}

}  // namespace

std::string Summarize(const Spec& spec, const Status& status, const Judgement& judgement) {
  const Hit hit = WhoWasHit(status);
  std::string text;
  if (hit.count > 0 && spec.fault_key == "partition") text = CutOff(status, hit);
  if (hit.count > 0 && spec.process) text = Ended(spec, hit);
  if (hit.count > 0 && spec.pod) text = hit.who + (spec.pod->evict ? " evicted" : " deleted");
  if (hit.count > 0 && spec.resource) {
    text = hit.count == 1 ? WhatWasTaken(spec, *hit.last) : hit.who + " hit by " + spec.fault_key;
    if (hit.lasted) text += " for " + PrintShort(*hit.lasted);
  }
  if (hit.count > 0 && spec.ActsOnRequests()) text = ActedOn(spec, status, hit);
  if (!text.empty()) text += Consequences(spec, status.timings);
  if (const std::string load = status.load ? LoadText(*status.load) : ""; !load.empty())
    text += (text.empty() ? "" : "; ") + load;
  if (!judgement.message.empty()) text += (text.empty() ? "" : "; ") + judgement.message;
  return text.substr(0, 1000);
}

}  // namespace chaos::experiment
