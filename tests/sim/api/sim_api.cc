#include "tests/sim/api/sim_api.h"

#include "tests/sim/api/replies.h"

namespace chaos::sim {

kube::Response SimApi::Send(const kube::Request& request, std::string_view user) {
  const std::optional<Target> target = ParseTarget(request.target);
  if (target && target->subresource == "log") return logs.Get(*target);
  return server.Handle(request, user);
}

std::optional<kube::Response> SimApi::Open(const kube::Request& request,
                                           const std::shared_ptr<LineSink>& sink) {
  const std::optional<Target> target = ParseTarget(request.target);
  if (!target)
    return StatusReply(404, "NotFound", "the server could not find the requested resource");
  if (target->subresource == "log") return logs.Follow(*target, sink);
  if (target->Asked("watch")) return watches.Open(*target, sink);
  return BadRequest("neither a watch nor a log");
}

}  // namespace chaos::sim
