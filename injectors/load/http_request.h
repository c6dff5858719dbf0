// An HTTP/1.1 request as a server would read it, byte by byte: any split of the input gives the
// same head, the same body, the same end.
#pragma once

#include "injectors/load/http_message.h"

namespace chaos::load {

class RequestParser final : public MessageParser {
 public:
  explicit RequestParser(MessageLimits limits = {}) : MessageParser(limits) {}

  void Reset() { *this = RequestParser(limits_); }

  const std::string& method() const { return method_; }
  const std::string& path() const { return path_; }  // without the query
  const std::string& user_agent() const { return user_agent_; }
  // The client waits for a word before it sends the body.
  bool expects_continue() const { return expects_continue_; }

 private:
  void FirstLine(std::string_view line) override;
  void EndOfHead() override { BeginBody(); }
  void OtherHeader(std::string_view name, std::string_view value) override;

  std::string method_, path_, user_agent_;
  bool expects_continue_ = false;
};

}  // namespace chaos::load
