#include "injectors/proxy/stream_acts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace chaos::inject {
namespace {

constexpr std::string_view kDone = "[DONE]";
constexpr std::uint64_t kForCorrupt = 11, kForDuplicate = 12, kForDrop = 13, kForReorder = 14;

// The value of the first data line of a block, where it lies in it.
std::pair<std::size_t, std::size_t> DataOf(std::string_view block) {
  for (std::size_t line = 0; line < block.size();) {
    const std::size_t end = std::min(block.find_first_of("\r\n", line), block.size());
    if (block.substr(line, end - line).starts_with("data:")) return {line + 5, end};
    line = end + 1;
  }
  return {0, 0};
}

// Half of the JSON is missing, or a byte is in it that no UTF-8 has.
std::string Corrupted(std::string block, protocol::Corruption how) {
  const auto [begin, end] = DataOf(block);
  const std::size_t middle = begin + (end - begin) / 2;
  if (how == protocol::Corruption::kBadUtf8)
    block.insert(middle, 1, '\xff');
  else
    block.erase(middle, end - middle);
  return block;
}

}  // namespace

StreamActs::StreamActs(const Script& script, std::int64_t request, Framing framing, Pipe& out,
                       nanoseconds now)
    : script_(script),
      stream_(*script.stream()),
      request_(request),
      framing_(framing),
      out_(out),
      now_(now) {
  EndIfDue();
}

void StreamActs::Body(std::string_view bytes, nanoseconds now) {
  now_ = now;
  while (!bytes.empty() && !cut_) {
    if (passing_) return Emit(bytes);
    bool event = false, done = false;
    const load::SseParser::Fed fed =
        sse_.FeedBlock(bytes, [&](std::string_view, std::string_view data) {
          event = true;
          done = data == kDone;
        });
    block_ += bytes.substr(0, fed.used);
    bytes.remove_prefix(fed.used);
    if (sse_.failed()) {  // no events any more that anybody could read
      LetGo();
      passing_ = true;
    } else if (fed.block) {
      Block(event, done);
    }
  }
}

void StreamActs::Block(bool event, bool done) {
  if (!event) return Emit(std::exchange(block_, {}));  // a comment that keeps alive
  ++event_;
  Event(done);
  block_.clear();
  EndIfDue();
}

void StreamActs::Event(bool done) {
  const std::optional<protocol::Lag>& lag =
      event_ == 1 ? stream_.first_token_delay : stream_.token_delay;
  const nanoseconds added = lag ? script_.Draw(*lag, request_, event_) : nanoseconds(0);
  shift_ += added;
  if (done ? stream_.drop_done : Hit(stream_.drop, kForDrop)) return Emit("", "dropped");
  if (!done && Hit(stream_.corrupt, kForCorrupt)) {
    block_ = Corrupted(std::move(block_), stream_.corruption);
    Emit("", "corrupted");
  }
  if (!done && swapped_.empty() && Hit(stream_.reorder, kForReorder)) {
    swapped_ = block_;
    swapped_event_ = event_;
    return;
  }
  Emit(block_, added > nanoseconds(0) ? "delayed" : nullptr, /*late=*/true);
  if (!done && Hit(stream_.duplicate, kForDuplicate)) Emit(block_, "duplicated");
  if (swapped_.empty()) return;
  const std::int64_t event = std::exchange(event_, swapped_event_);  // whose act it is
  Emit(std::exchange(swapped_, {}), "reordered");
  event_ = event;
}

void StreamActs::EndIfDue() {
  const auto due = [&](const std::optional<int>& after) {
    return after && event_ >= *after && !ended_;
  };
  if (due(stream_.stall_after)) {
    ended_ = true;
    LetGo();
    Emit("", "stalled");
    out_.PutLater("", now_, Pipe::kNever);  // until the fault ends
  } else if (due(stream_.truncate_after)) {
    ended_ = true;
    LetGo();
    Emit("", "truncated");
    if (stream_.end == protocol::StreamEnd::kCleanWithoutDone) EndBody();
    out_.Finish(stream_.end == protocol::StreamEnd::kReset ? Pipe::End::kReset : Pipe::End::kFin);
    cut_ = Pipe::End::kClose;
  } else if (due(stream_.error_after)) {
    ended_ = true;
    LetGo();
    Emit("data: " + stream_.error_data + "\n\n", "error event");
    EndBody();
    out_.Finish(Pipe::End::kFin);
    cut_ = Pipe::End::kClose;
  } else if (due(stream_.cancel_after)) {
    ended_ = true;
    LetGo();
    Emit("", "cancelled");
    out_.Finish(Pipe::End::kFin);
    cut_ = Pipe::End::kReset;
  }
}

void StreamActs::EndOfBody() {
  LetGo();
  EndBody();
}

void StreamActs::StopActing() {
  LetGo();
  passing_ = true;
  shift_ = nanoseconds(0);
}

// What waits for something that will not come.
void StreamActs::LetGo() {
  for (std::string* waiting : {&swapped_, &block_}) {
    if (!waiting->empty()) Emit(std::exchange(*waiting, {}));
  }
}

void StreamActs::EndBody() {
  if (framing_ == Framing::kChunked) out_.Put("0\r\n\r\n");
}

void StreamActs::Emit(std::string_view bytes, const char* act, bool late) {
  std::string framed;
  if (framing_ == Framing::kChunked && !bytes.empty()) {
    std::array<char, 16> size{};
    const auto [end, error] =
        std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16);
    framed.assign(size.data(), end);
    framed += "\r\n";
    framed += bytes;
    framed += "\r\n";
    bytes = framed;
  }
  out_.PutLater(bytes, now_, now_ + shift_, {request_, event_, act, late});
}

bool StreamActs::Hit(int share, std::uint64_t use) const {
  return share > 0 && script_.Hit(share, request_, event_, use);
}

}  // namespace chaos::inject
