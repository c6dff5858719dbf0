// The lines of a load pod, and what they add up to.
#include <algorithm>

#include "injectors/protocol/load.h"
#include "operator/base/time_text.h"

namespace chaos::protocol {
namespace {

constexpr std::size_t kSamplesALine = 5, kSampleBytes = 256, kSamplesKept = 20;
constexpr std::int64_t kMost = std::int64_t{1} << 53;

void PutUnlessZero(Json& json, const char* key, std::int64_t value) {
  if (value != 0) json[key] = value;
}

// A whole number in [0, most]; missing is 0.
bool Take(const Json& json, const char* key, std::int64_t most, std::int64_t& out) {
  out = Integer(json, {key});
  return out >= 0 && out <= most;
}

// How much of a sample is kept: never half a UTF-8 character.
std::size_t WholeCharacters(const std::string& sample) {
  if (sample.size() <= kSampleBytes) return sample.size();
  std::size_t size = kSampleBytes;
  while (size > 0 && (static_cast<unsigned char>(sample[size]) & 0xC0U) == 0x80U) --size;
  return size;
}

}  // namespace

std::string PrintLoadLine(const LoadLine& line) {
  Json json = {{"v", 1}, {"seq", line.seq}, {"at", PrintTime(line.at)}, {"event", line.event}};
  PutUnlessZero(json, "pod", line.pod);
  if (!line.reason.empty()) json["reason"] = line.reason;
  if (!line.message.empty()) json["message"] = line.message;
  PutUnlessZero(json, "elapsedMs", line.elapsed_ms);
  PutUnlessZero(json, "vus", line.vus);
  PutUnlessZero(json, "vuMs", line.vu_ms);
  PutUnlessZero(json, "alive", line.alive);
  PutUnlessZero(json, "lagUs", line.loop_lag_us);
  PutUnlessZero(json, "throttledMs", line.throttled_ms);
  if (!(line.ledger == Ledger{})) json["ledger"] = ToJson(line.ledger);
  if (!line.error_samples.empty()) json["errors"] = line.error_samples;
  return PrintJson(json);
}

Result<LoadLine> ParseLoadLine(std::string_view text) {
  if (text.size() > kMaxLoadLine) return Invalid("a load line of more than 16 MiB is not read");
  const Result<Json> parsed = ParseJson(text);
  if (!parsed) return parsed.error();
  const Json& json = *parsed;
  LoadLine line;
  line.event = Text(json, {"event"});
  line.reason = Text(json, {"reason"});
  line.message = Text(json, {"message"});
  std::int64_t pod = 0, vus = 0;
  const bool fits =
      Take(json, "seq", kMost, line.seq) && Take(json, "pod", kMaxLoadPods - 1, pod) &&
      Take(json, "elapsedMs", kMost, line.elapsed_ms) && Take(json, "vus", kMaxLoadVus, vus) &&
      Take(json, "vuMs", kMost, line.vu_ms) && Take(json, "alive", kMost, line.alive) &&
      Take(json, "lagUs", kMost, line.loop_lag_us) &&
      Take(json, "throttledMs", kMost, line.throttled_ms);
  if (line.event.empty() || line.seq < 1 || !fits)
    return Invalid("not a load line: seq, event and numbers from 0 on are needed");
  line.pod = static_cast<int>(pod);
  line.vus = static_cast<int>(vus);
  const Result<TimePoint> at = ParseTime(Text(json, {"at"}));
  if (!at) return at.error();
  line.at = *at;
  if (const Json* ledger = Find(json, {"ledger"})) {
    Result<Ledger> read = LedgerFromJson(*ledger);
    if (!read) return read.error();
    line.ledger = *std::move(read);
  }
  line.error_samples = Texts(json, {"errors"});
  if (line.error_samples.size() > kSamplesALine) line.error_samples.resize(kSamplesALine);
  for (std::string& sample : line.error_samples) sample.resize(WholeCharacters(sample));
  return line;
}

void LoadLog::Part::Add(const Part& other) {
  ledger.Add(other.ledger);
  lag_us = std::max(lag_us, other.lag_us);
  throttled_ms += other.throttled_ms;
}

void LoadLog::Add(const LoadLine& line) {
  PodState& pod = pods_[line.pod];
  Learn(pod, line);
  Count(pod, heard_[line.pod], line);
  pod.gap = pod.last_seq > pod.whole_up_to;
  for (const std::string& sample : line.error_samples) {
    const auto at = std::lower_bound(error_samples_.begin(), error_samples_.end(), sample);
    if (at == error_samples_.end() || *at != sample) error_samples_.insert(at, sample);
    if (error_samples_.size() > kSamplesKept) error_samples_.pop_back();
  }
}

// What the newest line says of the pod, and what any of them says once.
void LoadLog::Learn(PodState& pod, const LoadLine& line) {
  pod.started = true;
  if (line.event == kLoadEnded) {
    pod.ended = true;
    pod.ended_why = line.reason;
  }
  if (line.event == kLoadFailed) {
    pod.failed = line.reason;
    pod.message = line.message;
  }
  if (line.seq <= pod.last_seq) return;
  pod.last_seq = line.seq;
  pod.elapsed_ms = line.elapsed_ms;
  pod.vu_ms = line.vu_ms;
  pod.alive = line.alive;
  pod.vus = line.vus;
  pod.at = line.at;
}

void LoadLog::Count(PodState& pod, Heard& heard, const LoadLine& line) {
  if (line.seq <= pod.whole_up_to) return;
  Part part{line.ledger, line.loop_lag_us, line.throttled_ms};
  if (line.event == kLoadCheckpoint) {
    total_.Add(heard.whole.ledger, -1);
    while (!heard.after.empty() && heard.after.begin()->first <= line.seq) {
      total_.Add(heard.after.begin()->second.ledger, -1);
      heard.after.erase(heard.after.begin());
    }
    total_.Add(part.ledger);
    heard.whole = std::move(part);
    pod.whole_up_to = line.seq;
  } else if (const auto [at, is_new] = heard.after.try_emplace(line.seq, std::move(part)); is_new) {
    total_.Add(at->second.ledger);
  }
  while (!heard.after.empty() && heard.after.begin()->first == pod.whole_up_to + 1) {
    heard.whole.Add(heard.after.begin()->second);
    heard.after.erase(heard.after.begin());
    ++pod.whole_up_to;
  }
  pod.worst_lag_us = heard.whole.lag_us;
  pod.throttled_ms = heard.whole.throttled_ms;
  for (const auto& [seq, later] : heard.after) {
    pod.worst_lag_us = std::max(pod.worst_lag_us, later.lag_us);
    pod.throttled_ms += later.throttled_ms;
  }
}

}  // namespace chaos::protocol
