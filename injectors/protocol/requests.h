// Arguments of the faults that act on requests and their answers: which ones, and what is done.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/clock.h"
#include "operator/base/json.h"

namespace chaos::protocol {

// A time that is drawn anew each time: uniform in latency ± jitter, never below 0.
struct Lag {
  milliseconds latency{0};
  milliseconds jitter{0};
};

struct RequestMatch {
  std::vector<std::uint16_t> ports;  // on which the target serves
  std::string path;                  // * stands for any text; without the query; empty: every path
  std::string method;                // empty: every method
  int share = 100;                   // percent of those that fit
  bool kubelet_probes = false;       // also what comes from the node
};

// A request is held back, or answered in the target's place; both: held back, then answered.
struct Http {
  RequestMatch match;
  std::optional<Lag> delay;
  int abort_status = 0;    // 400 to 599; 0: it reaches the target
  std::uint64_t seed = 0;  // chooses the share and draws the lags
};

enum class StreamEnd {
  kCleanWithoutDone,  // the body ends in order, but nothing says that the answer is complete
  kFin,               // the connection ends in the middle of the body
  kReset,
};
enum class Corruption { kBadJson, kBadUtf8 };

// Something is done to answers that are streams of events. Events are counted from 1, with the last
// one, "[DONE]", and without comments. Shares are percent of the events but [DONE]; 0: none.
struct Stream {
  RequestMatch match;                    // of the requests for them
  std::optional<Lag> first_token_delay;  // the first event and all behind it come so much later
  std::optional<Lag> token_delay;        // each event behind it takes so much longer
  // At most one of these; after so many events, 0 right after the head.
  std::optional<int> stall_after;     // nothing more comes, until the fault ends
  std::optional<int> truncate_after;  // it ends, in the way of `end`
  std::optional<int> error_after;     // an event with `error_data` comes, and the end
  std::optional<int> cancel_after;    // the target is told that the client went away
  StreamEnd end = StreamEnd::kFin;
  std::string error_data;
  int corrupt = 0, duplicate = 0, drop = 0, reorder = 0;
  Corruption corruption = Corruption::kBadJson;
  bool drop_done = false;  // [DONE] does not come
  std::uint64_t seed = 0;
};

Json ToJson(const Http& http);
Json ToJson(const Stream& stream);
// What is wrong with it, or nothing.
std::string ReadHttp(const Json& json, Http& http);
std::string ReadStream(const Json& json, Stream& stream);

}  // namespace chaos::protocol
