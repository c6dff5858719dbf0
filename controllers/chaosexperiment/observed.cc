#include "controllers/chaosexperiment/observed.h"

namespace chaos::experiment {

void Said::Add(const protocol::Event& event) {
  if (event.seq <= last_seq) return;
  last_seq = event.seq;
  if (!event.requested.empty()) requested = event.requested;
  // A journal line says how to undo it: no figure of the effect.
  if (event.event != "journal") {
    for (const auto& [key, value] : event.measured) measured[key] = value;
  }
  if (const auto found = event.measured.find("mechanism"); found != event.measured.end()) {
    mechanism = found->second;
    measured.erase("mechanism");
  }
  if (event.event == "armed") armed_at = event.at;
  if (event.event == "applied") applied_at = event.at;
  if (event.event == "verified") verified_at = event.at;
  if (event.event == "reverted") reverted_at = event.at;
  if (event.event == "failed") {
    failure = event.reason;
    message = event.message;
  }
  if (event.event == "reverted" || event.event == "stopped") cut_short = event.reason;
  ended = ended || event.event == "reverted" || event.event == "stopped" || event.event == "failed";
}

void Said::Add(const protocol::Record& record) {
  if (record.applied) applied_at = record.applied;
  if (record.verified) verified_at = record.verified;
  if (record.reverted) reverted_at = record.reverted;
  if (record.state == "failed" && failure.empty()) failure = record.code;
  if ((record.state == "reverted" || record.state == "stopped") && record.code != "ok")
    cut_short = record.code;
  for (const auto& [key, value] : record.figures) measured.try_emplace(key, value);
}

}  // namespace chaos::experiment
