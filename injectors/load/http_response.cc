// 1xx answers are skipped.
#include "injectors/load/http_response.h"

namespace chaos::load {

void ResponseParser::Reset(bool bodiless) {
  *this = ResponseParser(limits_);
  bodiless_ = bodiless;
}

void ResponseParser::Finish() {
  if (state_ == State::kUntilClose)
    state_ = State::kDone;
  else if (state_ != State::kDone && state_ != State::kFailed) {
    const bool nothing = state_ == State::kFirstLine && line_.empty() && status_ == 0;
    Fail(nothing       ? "closed without an answer"
         : head_done() ? "cut off in the body"
                       : "cut off in the head");
  }
}

void ResponseParser::FirstLine(std::string_view line) {
  std::uint64_t status = 0;
  const bool fine = (line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ")) &&
                    line.size() >= 12 && (line.size() == 12 || line[12] == ' ') &&
                    ReadNumber(line.substr(9, 3), 10, status) && status >= 100;
  if (!fine) return Fail("not an HTTP/1.1 answer");
  status_ = static_cast<int>(status);
  BeginHeaders(/*keep_alive=*/line[7] == '1');
}

void ResponseParser::EndOfHead() {
  if (status_ == 101) return Fail("an answer that changes the protocol");
  if (status_ < 200) {  // an interim answer: the real one follows
    state_ = State::kFirstLine;
    return;
  }
  if (status_ == 204 || status_ == 304 || bodiless_) {
    state_ = State::kDone;
  } else if (chunked_ || has_length_) {
    BeginBody();
  } else {
    state_ = State::kUntilClose;
    keep_alive_ = false;
  }
}

}  // namespace chaos::load
