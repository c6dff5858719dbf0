#include "injectors/file_descriptors.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "injectors/pick_process.h"
#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr int kMostConnects = 64;                // of our own, to use up what is left
constexpr int kSlack = 8;                        // numbers that the process frees meanwhile
constexpr nanoseconds kTick = milliseconds(10);  // USER_HZ, in which start times are told
constexpr nanoseconds kMargin = seconds(1);      // for us, before the kernel ends us

// Numbers below `limit` that are not open.
int FreeBelow(const std::vector<int>& open, std::uint64_t limit) {
  const auto used = std::count_if(open.begin(), open.end(), [&](int number) {
    return static_cast<std::uint64_t>(number) < limit;
  });
  const std::uint64_t free = limit - static_cast<std::uint64_t>(used);
  return static_cast<int>(std::min<std::uint64_t>(free, std::numeric_limits<int>::max()));
}

// The limit below which exactly `headroom` numbers are not open: new files get the lowest ones.
std::uint64_t LimitFor(const std::vector<int>& open, int headroom) {
  std::uint64_t limit = 0;
  auto next = open.begin();
  for (int free = 0;; ++limit) {
    const bool taken = next != open.end() && static_cast<std::uint64_t>(*next) == limit;
    if (taken) {
      ++next;
    } else if (++free > headroom) {
      return limit;
    }
  }
}

}  // namespace

FileDescriptors::FileDescriptors(const protocol::InjectArguments& arguments, Processes& processes,
                                 Descriptors& descriptors)
    : fault_(std::get<protocol::FileDescriptors>(arguments.fault)),
      duration_(arguments.duration),
      processes_(processes),
      descriptors_(descriptors) {}

Figures FileDescriptors::Requested() const {
  Figures figures = {{"process", Describe(victim_)}, {"duration", PrintShort(duration_)}};
  if (fault_.headroom) figures["headroom"] = std::to_string(*fault_.headroom);
  if (undo_.lowered > 0 || fault_.limit)
    figures["limit"] =
        std::to_string(fault_.limit ? static_cast<std::uint64_t>(*fault_.limit) : undo_.lowered);
  return figures;
}

std::vector<std::string_view> FileDescriptors::Headlines() const {
  return {"limit", "headroom", "accept", "limitAfter", "acceptsAgain"};
}

Result<std::string> FileDescriptors::Preflight(Node& /*node*/) {
  const Result<ProcessEntry> victim = PickProcess(processes_, fault_.match);
  if (!victim) return victim.error();
  victim_ = *victim;
  if (const auto open = descriptors_.Open(victim_.id); !open) return open.error();
  const Result<FileLimit> limit = descriptors_.Limit(victim_.id);
  if (!limit) return limit.error();
  if (const auto same = descriptors_.SetSoft(victim_.id, limit->soft); !same) return same.error();
  return std::string("prlimit, soft limit of open files");
}

std::unique_ptr<Look> FileDescriptors::Baseline(Node& node, nanoseconds now) {
  before_ = Choose(now);
  const std::vector<Accepting> servers = descriptors_.Listeners(victim_.id);
  if (!before_.reason.empty() || servers.empty() || free_ > kMostConnects)
    return std::make_unique<Seen>(before_, now);
  server_ = servers.front();
  return std::make_unique<Accepts>(node, descriptors_, *server_, /*most=*/1, now,
                                   [this](const Accepts::Outcome& o) { return ReadBefore(o); });
}

Reading FileDescriptors::Choose(nanoseconds now) {
  Reading reading;
  const auto fail = [&](std::string_view reason, std::string message) {
    reading.reason = reason;
    reading.message = std::move(message);
    return reading;
  };
  const Result<std::vector<int>> open = descriptors_.Open(victim_.id);
  const Result<FileLimit> limit = descriptors_.Limit(victim_.id);
  if (!open || !limit) {
    const Error& error = open ? limit.error() : open.error();
    return fail(error.reason == Reason::kNotFound ? protocol::kTargetGone : protocol::kRefused,
                error.detail);
  }
  undo_.id = victim_.id;
  undo_.before = *limit;
  undo_.lowered =
      fault_.limit ? static_cast<std::uint64_t>(*fault_.limit) : LimitFor(*open, *fault_.headroom);
  undo_.since = static_cast<std::uint64_t>(now / kTick);
  free_ = FreeBelow(*open, undo_.lowered);
  reading.measured = {{"limitBefore", std::to_string(limit->soft)},
                      {"openFiles", std::to_string(open->size())},
                      {"accept", "untried"}};
  if (undo_.lowered < limit->soft) return reading;
  return fail(protocol::kRefused,
              "process " + Describe(victim_) + " has a limit of " + std::to_string(limit->soft) +
                  " open files, and " + std::to_string(undo_.lowered) +
                  " would take nothing away: ask for less" + (fault_.headroom ? " headroom" : ""));
}

