// One proxied connection without a socket: bytes of either side go in, and what goes on to the
// other comes out, changed only where the script says so. Everything else passes unchanged and at
// once; what is not HTTP/1.1 passes untouched and is counted. Any split of the input gives the same
// output. Pure.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "injectors/load/http_request.h"
#include "injectors/load/http_response.h"
#include "injectors/proxy/pipe.h"
#include "injectors/proxy/script.h"
#include "injectors/proxy/stream_acts.h"
#include "injectors/proxy/tally.h"

namespace chaos::inject {

class Relay {
 public:
  // Requires: both outlive this.
  Relay(const Script& script, Tally& tally) : script_(script), tally_(tally) {}
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  void FromClient(std::string_view bytes, nanoseconds now);
  void FromServer(std::string_view bytes, nanoseconds now);
  void ClientEnded();  // it sends nothing more; what it waits for may still come
  void ServerEnded();
  void ServerBroken();  // it was reset: so is the client, behind what was said before
  // From now on everything passes untouched, and what is held back is let go.
  void StopActing();

  // What may be sent now; then take it. What passed late is told to the tally.
  std::string_view ToServer(nanoseconds now);
  std::string_view ToClient(nanoseconds now);
  void TakeToServer(std::size_t bytes) { to_server_.Take(bytes); }
  void TakeToClient(std::size_t bytes) { to_client_.Take(bytes); }
  const Pipe& to_server() const { return to_server_; }
  const Pipe& to_client() const { return to_client_; }
  nanoseconds NextDue() const { return std::min(to_server_.NextDue(), to_client_.NextDue()); }
  // Between two requests, as far as anybody can tell: closing now hurts nobody.
  bool Idle() const;

 private:
  // A request whose answer has not ended.
  struct Exchange {
    std::int64_t number = 0;       // 0: does not fit, or the fault is over
    bool head = false;             // its answer has no body
    bool chosen = false;           // it belongs to the share
    bool aborted = false;          // the answer is ours
    bool last = false;             // and with it the connection ends
    nanoseconds since{0}, due{0};  // of our answer: asked for, and not before
  };

  std::string_view FeedRequest(std::string_view bytes, nanoseconds now);
  std::string_view FeedResponse(std::string_view bytes, nanoseconds now);
  void BeginRequest(nanoseconds now);
  void BeginResponse(nanoseconds now);
  void EndRequest();
  void EndResponse();
  void NextExchange();
  void GoOpaque(Tally::Opaque why);
  Tally::Opaque WhatIsIt() const;
  void Tell(Pipe& pipe);

  const Script& script_;
  Tally& tally_;
  Pipe to_server_, to_client_;
  bool acting_ = true;
  bool opaque_ = false;  // bytes are passed on and not looked at
  bool over_ = false;    // the last answer was ours: what else the client says goes nowhere

  load::RequestParser request_;
  std::string head_;      // of a request that is not complete
  bool in_body_ = false;  // of a request
  bool swallow_ = false;  // that body goes nowhere
  bool ever_request_ = false;
  load::ResponseParser response_;
  std::deque<Exchange> exchanges_;  // oldest first
  std::optional<StreamActs> acts_;  // on the answer that is under way
  std::string scratch_;
  std::int64_t told_ = 0;  // the last request of which an act was told
};

}  // namespace chaos::inject
