// What the operator tells a load pod, and what the pod says: `chaos-load run <json>`, and lines on
// stdout.
//
// The arguments are the same for every pod of the Indexed Job; which VUs are a pod's own follows
// from JOB_COMPLETION_INDEX: VU g belongs to pod (g - 1) mod pods.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "injectors/protocol/ledger.h"
#include "injectors/protocol/stages.h"
#include "operator/base/clock.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace chaos::protocol {

struct LoadRequest {
  // rbee: one job (POST, then its event stream) against queen or hive; http: one request.
  std::string protocol = "rbee";
  std::string url;  // rbee: base without path; http: with path
  std::string model;
  std::vector<std::string> prompts;  // taken at random; at least one with rbee
  int max_tokens = 50;
  bool expect_tokens = false;                      // fewer than max_tokens is an error
  std::string method = "GET", body, content_type;  // http
  std::vector<int> status_in;                      // http; empty = 200 to 299
  std::string body_contains;                       // http
  milliseconds timeout{30'000};                    // the whole iteration
  milliseconds connect_timeout{5'000};
  milliseconds first_token_timeout{0}, idle_timeout{0};  // 0 = only the whole one
};

struct LoadArguments {
  std::string run;  // 10 hex digits
  int pods = 1;
  TimePoint start{};  // T0 on the wall clock; who comes late joins at the schedule's position
  bool until_stopped =
      false;  // vus: N of an owned load: the last stage's VUs go on until the stop, or the length
  Executor executor;
  LoadRequest request;
  milliseconds think_min{0}, think_max{0};  // uniform
  std::uint64_t seed = 1;
  std::vector<Pivot> pivots;
  milliseconds linger{30'000};  // how long a finished pod waits to be read
};
inline constexpr int kMaxLoadPods = 64;
inline constexpr int kMaxLoadVus = 1'000'000;
inline constexpr std::int64_t kMaxLoadIterations = 1'000'000'000;
inline constexpr milliseconds kMaxLoadLength = std::chrono::hours(48);

// Canonical, as all arguments are; errors say which field is wrong and what it should be.
Json ToJson(const LoadArguments& arguments);
Result<LoadArguments> LoadFromJson(std::string_view text);

// Lines. `seq` counts from 1 without gaps per pod; deltas add up; a checkpoint holds everything up
// to its seq and replaces it. A checkpoint comes at the latest after 4 MiB of deltas, and as the
// last line but one of every pod that ended in an orderly way; so a reader that lost lines (the
// kubelet rotates logs at 10 MiB) is whole again.
//   started     {pod, vus, t0, clock}
//   load        every second: delta
//   checkpoint  delta = everything so far
//   ended       after the last checkpoint; why: finished | stopped | terminated
//   failed      the generator could not work: reason, message
inline constexpr std::string_view kLoadStarted = "started";
inline constexpr std::string_view kLoadDelta = "load";
inline constexpr std::string_view kLoadCheckpoint = "checkpoint";
inline constexpr std::string_view kLoadEnded = "ended";
inline constexpr std::string_view kLoadFailed = "failed";
struct LoadLine {
  std::int64_t seq = 0;
  TimePoint at{};
  int pod = 0;
  std::string event;
  std::string reason, message;
  std::int64_t elapsed_ms = 0;  // since T0: everything that ended before is in here or earlier
  int vus = 0;                  // that run now
  std::int64_t vu_ms = 0;       // VU-time so far
  std::int64_t alive = 0;       // requests under way
  // The generator's own health since the line before; in a checkpoint since the start.
  std::int64_t loop_lag_us = 0;            // the longest that a timer fired late
  std::int64_t throttled_ms = 0;           // cgroup cpu.stat
  Ledger ledger;                           // delta or all
  std::vector<std::string> error_samples;  // a few words each, at most 5 a line
};
std::string PrintLoadLine(const LoadLine& line);  // one line without its end
// Tolerant of unknown fields. Never more than kMaxLoadLine bytes; samples are cut to 5 of 256
// bytes.
Result<LoadLine> ParseLoadLine(std::string_view line);
inline constexpr std::size_t kMaxLoadLine = 16U << 20U;

// Merges the lines of all pods; any order, repeats and gaps are harmless. Equal sets of lines give
// equal ledgers. Requires: a pod's checkpoint is the sum of its lines before.
class LoadLog {
 public:
  void Add(const LoadLine& line);
  const Ledger& Total() const { return total_; }
  struct PodState {
    std::int64_t last_seq = 0;     // the newest heard; elapsed_ms to at are as it says
    std::int64_t whole_up_to = 0;  // without a gap
    std::int64_t elapsed_ms = 0, vu_ms = 0, alive = 0;
    int vus = 0;
    bool started = false, ended = false, gap = false;
    std::string failed, message, ended_why;
    TimePoint at{};
    std::int64_t worst_lag_us = 0, throttled_ms = 0;
  };
  const std::map<int, PodState>& pods() const { return pods_; }
  // Sorted, at most 20 different ones.
  const std::vector<std::string>& error_samples() const { return error_samples_; }

 private:
  struct Part {
    Ledger ledger;
    std::int64_t lag_us = 0, throttled_ms = 0;
    void Add(const Part& other);
  };
  struct Heard {
    Part whole;                          // everything up to whole_up_to
    std::map<std::int64_t, Part> after;  // by seq, what was heard beyond a gap
  };
  void Learn(PodState& pod, const LoadLine& line);
  void Count(PodState& pod, Heard& heard, const LoadLine& line);
  std::map<int, PodState> pods_;
  std::map<int, Heard> heard_;
  Ledger total_;
  std::vector<std::string> error_samples_;
};

// Downward API file in the load pod, and the annotation behind it: non-empty = stop now,
// gracefully.
inline constexpr std::string_view kLoadStopAnnotation = "chaos.rbee.dev/stop";
inline constexpr std::string_view kLoadStopFile = "/etc/chaos/stop";
inline constexpr std::string_view kLoadContainer = "load";
// Exit codes speak of the generator's health only: 0 it worked (whatever the target did), 2 bad
// arguments, 3 no T0 (started after the end), 4 it could not generate (descriptors, ports), 143
// terminated after its last line.

}  // namespace chaos::protocol
