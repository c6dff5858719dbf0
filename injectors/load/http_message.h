// The part of an HTTP/1.1 message that requests and answers have in common: lines, headers, and
// where the body ends. Byte by byte: any split of the input gives the same head, body and end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace chaos::load {

// What limits one message. A body has no limit here: who reads it knows when it is too much.
struct MessageLimits {
  std::size_t head = 32 << 10;       // first line and headers together, also the trailers
  std::size_t chunk_line = 1 << 10;  // a chunk's size with its extensions
};

class MessageParser {
 public:
  // Appends body bytes to `body`. Returns how many bytes were used: all, or fewer when the message
  // ended before (the rest belongs to the next one) or failed.
  std::size_t Feed(std::string_view bytes, std::string& body);

  bool head_done() const { return state_ > State::kHeader; }
  bool done() const { return state_ == State::kDone; }
  bool failed() const { return state_ == State::kFailed; }
  const std::string& error() const { return error_; }  // a few words for people, once failed
  const std::string& content_type() const {
    return content_type_;
  }                                                // lower case, without parameters
  bool keep_alive() const { return keep_alive_; }  // may the connection be used again once done
  bool chunked() const { return chunked_; }
  bool has_length() const { return has_length_; }
  bool encoded() const { return encoded_; }  // its body is compressed, so nobody here can read it

 protected:
  enum class State {
    kFirstLine,
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

  explicit MessageParser(MessageLimits limits) : limits_(limits) {}
  MessageParser(const MessageParser&) = default;
  MessageParser& operator=(const MessageParser&) = default;
  ~MessageParser() = default;

  // Either calls BeginHeaders, or Fail, or nothing: then another first line is waited for.
  virtual void FirstLine(std::string_view line) = 0;
  // Decides with BeginBody, or starts over with state kFirstLine, or fails.
  virtual void EndOfHead() = 0;
  // Headers that are none of those below; the name is in lower case.
  virtual void OtherHeader(std::string_view /*name*/, std::string_view /*value*/) {}

  void BeginHeaders(bool keep_alive);
  void BeginBody();  // by Transfer-Encoding or Content-Length
  void Fail(std::string_view why);

  MessageLimits limits_;
  State state_ = State::kFirstLine;
  std::string line_;  // the part of a line that has come so far
  bool has_length_ = false, chunked_ = false, keep_alive_ = true, encoded_ = false;

 private:
  void Line(std::string_view line);
  void Header(std::string_view line);
  void ChunkSize(std::string_view line);

  std::size_t head_bytes_ = 0;
  std::uint64_t left_ = 0;  // of the body or the chunk
  std::string content_type_, error_;
};

// For headers: ASCII only.
std::string LowerCase(std::string_view text);
// All of `text` is a number of this base, and not too large to add to.
bool ReadNumber(std::string_view text, int base, std::uint64_t& out);

}  // namespace chaos::load
