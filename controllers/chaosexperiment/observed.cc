#include "controllers/chaosexperiment/observed.h"

#include <algorithm>

namespace chaos::experiment {

void Said::Add(const protocol::Event& event) {
  if (event.seq <= last_seq) return;
  last_seq = event.seq;
  if (!event.requested.empty()) requested = event.requested;
  // A journal line says how to undo it: no figure of the effect. Acts are for people.
  if (event.event == "act") return;
  if (event.event != "journal") {
    for (const auto& [key, value] : event.measured) measured[key] = value;
  }
  if (const auto found = event.measured.find("mechanism"); found != event.measured.end()) {
    mechanism = found->second;
    measured.erase("mechanism");
  }
  if (const auto found = event.measured.find("leaves"); found != event.measured.end())
    undo = found->second;
  if (event.event == "armed") armed_at = event.at;
  // Ahead of what may end the injector with its victim; the first of several steps counts.
  if (event.event == "applied" || event.event == "aboutTo")
    applied_at = std::min(event.at, applied_at.value_or(event.at));
  if (event.event == "verified") verified_at = event.at;
  if (event.event == "reverted") reverted_at = event.at;
  if (event.event == "failed") {
    failure = event.reason;
    message = event.message;
  }
  const bool last = event.event == "reverted" || event.event == "stopped" || event.event == "done";
  if (last) cut_short = event.reason;
  if (last || (event.event == "failed" && event.reason != protocol::kRevertFailed)) undo.clear();
  ended = ended || last || event.event == "failed";
}

void Said::Add(const protocol::Record& record) {
  if (record.applied) applied_at = std::min(*record.applied, applied_at.value_or(*record.applied));
  if (record.verified) verified_at = record.verified;
  if (record.reverted) reverted_at = record.reverted;
  if (record.state == "failed" && failure.empty()) failure = record.code;
  if ((record.state == "reverted" || record.state == "stopped") && record.code != "ok")
    cut_short = record.code;
  if (!record.undo.empty()) undo = record.undo;
  const bool over =
      record.state == "reverted" || record.state == "done" || record.state == "failed";
  if (over && record.undo.empty()) undo.clear();
  for (const auto& [key, value] : record.figures) measured.try_emplace(key, value);
}

}  // namespace chaos::experiment
