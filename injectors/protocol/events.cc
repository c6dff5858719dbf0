#include "injectors/protocol/events.h"

#include "operator/base/json.h"
#include "operator/base/time_text.h"

namespace chaos::protocol {
namespace {

constexpr std::size_t kRecordBytes = 300;
constexpr std::string_view kWhole = " .";  // the word behind the last one: all others are whole

std::map<std::string, std::string> Figures(const Json& json, std::string_view key) {
  std::map<std::string, std::string> map;
  if (const Json* object = Find(json, {key}); object && object->is_object()) {
    for (const auto& [name, value] : object->items()) {
      map[name] = value.is_string() ? value.get<std::string>() : PrintJson(value);
    }
  }
  return map;
}

}  // namespace

std::string PrintEvent(const Event& event) {
  Json json = {{"v", 1}, {"seq", event.seq}, {"at", PrintTime(event.at)}, {"event", event.event}};
  if (!event.requested.empty()) json["requested"] = event.requested;
  if (!event.measured.empty()) json["measured"] = event.measured;
  if (!event.reason.empty()) json["reason"] = event.reason;
  if (!event.message.empty()) json["message"] = event.message;
  if (!event.probe.empty()) {
    json["probe"] = event.probe;
    json["ok"] = event.ok;
    json["ms"] = event.took.count();
  }
  return PrintJson(json);
}

Result<Event> ParseEvent(std::string_view line) {
  Result<Json> json = ParseJson(line);
  if (!json) return json.error();
  Event event;
  event.event = Text(*json, {"event"});
  event.seq = Integer(*json, {"seq"});
  const Result<TimePoint> at = ParseTime(Text(*json, {"at"}));
  if (!at) return at.error();
  if (event.event.empty() || event.seq < 1)
    return Invalid("not an event line: seq and event are needed");
  event.at = *at;
  event.requested = Figures(*json, "requested");
  event.measured = Figures(*json, "measured");
  event.reason = Text(*json, {"reason"});
  event.message = Text(*json, {"message"});
  event.probe = Text(*json, {"probe"});
  event.ok = Flag(*json, {"ok"});
  event.took = milliseconds(Integer(*json, {"ms"}));
  return event;
}

std::string PrintRecord(const Record& record) {
  std::string text = "v1 " + record.state + " " + record.code + " run=" + record.run;
  const auto time = [&](const char* key, const std::optional<TimePoint>& at) {
    if (at) text += " " + std::string(key) + "=" + PrintTime(*at);
  };
  if (!record.undo.empty()) text += " undo=" + record.undo;
  time("applied", record.applied);
  time("reverted", record.reverted);
  time("verified", record.verified);
  for (const auto& [key, value] : record.figures) {
    if (value.find(' ') == std::string::npos) text += " " + key + "=" + value;
  }
  text += kWhole;
  if (text.size() > kRecordBytes) text.resize(kRecordBytes);
  return text;
}

std::optional<Record> ParseRecord(std::string_view text) {
  Record record;
  int position = 0;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    if (end == std::string_view::npos) break;  // the last word may be cut: 412 may have become 41
    const std::string word(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (position == 0 && word != "v1") return std::nullopt;
    if (position == 1) record.state = word;
    if (position == 2) record.code = word;
    ++position;
    const std::size_t equals = word.find('=');
    if (position <= 3 || equals == std::string::npos) continue;
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    const auto time = [&](std::optional<TimePoint>& out) {
      if (Result<TimePoint> at = ParseTime(value)) out = *at;
    };
    if (key == "run")
      record.run = value;
    else if (key == "undo")
      record.undo = value;
    else if (key == "applied")
      time(record.applied);
    else if (key == "verified")
      time(record.verified);
    else if (key == "reverted")
      time(record.reverted);
    else
      record.figures[key] = value;
  }
  if (record.state.empty()) return std::nullopt;
  return record;
}

}  // namespace chaos::protocol
