// What one event of a job's stream says, in the words of both generations of queen and worker
// (measured): narration, data, token, end, error, done, and the plain markers [DONE], [ERROR],
// [CANCELLED], ERROR:. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chaos::load {

struct RbeeEvent {
  enum class Kind {
    kOther,    // says nothing about the job's fate
    kStarted,  // a worker's first word
    kToken,
    kSuccess,  // the queen's word of success
    kEnd,      // the worker's word of success
    kFailed,
  };
  Kind kind = Kind::kOther;
  bool from_queen = false;             // narrated by a queen
  bool from_worker = false;            // started, token or end as only a worker says them
  bool over = false;                   // nothing that follows counts
  std::optional<std::int64_t> number;  // the index of a token; how many tokens the end says
  std::string text;                    // of a token; or why it failed, in a few words
};
RbeeEvent ReadRbeeEvent(std::string_view data);

// The index of a token event in one of the exact shapes in which they are sent, for a tenth of the
// price. nullopt says nothing: ReadRbeeEvent knows. Guarantees: what has a value here is a token
// with that index there.
struct QuickToken {
  std::int64_t index = 0;
  bool from_worker = false;
};
std::optional<QuickToken> ReadQuickToken(std::string_view data);

}  // namespace chaos::load
