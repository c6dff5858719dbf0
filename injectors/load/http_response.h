// An HTTP/1.1 response, byte by byte: any split of the input gives the same head, the same body,
// the same end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chaos::load {

// What limits one response. A body has no limit here: who reads it knows when it is too much.
struct ResponseLimits {
  std::size_t head = 32 << 10;       // status line and headers together, also the trailers
  std::size_t chunk_line = 1 << 10;  // a chunk's size with its extensions
};

// Example: ResponseParser p; std::string body; n = p.Feed(bytes, body); if (p.done()) …; at end of
// file p.Finish().
class ResponseParser {
 public:
  explicit ResponseParser(ResponseLimits limits = {}) : limits_(limits) {}

  // Ready for the next answer on the connection; `bodiless`: the answer to a HEAD.
  void Reset(bool bodiless = false);
  // Appends body bytes to `body`. Returns how many bytes were used: all, or fewer when the response
  // ended before (the rest belongs to the next one) or failed.
  std::size_t Feed(std::string_view bytes, std::string& body);
  // The connection ended: that is the end of a body without length, and a failure anywhere else.
  void Finish();

  bool head_done() const { return state_ > State::kHeader; }
  bool done() const { return state_ == State::kDone; }
  bool failed() const { return state_ == State::kFailed; }
  const std::string& error() const { return error_; }  // a few words for people, once failed
  int status() const { return status_; }
  const std::string& content_type() const {
    return content_type_;
  }                                                // lower case, without parameters
  bool keep_alive() const { return keep_alive_; }  // may the connection be used again once done

 private:
  enum class State {
    kStatusLine,
    kHeader,
    kFixed,
    kUntilClose,
    kChunkSize,
    kChunk,
    kChunkEnd,
    kTrailer,
    kDone,
    kFailed
  };

  void Line(std::string_view line);
  void StatusLine(std::string_view line);
  void Header(std::string_view line);
  void ChunkSize(std::string_view line);
  void EndOfHead();
  void Fail(std::string_view why);

  ResponseLimits limits_;
  State state_ = State::kStatusLine;
  std::string line_;  // the part of a line that has come so far
  std::size_t head_bytes_ = 0;
  std::uint64_t left_ = 0;  // of the body or the chunk
  bool has_length_ = false, chunked_ = false, keep_alive_ = true, bodiless_ = false;
  int status_ = 0;
  std::string content_type_, error_;
};

}  // namespace chaos::load
