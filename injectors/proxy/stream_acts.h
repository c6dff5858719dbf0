// What is done to the events of one answer. Decoded bytes of its body go in; whole events come out,
// late, spoilt, twice, in another order or not at all, each framed as a chunk of its own. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "injectors/load/sse.h"
#include "injectors/proxy/pipe.h"
#include "injectors/proxy/script.h"

namespace chaos::inject {

class StreamActs {
 public:
  // How the body ends: by a chunk of length 0, or with its connection.
  enum class Framing { kChunked, kUntilClose };

  // Requires: `script` is one for streams, and outlives this as does `out`. `request`: its number.
  StreamActs(const Script& script, std::int64_t request, Framing framing, Pipe& out,
             nanoseconds now);
  StreamActs(const StreamActs&) = delete;
  StreamActs& operator=(const StreamActs&) = delete;

  void Body(std::string_view bytes, nanoseconds now);
  // The body ended in order.
  void EndOfBody();
  // What comes from now on passes as it is.
  void StopActing();
  // The answer was ended by us: what the target goes on to say is for nobody, and it is to be told
  // so in this way. nullopt: it goes on.
  std::optional<Pipe::End> cut() const { return cut_; }

 private:
  void Block(bool event, bool done);
  void Event(bool done);
  void EndIfDue();
  void LetGo();
  // `act`: what is told when these bytes pass; nullptr: nothing. `late`: with how long they waited.
  void Emit(std::string_view bytes, const char* act = nullptr, bool late = false);
  void EndBody();
  bool Hit(int share, std::uint64_t use) const;

  const Script& script_;
  const protocol::Stream& stream_;
  const std::int64_t request_;
  const Framing framing_;
  Pipe& out_;
  load::SseParser sse_;
  std::string block_;    // the bytes of one that is not complete
  std::string swapped_;  // of an event that waits for the next one to go first
  std::int64_t swapped_event_ = 0;
  std::int64_t event_ = 0;  // the last one, counted from 1
  nanoseconds now_;
  nanoseconds shift_{0};  // by which everything is late
  bool passing_ = false;
  bool ended_ = false;  // stalled or cut: that happens once
  std::optional<Pipe::End> cut_;
};

}  // namespace chaos::inject
