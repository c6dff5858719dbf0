#include "controllers/chaosexperiment/requests.h"

#include <algorithm>

#include "controllers/chaosexperiment/planner.h"
#include "controllers/chaosexperiment/process.h"
#include "operator/base/sha256.h"
#include "operator/base/time_text.h"

namespace chaos::experiment {
namespace {

// Understood by clients of rbee and of OpenAI alike.
constexpr const char* kErrorData =
    R"({"type":"error","code":"INJECTED","message":"injected by a chaos experiment",)"
    R"("error":{"type":"server_error","message":"injected by a chaos experiment"}})";

milliseconds TimeAt(const Json& json, const char* key) {
  const Result<milliseconds> parsed = ParseDuration(Text(json, {key}));
  return parsed ? *parsed : milliseconds(0);
}

protocol::Lag ReadLag(const Json& json) {
  const milliseconds latency = TimeAt(json, "latency");
  return {latency, std::min(TimeAt(json, "jitter"), latency)};
}

protocol::RequestMatch ReadMatch(const Json& json) {
  protocol::RequestMatch match;
  const std::int64_t port = Integer(json, {"port"});
  if (port > 0 && port <= 65535) match.ports = {static_cast<std::uint16_t>(port)};
  match.path = Text(json, {"path"});
  match.method = Text(json, {"method"});
  const int share = std::atoi(Text(json, {"share"}, "100%").c_str());
  match.share = share < 1 || share > 100 ? 100 : share;
  match.kubelet_probes = Flag(json, {"kubeletProbes"});
  return match;
}

}  // namespace

protocol::Http ReadHttp(const Json& json) {
  protocol::Http http;
  http.match = ReadMatch(ObjectAt(json, {"match"}));
  if (const Json* delay = Find(json, {"delay"})) http.delay = ReadLag(*delay);
  http.abort_status = static_cast<int>(Integer(json, {"abort", "status"}));
  return http;
}

protocol::Stream ReadStream(const Json& json) {
  protocol::Stream stream;
  stream.match = ReadMatch(ObjectAt(json, {"match"}));
  if (const Json* lag = Find(json, {"firstTokenDelay"})) stream.first_token_delay = ReadLag(*lag);
  if (const Json* lag = Find(json, {"tokenDelay"})) stream.token_delay = ReadLag(*lag);
  const auto after = [&](const char* key, std::optional<int>& events) {
    if (Find(json, {key})) events = static_cast<int>(Integer(json, {key, "afterEvents"}));
  };
  after("stall", stream.stall_after);
  after("truncate", stream.truncate_after);
  after("errorEvent", stream.error_after);
  after("clientCancel", stream.cancel_after);
  const std::string end = Text(json, {"truncate", "end"}, "Fin");
  stream.end = end == "Reset"              ? protocol::StreamEnd::kReset
               : end == "CleanWithoutDone" ? protocol::StreamEnd::kCleanWithoutDone
                                           : protocol::StreamEnd::kFin;
  if (stream.error_after) stream.error_data = Text(json, {"errorEvent", "data"}, kErrorData);
  const auto share = [&](const char* key) {
    const int percent = std::atoi(Text(json, {key, "share"}).c_str());
    return percent < 1 || percent > 100 ? 0 : percent;
  };
  stream.corrupt = share("corrupt");
  stream.duplicate = share("duplicate");
  stream.drop = share("drop");
  stream.reorder = share("reorder");
  stream.drop_done = Flag(json, {"drop", "done"});
  if (Text(json, {"corrupt", "as"}) == "BadUtf8")
    stream.corruption = protocol::Corruption::kBadUtf8;
  return stream;
}

Result<void> TellOfRequests(const Spec& spec, const Pod& pod, const Profile& profile,
                            std::int64_t seed, protocol::InjectArguments& arguments) {
  CHECK(spec.ActsOnRequests());
  const auto tell = [&](auto fault) -> Result<void> {
    if (fault.match.ports.empty())
      fault.match.ports = ServingPorts(spec.target.component, pod, profile);
    if (fault.match.ports.empty())
      return Invalid("pod " + pod.meta.key.name +
                     " declares no TCP port and its component has none in the profile: write "
                     "fault." +
                     spec.fault_key + ".match.port");
    // So many bits that every reader of JSON can hold the number.
    const std::string digest = Sha256Hex(std::to_string(seed) + "/requests/" + pod.meta.uid);
    fault.seed = std::stoull(digest.substr(0, 12), nullptr, 16);
    arguments.fault = std::move(fault);
    return {};
  };
  return spec.stream ? tell(*spec.stream) : tell(*spec.http);
}

std::vector<std::string> UncoveredRequests(const TargetStatus& target) {
  const auto figure = [&](const char* key) {
    const auto found = target.measured.find(key);
    return found == target.measured.end() ? std::string() : found->second;
  };
  const auto some = [](const std::string& count) { return !count.empty() && count != "0"; };
  std::vector<std::string> uncovered;
  const std::string kinds = figure("uncoveredKinds");
  if (some(figure("uncovered")))
    uncovered.push_back("connections to pod " + target.pod + " that are not plain HTTP/1.1: " +
                        (kinds.empty() ? figure("uncovered") : kinds));
  if (some(figure("untouched")))
    uncovered.push_back(
        "connections to pod " + target.pod +
        " that were open before the fault and went on being used: " + figure("untouched"));
  if (some(figure("tooManyConnections")))
    uncovered.push_back("connections to pod " + target.pod +
                        " that were more than the proxy may hold, and were closed: " +
                        figure("tooManyConnections"));
  return uncovered;
}

// Once a target has ended: until then the figures grow.
void Planner::NoteUncoveredRequests() {
  for (const TargetStatus& target : next_.targets) {
    if (!target.Ended()) continue;
    for (const std::string& missing : UncoveredRequests(target)) {
      const bool known = std::find(next_.coverage_missing.begin(), next_.coverage_missing.end(),
                                   missing) != next_.coverage_missing.end();
      if (known || next_.coverage_missing.size() >= 16) continue;
      next_.coverage = "Partial";
      next_.coverage_missing.push_back(missing);
    }
  }
}

}  // namespace chaos::experiment
