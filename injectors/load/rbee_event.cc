#include "injectors/load/rbee_event.h"

#include <charconv>

#include "injectors/load/verdict.h"
#include "operator/base/json.h"

namespace chaos::load {
namespace {

using Kind = RbeeEvent::Kind;

RbeeEvent Failed(std::string why, bool over) {
  RbeeEvent event;
  event.kind = Kind::kFailed;
  event.text = std::move(why);
  event.over = over;
  return event;
}

RbeeEvent Token(const Json& token) {
  RbeeEvent event;
  event.kind = Kind::kToken;
  event.text = Text(token, {"t"});
  const Json* index = Find(token, {"i"});
  if (index != nullptr && index->is_number_integer()) event.number = index->get<std::int64_t>();
  return event;
}

RbeeEvent Narration(const Json& json) {
  RbeeEvent event;
  const std::string action = Text(json, {"action"});
  if (action == "failed") {
    std::string human = Text(json, {"human"}, "the server said failed");
    const std::string prefix = "Job " + Text(json, {"job_id"}) + " failed: ";
    if (human.starts_with(prefix)) human.erase(0, prefix.size());
    event = Failed(Excerpt(human), /*over=*/false);
  } else if (action == "infer_success") {
    event.kind = Kind::kSuccess;
  }
  event.from_queen = Text(json, {"actor"}).starts_with("queen");
  return event;
}

RbeeEvent FromJson(const Json& json) {
  RbeeEvent event;
  const std::string type = Text(json, {"type"});
  event.from_worker = type == "token" || type == "started" || type == "end";
  if (type == "token") {
    event = Token(json);
    event.from_worker = true;
    return event;
  }
  if (type == "data") {
    const Json* payload = Find(json, {"payload"});
    const bool token = payload != nullptr && payload->is_object() && payload->contains("t");
    return token ? Token(*payload) : event;
  }
  if (type == "error")
    return Failed(Text(json, {"code"}) + " " + Excerpt(Text(json, {"message"})), /*over=*/false);
  if (type == "narration" || type.empty()) return Narration(json);
  if (type == "started") event.kind = Kind::kStarted;
  if (type == "done") event.over = true;
  if (type == "end") {
    event.kind = Kind::kEnd;
    const Json* tokens = Find(json, {"tokens_out"});
    if (tokens != nullptr && tokens->is_number_integer())
      event.number = tokens->get<std::int64_t>();
  }
  return event;
}

// Takes a piece off the front of a text, or fails for good.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}
  bool fine() const { return fine_ && text_.empty(); }
  void Word(std::string_view word) {
    fine_ = fine_ && text_.starts_with(word);
    if (fine_) text_.remove_prefix(word.size());
  }
  // The inside of a string with plain bytes and short escapes, up to its closing quote.
  void String() {
    std::size_t i = 0;
    for (; fine_ && i < text_.size() && text_[i] != '"'; ++i) {
      if (text_[i] == '\\') {
        ++i;
        fine_ = i < text_.size() &&
                std::string_view("\"\\/bfnrt").find(text_[i]) != std::string_view::npos;
      } else {
        fine_ = text_[i] >= ' ' && text_[i] != 0x7f;  // also false for bytes from 0x80 on
      }
    }
    if (fine_) text_.remove_prefix(i);
  }
  void Number(std::int64_t& number) {
    const char* from = text_.data();
    const auto [end, error] = std::from_chars(from, from + text_.size(), number);
    const auto size = static_cast<std::size_t>(end - from);
    fine_ = fine_ && error == std::errc() && size <= 9 && number >= 0 &&
            (size == 1 || (*from != '0' && *from != '-'));
    if (fine_) text_.remove_prefix(size);
  }

 private:
  std::string_view text_;
  bool fine_ = true;
};

}  // namespace

RbeeEvent ReadRbeeEvent(std::string_view data) {
  RbeeEvent event;
  if (data == "[DONE]") {
    event.over = true;
    return event;
  }
  if (data.starts_with("[ERROR]") || data.starts_with("ERROR:"))
    return Failed(Excerpt(data), /*over=*/true);
  if (data.starts_with("[CANCELLED]")) return Failed("cancelled by the server", /*over=*/true);
  const Json json = Json::parse(data, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? FromJson(json) : event;  // anything else is narration as plain text
}

std::optional<QuickToken> ReadQuickToken(std::string_view data) {
  // The same object in the order of the real services, and with sorted keys; alone from a worker,
  // wrapped from a queen.
  static constexpr std::string_view kData = R"({"type":"data","action":"token","payload":)",
                                    kSortedData = R"({"action":"token","payload":)";
  const bool wrapped = data.starts_with(kData), sorted_wrapped = data.starts_with(kSortedData);
  Cursor at(data);
  if (wrapped) at.Word(kData);
  if (sorted_wrapped) at.Word(kSortedData);
  const std::string_view inner = data.substr(wrapped          ? kData.size()
                                             : sorted_wrapped ? kSortedData.size()
                                                              : 0);
  std::int64_t index = 0;
  if (inner.starts_with(R"({"i":)")) {
    at.Word(R"({"i":)");
    at.Number(index);
    at.Word(R"(,"t":")");
    at.String();
    at.Word(R"(","type":"token"})");
  } else {
    at.Word(R"({"type":"token","t":")");
    at.String();
    at.Word(R"(","i":)");
    at.Number(index);
    at.Word("}");
  }
  if (wrapped) at.Word("}");
  if (sorted_wrapped) at.Word(R"(,"type":"data"})");
  if (!at.fine()) return std::nullopt;
  return QuickToken{index, !wrapped && !sorted_wrapped};
}

}  // namespace chaos::load
