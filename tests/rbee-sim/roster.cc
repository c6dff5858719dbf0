// The telemetry of a hive says of each worker how long ago it reported. A report that is newer than
// a doubt ends the doubt, so a worker that was started again is back within about a second.
#include "tests/rbee-sim/roster.h"

#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

constexpr milliseconds kSilent{1250};  // two reports were missed
constexpr milliseconds kSlack{100};    // what the way of a report through the hive may take
constexpr std::chrono::minutes kForget{1};

std::string Millis(std::chrono::steady_clock::duration d) {
  return std::to_string(std::chrono::duration_cast<milliseconds>(d).count());
}

}  // namespace

bool Roster::Heard(const std::string& hive_id, const std::vector<KnownWorker>& listed,
                   TimePoint now) {
  bool changed = false;
  std::map<std::string, bool> here;
  for (const KnownWorker& worker : listed) {
    here[worker.id] = true;
    const auto [at, fresh] = entries_.try_emplace(worker.id, Entry{worker, {}, true});
    Entry& entry = at->second;
    changed = changed || fresh || entry.worker.url != worker.url;
    entry.worker = worker;
    if (now - worker.heard > kSilent) {
      Suspect(worker.id, "has not reported for " + Millis(now - worker.heard) + " ms", now);
    } else if (entry.suspected && worker.heard > *entry.suspected + kSlack) {
      Log("worker_back", {{"worker_id", worker.id},
                          {"doubted_for_ms", Millis(now - *entry.suspected)},
                          {"was_lost", entry.in ? "false" : "true"}});
      changed = changed || !entry.in;
      entry.suspected.reset();
      entry.in = true;
    }
  }
  for (auto& [id, entry] : entries_) {
    if (entry.worker.hive_id == hive_id && !here[id]) Suspect(id, "unknown to its hive", now);
  }
  return changed;
}

void Roster::Suspect(const std::string& id, const std::string& why, TimePoint now) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.suspected) return;
  found->second.suspected = now;
  doubted_ = id;
  doubted_at_ = now;
  Log("worker_doubted", {{"worker_id", id}, {"reason", why}});
}

void Roster::Served(const std::string& id, TimePoint now) {
  if (doubted_.empty() || doubted_ == id) return;
  Log("rerouted", {{"from", doubted_}, {"to", id}, {"after_ms", Millis(now - doubted_at_)}});
  doubted_.clear();
}

bool Roster::Drop(TimePoint now) {
  if (options_.reroute_never) return false;
  bool changed = false;
  for (auto& [id, entry] : entries_) {
    if (!entry.in || !entry.suspected || now - *entry.suspected < options_.reroute_after) continue;
    entry.in = false;
    changed = true;
    Log("worker_lost", {{"worker_id", id}, {"doubted_for_ms", Millis(now - *entry.suspected)}});
  }
  std::erase_if(entries_, [now](const auto& item) {
    return !item.second.in && now - item.second.worker.heard > kForget;
  });
  return changed;
}

std::vector<KnownWorker> Roster::Of(const std::string& hive_id) const {
  std::vector<KnownWorker> all;
  for (const auto& [id, entry] : entries_) {
    if (entry.in && entry.worker.hive_id == hive_id) all.push_back(entry.worker);
  }
  return all;
}

}  // namespace rbee_sim
