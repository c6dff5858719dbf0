// Lines may end in CRLF or LF alone. Two lengths that differ, or a transfer coding that we do not
// know, are failures: guessing where a body ends would make one message out of two.
#include "injectors/load/http_message.h"

#include <algorithm>
#include <charconv>

namespace chaos::load {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return Lower(c); });
  return lower;
}

bool ReadNumber(std::string_view text, int base, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() &&
         out <= (1ull << 62);
}

std::size_t MessageParser::Feed(std::string_view bytes, std::string& body) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::kDone && state_ != State::kFailed) {
    const std::string_view rest = bytes.substr(used);
    if (state_ == State::kUntilClose) {
      body += rest;
      used += rest.size();
    } else if (state_ == State::kFixed || state_ == State::kChunk) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
      body += rest.substr(0, n);
      used += n;
      left_ -= n;
      if (left_ == 0) state_ = state_ == State::kFixed ? State::kDone : State::kChunkEnd;
    } else {
      const std::size_t end = rest.find('\n');
      const std::size_t n = end == std::string_view::npos ? rest.size() : end + 1;
      const bool in_chunk = state_ == State::kChunkSize || state_ == State::kChunkEnd;
      if (!in_chunk) head_bytes_ += n;
      const bool too_long =
          in_chunk ? line_.size() + n > limits_.chunk_line : head_bytes_ > limits_.head;
      if (too_long) {
        Fail(in_chunk ? "a chunk size line without end" : "a head that is too long");
        break;
      }
      used += n;
      std::string_view line = rest.substr(0, n);
      std::string joined;
      if (end == std::string_view::npos || !line_.empty()) line_ += line;
      if (end == std::string_view::npos) break;
      if (!line_.empty()) {  // the usual case, a line in one piece, costs no copy
        joined.swap(line_);
        line = joined;
      }
      line.remove_suffix(1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      Line(line);
    }
  }
  return used;
}

void MessageParser::Line(std::string_view line) {
  switch (state_) {
    case State::kFirstLine:
      return FirstLine(line);
    case State::kHeader:
      return line.empty() ? EndOfHead() : Header(line);
    case State::kChunkSize:
      return ChunkSize(line);
    case State::kChunkEnd:
      if (!line.empty()) return Fail("a chunk that is longer than its size");
      state_ = State::kChunkSize;
      return;
    case State::kTrailer:
      if (line.empty()) state_ = State::kDone;
      return;
    case State::kFixed:
    case State::kUntilClose:
    case State::kChunk:
    case State::kDone:
    case State::kFailed:
      return;
  }
}

void MessageParser::BeginHeaders(bool keep_alive) {
  keep_alive_ = keep_alive;
  has_length_ = chunked_ = encoded_ = false;
  left_ = 0;
  content_type_.clear();
  state_ = State::kHeader;
}

void MessageParser::Header(std::string_view line) {
  if (line[0] == ' ' || line[0] == '\t') return;  // a folded line: never one that matters to us
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return Fail("a header line without a name");
  const std::string name = LowerCase(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  if (name == "content-length") {
    std::uint64_t length = 0;
    if (!ReadNumber(value, 10, length)) return Fail("a Content-Length that is not a number");
    if (has_length_ && length != left_) return Fail("two different Content-Lengths");
    has_length_ = true;
    left_ = length;
  } else if (name == "transfer-encoding") {
    if (LowerCase(value) != "chunked") return Fail("a transfer coding other than chunked");
    chunked_ = true;
  } else if (name == "connection") {
    const std::string word = LowerCase(value);
    if (word == "close") keep_alive_ = false;
    if (word == "keep-alive") keep_alive_ = true;
  } else if (name == "content-type") {
    content_type_ = LowerCase(Trim(value.substr(0, value.find(';'))));
  } else if (name == "content-encoding") {
    encoded_ = LowerCase(value) != "identity";
  } else {
    OtherHeader(name, value);
  }
}

void MessageParser::BeginBody() {
  if (chunked_)
    state_ = State::kChunkSize;
  else
    state_ = has_length_ && left_ > 0 ? State::kFixed : State::kDone;
}

void MessageParser::ChunkSize(std::string_view line) {
  if (!ReadNumber(Trim(line.substr(0, line.find(';'))), 16, left_))
    return Fail("a chunk size that is not a number");
  state_ = left_ == 0 ? State::kTrailer : State::kChunk;
}

void MessageParser::Fail(std::string_view why) {
  state_ = State::kFailed;
  error_ = why;
}

}  // namespace chaos::load
