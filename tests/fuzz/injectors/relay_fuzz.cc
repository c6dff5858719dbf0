// Any bytes of client and server, cut anywhere: never a crash, the same for both sides as in one
// piece, and what does not fit passes unchanged. The first bytes choose script, cuts and lengths.
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "injectors/proxy/relay.h"

namespace {

using chaos::inject::Relay;
using chaos::inject::Script;
using chaos::inject::Tally;

struct Outcome {
  std::string to_server, to_client;
  std::map<std::string, std::string> figures;
  bool operator==(const Outcome&) const = default;
};

Outcome Play(const Script& script, std::string_view client, std::string_view server,
             std::size_t step) {
  Tally tally;
  Relay relay(script, tally);
  Outcome outcome;
  const chaos::nanoseconds start = chaos::seconds(1000), later = chaos::seconds(2000);
  const auto drain = [&](chaos::nanoseconds now) {
    const std::string_view to_server = relay.ToServer(now);
    outcome.to_server += to_server;
    relay.TakeToServer(to_server.size());
    const std::string_view to_client = relay.ToClient(now);
    outcome.to_client += to_client;
    relay.TakeToClient(to_client.size());
  };
  for (std::size_t i = 0; i < client.size(); i += step) {
    relay.FromClient(client.substr(i, step), start);
    drain(start);
  }
  drain(later);
  for (std::size_t i = 0; i < server.size(); i += step) {
    relay.FromServer(server.substr(i, step), later);
    drain(later);
  }
  relay.ClientEnded();
  relay.ServerEnded();
  drain(later);
  outcome.figures = tally.Figures();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 4 || size > 16384) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const std::size_t cut = (data[2] * 256u + data[3]) % (text.size() + 1);
  const std::string_view client = text.substr(0, cut), server = text.substr(cut);
  chaos::protocol::Http http;
  http.match.ports = {80};
  http.match.share = (data[1] & 1) != 0 ? 100 : 50;
  if ((data[1] & 2) != 0) http.match.path = "/v1/*";
  const bool none = (data[1] & 16) != 0;
  if (none) http.match.method = "NONE";
  if ((data[1] & 4) != 0) http.delay = chaos::protocol::Lag{chaos::seconds(1), chaos::seconds(0)};
  if ((data[1] & 8) != 0 || !http.delay) http.abort_status = 503;
  chaos::protocol::Stream stream;
  stream.match = http.match;
  stream.seed = data[2];
  if ((data[1] & 4) != 0) stream.token_delay = chaos::protocol::Lag{chaos::seconds(1)};
  if ((data[1] & 64) != 0) stream.truncate_after = data[3] % 4;
  if ((data[1] & 128) != 0) stream.stall_after = data[3] % 4;
  if ((data[1] & 8) != 0) stream.corrupt = stream.drop = stream.duplicate = stream.reorder = 30;
  const Script script = (data[1] & 32) != 0 ? Script(stream) : Script(http);
  const Outcome whole = Play(script, client, server, text.size() + 1);
  if (!(Play(script, client, server, data[0] % 16 + 1) == whole)) std::abort();
  if (none && client.find("NONE") == std::string_view::npos &&
      (whole.to_server != client || whole.to_client != server))
    std::abort();
  return 0;
}
