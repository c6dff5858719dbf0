#include "controllers/world/run.h"

#include <algorithm>

#include "injectors/protocol/names.h"
#include "operator/base/sha256.h"
#include "operator/base/time_text.h"

namespace chaos {
namespace {

bool Empty(const Json& value) { return (value.is_object() || value.is_array()) && value.empty(); }

Json WithoutDefaults(const Json& value, const Json& defaults) {
  if (value.is_object()) {
    Json kept = Json::object();
    for (const auto& [key, item] : value.items()) {
      if (item.is_null()) continue;
      const auto found = defaults.is_object() ? defaults.find(key) : defaults.end();
      const bool has_default = defaults.is_object() && found != defaults.end();
      if (has_default && *found == item) continue;
      Json rest = WithoutDefaults(item, has_default ? *found : Json());
      if (!(has_default && Empty(rest))) kept[key] = std::move(rest);
    }
    return kept;
  }
  if (value.is_array()) {
    Json kept = Json::array();
    for (const Json& item : value) {
      kept.push_back(
          WithoutDefaults(item, defaults.is_array() && !defaults.empty() ? defaults[0] : Json()));
    }
    return kept;
  }
  return value;
}

}  // namespace

std::string RunId(std::string_view uid, std::string_view spec_hash) {
  return Sha256Hex(std::string(uid) + "/" + std::string(spec_hash)).substr(0, 10);
}

std::string HashOfRun(const Json& spec, const std::vector<const char*>& fields,
                      const Json& defaults) {
  Json run = Json::object();
  for (const char* field : fields) {
    if (const Json* value = Find(spec, {field})) run[field] = *value;
  }
  return Sha256Hex(PrintJson(WithoutDefaults(run, defaults))).substr(0, 16);
}

std::int64_t DefaultSeed(std::string_view uid, std::int64_t run) {
  const std::string digest = Sha256Hex(std::string(uid) + "/" + std::to_string(run)).substr(0, 8);
  return static_cast<std::int64_t>(std::stoul(digest, nullptr, 16));
}

const RunRecord* FindRun(const std::vector<RunRecord>& runs, std::string_view spec_hash) {
  const auto found = std::find_if(runs.begin(), runs.end(),
                                  [&](const RunRecord& r) { return r.spec_hash == spec_hash; });
  return found == runs.end() ? nullptr : &*found;
}

void AddRun(std::vector<RunRecord>& runs, RunRecord record) {
  std::erase_if(runs, [&](const RunRecord& r) { return r.spec_hash == record.spec_hash; });
  runs.push_back(std::move(record));
  if (runs.size() > 10) runs.erase(runs.begin());
}

std::string RanBeforeText(const RunRecord& record) {
  return "this spec has run before" +
         (record.at ? ", until " + PrintTime(*record.at, 0) : std::string()) +
         ": raise spec.run to run it again";
}

std::string Annotation(const kube::ObjectMeta& meta, std::string_view key) {
  const auto found = meta.annotations.find(std::string(key));
  return found == meta.annotations.end() ? "" : found->second;
}

bool SaysItRan(const kube::ObjectMeta& meta, std::string_view spec_hash) {
  const std::string ran = "," + Annotation(meta, protocol::kRanAnnotation) + ",";
  return ran.find("," + std::string(spec_hash) + ",") != std::string::npos;
}

std::string RanWith(const kube::ObjectMeta& meta, std::string_view spec_hash) {
  std::string ran = Annotation(meta, protocol::kRanAnnotation);
  if (!SaysItRan(meta, spec_hash)) ran += (ran.empty() ? "" : ",") + std::string(spec_hash);
  constexpr std::size_t kTenHashes = 10 * 17 - 1;
  return ran.size() > kTenHashes ? ran.substr(ran.size() - kTenHashes) : ran;
}

}  // namespace chaos