// A server that is slow, or that somebody else serves, cannot show what the limit does to it.
Reading FileDescriptors::ReadBefore(const Accepts::Outcome& accepts) {
  if (accepts.taken == 0) server_.reset();
  before_.measured["accept"] = server_ ? "ok" : "untried";
  return before_;
}

Figures FileDescriptors::Journal() const {
  return {{"changes", "soft limit of open files of process " + Describe(victim_) + " from " +
                          std::to_string(undo_.before.soft) + " to " +
                          std::to_string(undo_.lowered)}};
}

Result<void> FileDescriptors::Apply(Node& /*node*/, nanoseconds lasts) {
  if (const Result<void> armed = processes_.EndUsAfter(lasts + kMargin); !armed)
    return armed.error();
  return descriptors_.SetSoft(victim_.id, undo_.lowered);
}

std::unique_ptr<Look> FileDescriptors::Measure(Node& node, nanoseconds now) {
  if (!server_) return std::make_unique<Seen>(ReadDuring(std::nullopt), now);
  return std::make_unique<Accepts>(node, descriptors_, *server_, free_ + kSlack, now,
                                   [this](const Accepts::Outcome& o) { return ReadDuring(o); });
}

Reading FileDescriptors::ReadDuring(const std::optional<Accepts::Outcome>& accepts) {
  Reading reading;
  const auto fail = [&](std::string_view reason, std::string message) {
    reading.reason = reason;
    reading.message = std::move(message);
    return reading;
  };
  const Result<FileLimit> limit = descriptors_.Limit(victim_.id);
  const Result<std::vector<int>> open = descriptors_.Open(victim_.id);
  if (!limit || !open)
    return fail(protocol::kNoEffect, (limit ? open.error() : limit.error()).detail);
  reading.measured = {{"limit", std::to_string(limit->soft)},
                      {"headroom", std::to_string(FreeBelow(*open, limit->soft))},
                      {"openFiles", std::to_string(open->size())},
                      {"limitBefore", std::to_string(undo_.before.soft)},
                      {"accept", "untried"}};
  if (limit->soft != undo_.lowered)
    return fail(protocol::kNoEffect, "process " + Describe(victim_) + " has set its limit to " +
                                         std::to_string(limit->soft) + " by itself");
  // Who goes on accepting may be somebody else; who does not is none but the one that we changed.
  if (!accepts || (!accepts->stalled && !server_->sure)) return reading;
  reading.measured["accept"] = accepts->stalled ? "stalled" : "ok";
  reading.measured["control"] = accepts->reached ? "ok" : "failed";
  reading.measured["taken"] = std::to_string(accepts->taken);
  if (!accepts->reached)
    return fail(protocol::kSteadyStateNotMet,
                "nothing connects to port " + std::to_string(server_->at.port) +
                    " of the target any more, so more than its limit seems to be in the way");
  if (!accepts->stalled)
    return fail(protocol::kNoEffect,
                "port " + std::to_string(server_->at.port) + " has taken " +
                    std::to_string(accepts->taken) + " connections in spite of the limit of " +
                    std::to_string(limit->soft) +
                    ": another process may accept there, which process.match could name");
  return reading;
}

Figures FileDescriptors::Sample(Node& /*node*/) const {
  const Result<FileLimit> limit = descriptors_.Limit(victim_.id);
  const Result<std::vector<int>> open = descriptors_.Open(victim_.id);
  if (!limit || !open) return {{"process", "ended"}};
  return {{"limit", std::to_string(limit->soft)},
          {"headroom", std::to_string(FreeBelow(*open, limit->soft))}};
}

Result<Figures> FileDescriptors::Revert(Node& /*node*/, nanoseconds /*now*/) {
  Result<Figures> undone = inject::Undo(undo_, processes_, descriptors_);
  if (!undone) return undone;
  if (const Result<void> off = processes_.EndUsAfter(nanoseconds(0)); !off) return off.error();
  return undone;
}

std::unique_ptr<Look> FileDescriptors::Confirm(Node& node, nanoseconds now) {
  if (!server_) return std::make_unique<Seen>(Reading{}, now);
  return std::make_unique<Accepts>(
      node, descriptors_, *server_, /*most=*/1, now, [](const Accepts::Outcome& o) {
        return Reading{{{"acceptsAgain", o.taken > 0 ? "yes" : "no"}}, "", ""};
      });
}

}  // namespace chaos::inject
