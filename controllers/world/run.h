// One run of one object: its identity, and what keeps the same spec from running twice. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos {

// Identity of a run of this very object: 10 hex digits, in every name that the run uses.
std::string RunId(std::string_view uid, std::string_view spec_hash);

// 16 hex digits over the fields that make a run, canonical and without defaults. `defaults` has the
// shape of a spec; a list's only item stands for each of its items.
std::string HashOfRun(const Json& spec, const std::vector<const char*>& fields,
                      const Json& defaults);

// What a run takes its choices from unless the spec says it.
std::int64_t DefaultSeed(std::string_view uid, std::int64_t run);

struct RunRecord {
  std::string spec_hash, verdict, reason;
  std::optional<TimePoint> at;
  bool operator==(const RunRecord&) const = default;
};
// Of a status: the last 10 runs, newest last.
const RunRecord* FindRun(const std::vector<RunRecord>& runs, std::string_view spec_hash);
void AddRun(std::vector<RunRecord>& runs, RunRecord record);
std::string RanBeforeText(const RunRecord& record);

std::string Annotation(const kube::ObjectMeta& meta, std::string_view key);

// The annotation chaos.rbee.dev/ran: what is left of `runs` after a restore from a backup.
bool SaysItRan(const kube::ObjectMeta& meta, std::string_view spec_hash);
std::string RanWith(const kube::ObjectMeta& meta, std::string_view spec_hash);
inline constexpr std::string_view kRestoredText =
    " says that this spec has run already, but its status is gone (a restored backup?): raise "
    "spec.run to run it again";

}  // namespace chaos
