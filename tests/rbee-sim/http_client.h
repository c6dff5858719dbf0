// Requests over fresh connections: whole answers (Fetch) and event streams (EventSource). Every
// wait has a limit, except between two events, where the owner knows how long silence may last.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace rbee_sim {

struct Url {
  std::string host, port, path;  // path begins with "/", or is empty
};
// "http://host:port/path"; false when it is not one.
bool ParseUrl(std::string_view text, Url& url);

struct Answer {
  std::string error;  // empty, or why there is no answer
  int status = 0;
  std::string body;
};
// Calls `done` once, at the latest after `timeout`.
void Fetch(boost::asio::io_context& io, std::string_view method, const std::string& url,
           std::string body, std::chrono::milliseconds timeout, std::function<void(Answer)> done);

// One subscription. Guarantees: after Close no handler is called; on_end is called at most once,
// with the reason.
class EventSource {
 public:
  struct Handlers {
    std::function<void(std::string_view data)> on_event;
    std::function<void(const std::string& reason)>
        on_end;  // "" = the server ended it in an orderly way
  };
  EventSource(boost::asio::io_context& io, const std::string& url,
              std::chrono::milliseconds open_timeout, Handlers handlers);
  ~EventSource() { Close(); }
  void Close();

 private:
  std::shared_ptr<class Call> call_;
};

}  // namespace rbee_sim
