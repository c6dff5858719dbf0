// A stream that is down fails a sample only by the age of its last event, where there is a limit
// for that: a short reconnect is no outage. Without such a limit the stream itself must be up.
#include "injectors/load/sse_watch.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "operator/base/json.h"
#include "operator/base/time_text.h"

namespace chaos::load {
namespace {

std::string Number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", value);
  return text.data();
}

// Null when there is nothing at that place. The pointer was checked with the arguments.
const Json* At(const Json& event, const std::string& pointer) {
  const Json* at = &event;
  for (std::size_t i = 0; i < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', i + 1), pointer.size());
    std::string key;
    for (std::size_t k = i + 1; k < end; ++k) {
      const bool escape = pointer[k] == '~' && k + 1 < end;
      key += !escape ? pointer[k] : pointer[++k] == '1' ? '/' : '~';
    }
    if (at->is_object()) {
      const auto found = at->find(key);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array() && !key.empty() && key.size() <= 6 &&
               key.find_first_not_of("0123456789") == std::string::npos &&
               std::stoul(key) < at->size()) {
      at = &(*at)[std::stoul(key)];
    } else {
      return nullptr;
    }
    i = end;
  }
  return at;
}

std::string Shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : PrintJson(value);
}

// Empty when the value is within the bounds.
std::string Problem(const protocol::ProbeArguments& probe, const Json* value, std::string& shown) {
  const std::string& name = probe.json_pointer;
  if (value == nullptr) return "the event has no " + name;
  double number = 0;
  if (value->is_number())
    number = value->get<double>();
  else if (value->is_boolean())
    number = value->get<bool>() ? 1 : 0;
  else if (value->is_array())
    number = static_cast<double>(value->size());  // a list counts as its length
  else
    return name + " is " + Excerpt(PrintJson(*value), 40) + ", not a number";
  shown = Number(number);
  if (probe.at_least && !(number >= *probe.at_least)) {
    return name + " is " + shown + ", wanted at least " + Number(*probe.at_least);
  }
  if (probe.at_most && !(number <= *probe.at_most)) {
    return name + " is " + shown + ", wanted at most " + Number(*probe.at_most);
  }
  return "";
}

std::string Seconds(nanoseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(time.count()) / 1e9);
  return text.data();
}

}  // namespace

void SseWatch::OnOpen() { open_ = true; }

void SseWatch::OnLost(std::string why) {
  open_ = false;
  lost_ = std::move(why);
}

void SseWatch::OnEvent(std::string_view data, nanoseconds now) {
  const Json event = Json::parse(data, nullptr, /*allow_exceptions=*/false);
  if (!probe_.match_pointer.empty()) {
    if (event.is_discarded()) return;
    const Json* matched = At(event, probe_.match_pointer);
    if (matched == nullptr || Shown(*matched) != probe_.match_equals) return;
  }
  Seen seen{now, "", ""};
  if (!probe_.json_pointer.empty()) {
    seen.problem = event.is_discarded()
                       ? "the event is not JSON: " + Excerpt(data, 60)
                       : Problem(probe_, At(event, probe_.json_pointer), seen.value);
  }
  newest_ = std::move(seen);
}

Verdict SseWatch::Judge(nanoseconds now) const {
  const std::string down = open_ ? "" : " (" + lost_ + ")";
  if (!newest_) return open_ ? Bad("connected, but no matching event yet") : Bad(lost_);
  const nanoseconds age = now - newest_->at;
  Verdict verdict = Good();
  if (probe_.max_silence.count() > 0 && age > probe_.max_silence)
    verdict = Bad("no event for " + Seconds(age) + down);
  else if (!newest_->problem.empty())
    verdict = Bad(newest_->problem);
  else if (probe_.max_silence.count() == 0 && !open_)
    verdict = Bad(lost_);
  if (!newest_->value.empty()) verdict.measured["value"] = newest_->value;
  verdict.measured["age"] = PrintShort(std::chrono::duration_cast<microseconds>(age));
  return verdict;
}

}  // namespace chaos::load
