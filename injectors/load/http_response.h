// An HTTP/1.1 response, byte by byte: any split of the input gives the same head, the same body,
// the same end.
#pragma once

#include "injectors/load/http_message.h"

namespace chaos::load {

using ResponseLimits = MessageLimits;

// Example: ResponseParser p; std::string body; n = p.Feed(bytes, body); if (p.done()) …; at end of
// file p.Finish().
class ResponseParser final : public MessageParser {
 public:
  explicit ResponseParser(ResponseLimits limits = {}) : MessageParser(limits) {}

  // Ready for the next answer on the connection; `bodiless`: the answer to a HEAD.
  void Reset(bool bodiless = false);
  // The connection ended: that is the end of a body without length, and a failure anywhere else.
  void Finish();

  int status() const { return status_; }

 private:
  void FirstLine(std::string_view line) override;
  void EndOfHead() override;

  bool bodiless_ = false;
  int status_ = 0;
};

}  // namespace chaos::load
