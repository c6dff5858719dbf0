#include "injectors/proxy/tally.h"

#include <algorithm>
#include <utility>

#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

// A second's lines and a run's: what a kubelet keeps and an operator reads again and again.
constexpr int kLinesAtOnce = 20, kLinesPerSecond = 10;
constexpr std::int64_t kMostLines = 500;
constexpr std::array<const char*, 5> kOpaqueNames = {"TLS", "HTTP/2", "upgraded",
                                                     "compressed or of fixed length", "not HTTP"};

std::string Print(nanoseconds time) {
  return PrintShort(std::chrono::duration_cast<microseconds>(time));
}

}  // namespace

void Tally::Did(const Act& act, nanoseconds held, bool first) {
  if (first) ++acted_on_;
  ++by_kind_[act.what];
  if (held > nanoseconds(0)) {
    ++held_count_;
    held_sum_ += held;
    held_least_ = std::min(held_least_, held);
    held_most_ = std::max(held_most_, held);
  }
  if (printed_ + static_cast<std::int64_t>(lines_.size()) >= kMostLines ||
      lines_.size() >= static_cast<std::size_t>(kLinesAtOnce)) {
    ++not_printed_;
    ++skipped_;
    return;
  }
  std::string line = "request " + std::to_string(act.request);
  if (act.event > 0) line += ", event " + std::to_string(act.event);
  line += std::string(": ") + act.what;
  if (held > nanoseconds(0)) line += " " + Print(held);
  lines_.push_back({std::move(line), std::exchange(skipped_, 0)});
}

std::vector<std::string> Tally::TakeLines(nanoseconds now) {
  if (refilled_at_ < nanoseconds(0)) {
    refilled_at_ = now;
    budget_ = kLinesAtOnce;
  }
  const auto periods = (now - refilled_at_) / seconds(1);
  if (periods > 0) {
    refilled_at_ += periods * nanoseconds(seconds(1));
    budget_ =
        static_cast<int>(std::min<std::int64_t>(kLinesAtOnce, budget_ + periods * kLinesPerSecond));
  }
  std::vector<std::string> out;
  for (Line& line : lines_) {
    if (budget_ == 0) {
      ++not_printed_;
      skipped_ += 1 + line.skipped;
      continue;
    }
    --budget_;
    ++printed_;
    if (line.skipped > 0)
      line.text += " (" + std::to_string(line.skipped) + " before it not printed)";
    out.push_back(std::move(line.text));
  }
  lines_.clear();
  return out;
}

std::map<std::string, std::string> Tally::Figures() const {
  std::map<std::string, std::string> figures = {
      {"connections", std::to_string(connections_)},
      {"requestsSeen", std::to_string(requests_)},
      {"requestsActedOn", std::to_string(acted_on_)},
  };
  if (streams_ > 0) figures["streamsSeen"] = std::to_string(streams_);
  for (const auto& [kind, count] : by_kind_) figures[kind] = std::to_string(count);
  if (held_count_ > 0) {
    figures["heldMean"] = Print(held_sum_ / held_count_);
    figures["heldLeast"] = Print(held_least_);
    figures["heldMost"] = Print(held_most_);
  }
  std::int64_t uncovered = 0;
  std::string kinds;
  for (std::size_t i = 0; i < opaque_.size(); ++i) {
    if (opaque_[i] == 0) continue;
    uncovered += opaque_[i];
    kinds +=
        std::string(kinds.empty() ? "" : ", ") + kOpaqueNames[i] + " " + std::to_string(opaque_[i]);
  }
  figures["uncovered"] = std::to_string(uncovered);
  if (uncovered > 0) figures["uncoveredKinds"] = kinds;
  if (refused_ > 0) figures["targetRefused"] = std::to_string(refused_);
  if (too_many_ > 0) figures["tooManyConnections"] = std::to_string(too_many_);
  if (cut_ > 0) figures["connectionsCut"] = std::to_string(cut_);
  if (not_printed_ > 0) figures["actsNotPrinted"] = std::to_string(not_printed_);
  return figures;
}

}  // namespace chaos::inject
