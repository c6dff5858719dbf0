#include "tests/sim/transport/sim_transport.h"

#include "operator/kube/api_error.h"
#include "tests/sim/api/replies.h"
#include "tests/sim/transport/sim_stream.h"

namespace chaos::sim {
namespace {

Error Lost(const kube::Request& request, const char* detail) {
  const Reason reason =
      kube::Writes(request.method) ? Reason::kUnknownOutcome : Reason::kUnavailable;
  return Error{reason, detail, {}, 0};
}

// How stale a lagging server may be.
constexpr std::uint64_t kLongestLag = 40;

}  // namespace

nanoseconds SimTransport::Latency() {
  const auto range = static_cast<std::uint64_t>((options_.slowest - options_.fastest).count());
  return options_.fastest + nanoseconds(range == 0 ? 0 : faults_.random().Below(range));
}

Result<kube::Response> SimTransport::Send(const kube::Request& request) {
  if (!process_.ThrowIfDead() || shut_down_) {
    return Error{Reason::kCancelled, "shut down", {}, 0};
  }
  const std::uint64_t call = process_.BeginCall();
  process_.Reach(call, CrashPoint::kBefore);
  const CallFault fault = faults_.ForCall(request);
  Result<kube::Response> result = Perform(request, fault, call);
  if (options_.note)
    options_.note({timeline_.Now(), options_.user, request, fault, result ? result->status : 0});
  process_.Reach(call, CrashPoint::kAfterReply);
  return result;
}

Result<kube::Response> SimTransport::Perform(const kube::Request& request, CallFault fault,
                                             std::uint64_t call) {
  const nanoseconds latency = Latency();
  switch (fault) {
    case CallFault::kRefused:
      process_.Wait(latency);
      return Error{Reason::kUnavailable, "connection refused", {}, 0};
    case CallFault::kRequestLost:
      process_.Wait(latency);
      return Lost(request, "connection reset by peer");
    case CallFault::kReplyLost:
      process_.Wait(latency);
      Execute(request, fault);
      process_.Reach(call, CrashPoint::kAfterExecution);
      return Lost(request, "connection reset by peer");
    case CallFault::kLate: {
      const nanoseconds after = request.timeout + milliseconds(faults_.random().Below(20000));
      timeline_.After(after, [this_api = &api_, request, user = options_.user] {
        this_api->Send(request, user);
      });
      process_.Wait(request.timeout);
      return Lost(request, "no answer within the time limit");
    }
    case CallFault::kTooSlow:
      process_.Wait(latency);
      Execute(request, fault);
      process_.Reach(call, CrashPoint::kAfterExecution);
      process_.Wait(request.timeout - latency);
      return Lost(request, "no answer within the time limit");
    default:
      break;
  }
  process_.Wait(latency / 2);
  kube::Response response = Execute(request, fault);
  if (fault == CallFault::kTwice) response = Execute(request, fault);
  process_.Reach(call, CrashPoint::kAfterExecution);
  process_.Wait(latency - latency / 2);
  return response;
}

kube::Response SimTransport::Execute(const kube::Request& request, CallFault fault) {
  switch (fault) {
    case CallFault::kConflict:
      return StatusReply(409, "Conflict",
                         "Operation cannot be fulfilled: the object has been modified; please "
                         "apply your changes to "
                         "the latest version and try again");
    case CallFault::kGone:
      return Expired();
    case CallFault::kThrottled: {
      kube::Response reply =
          StatusReply(429, "TooManyRequests", "Too many requests, please try again later.");
      reply.retry_after = seconds(1 + faults_.random().Below(3));
      return reply;
    }
    case CallFault::kOverloaded:
      return Reply(503, "apiserver not ready");
    case CallFault::kInternal:
      return StatusReply(500, "InternalError", "Internal error occurred: etcdserver: no leader");
    case CallFault::kTimedOut:
      if (faults_.random().Chance(1, 2)) api_.Send(request, options_.user);
      return StatusReply(504, "Timeout",
                         "Timeout: request did not complete within the allotted timeout");
    case CallFault::kForbidden:
      return StatusReply(403, "Forbidden",
                         "forbidden: User \"" + options_.user + "\" cannot do this just now");
    case CallFault::kStaleList:
      return ListFromThePast(request);
    default:
      return api_.Send(request, options_.user);
  }
}

// A list that need not be the newest (resourceVersion=0) may come from a watch cache that lags
// behind.
kube::Response SimTransport::ListFromThePast(const kube::Request& request) {
  const std::optional<Target> target = ParseTarget(request.target);
  ObjectStore& store = api_.server.store();
  if (!target || target->Query("resourceVersion") != "0") return api_.Send(request, options_.user);
  const std::uint64_t lag = faults_.random().Below(kLongestLag);
  const std::uint64_t then = std::max(store.oldest(), store.rv() - std::min(lag, store.rv()));
  Json items = Json::array();
  for (const auto& [key, version] : store.AsOf(*target->resource, then)) {
    if (!target->key.ns.empty() && key.ns != target->key.ns) continue;
    if (MatchesLabels(version->object, target->Query("labelSelector")))
      items.push_back(version->object);
  }
  const Json list{{"kind", "List"},
                  {"metadata", {{"resourceVersion", std::to_string(then)}}},
                  {"items", items}};
  return Reply(200, PrintJson(list));
}

std::unique_ptr<kube::LineStream> SimTransport::Open(const kube::Request& request,
                                                     std::function<void()> wake) {
  const std::uint64_t call = process_.BeginCall();
  process_.Reach(call, CrashPoint::kBefore);
  const StreamFault fault = faults_.ForStream();
  Pipe::Options options{fault, static_cast<int>(faults_.random().Below(6)), Latency(),
                        request.timeout};
  auto pipe = std::make_shared<Pipe>(timeline_, options, std::move(wake));
  timeline_.After(Latency(), [weak = std::weak_ptr<Pipe>(pipe), this_api = &api_, request, fault] {
    const std::shared_ptr<Pipe> open = weak.lock();
    if (!open) return;
    switch (fault) {
      case StreamFault::kRefused:
        return open->Fail(kube::ErrorFromResponse(Reply(503, "apiserver not ready")));
      case StreamFault::kGone:
        return open->Fail(kube::ErrorFromResponse(Expired()));
      case StreamFault::kThrottled: {
        kube::Response reply =
            StatusReply(429, "TooManyRequests", "Too many requests, please try again later.");
        reply.retry_after = seconds(1);
        return open->Fail(kube::ErrorFromResponse(reply));
      }
      default:
        break;
    }
    if (const auto refused = this_api->Open(request, open))
      open->Fail(kube::ErrorFromResponse(*refused));
  });
  if (options_.note) options_.note({timeline_.Now(), options_.user, request, CallFault::kNone, 0});
  process_.Reach(call, CrashPoint::kAfterReply);
  return std::make_unique<SimStream>(std::move(pipe));
}

}  // namespace chaos::sim
