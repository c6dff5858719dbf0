// What a proxy has seen and done, in figures and in lines. Lines are limited, counts are not: what
// was not printed is said in the next line and in the figures.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "injectors/proxy/pipe.h"
#include "operator/base/clock.h"

namespace chaos::inject {

class Tally {
 public:
  // Why nothing can be done to a connection that goes through the proxy all the same.
  enum class Opaque { kTls, kHttp2, kUpgraded, kEncoded, kOther };

  void Connected() { ++connections_; }
  void Refused() { ++refused_; }          // the target did not take a connection
  void TooMany() { ++too_many_; }         // more than the proxy may hold: it was hung up on
  void CutOff(std::size_t connections) {  // by the end of the fault
    cut_ += static_cast<std::int64_t>(connections);
  }
  // The next request that fits; its number.
  std::int64_t NextRequest() { return ++requests_; }
  void Stream() { ++streams_; }  // the answer to one that fits is a stream of events
  void Pass(Opaque why) { ++opaque_[static_cast<std::size_t>(why)]; }
  // `held`: how long it was really held back; 0 where that is no question. `first`: of its request.
  void Did(const Act& act, nanoseconds held, bool first);

  std::int64_t requests() const { return requests_; }
  std::int64_t acted_on() const { return acted_on_; }  // requests
  std::int64_t refused() const { return refused_; }
  std::int64_t connections() const { return connections_; }
  std::map<std::string, std::string> Figures() const;
  // Lines about acts since the last call, within the limit.
  std::vector<std::string> TakeLines(nanoseconds now);

 private:
  std::int64_t connections_ = 0, refused_ = 0, too_many_ = 0, cut_ = 0, requests_ = 0, streams_ = 0,
               acted_on_ = 0;
  std::array<std::int64_t, 5> opaque_{};
  std::map<std::string, std::int64_t> by_kind_;
  std::int64_t held_count_ = 0;
  nanoseconds held_sum_{0}, held_least_{nanoseconds::max()}, held_most_{0};

  struct Line {
    std::string text;
    std::int64_t skipped;  // acts before it that have no line
  };
  std::vector<Line> lines_;
  std::int64_t printed_ = 0, not_printed_ = 0, skipped_ = 0;
  int budget_ = 0;
  nanoseconds refilled_at_{-1};
};

}  // namespace chaos::inject
