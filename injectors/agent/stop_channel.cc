#include "injectors/agent/stop_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "injectors/protocol/names.h"

namespace chaos::inject {
namespace {

constexpr std::size_t kMostCallers = 8;
constexpr int kBacklog = 8;
constexpr int kAnswerWithinMs = 5000;
constexpr timeval kConnectWithin{5, 0};
using Buffer = std::array<char, 2048>;

struct Name {
  sockaddr_un address{};
  socklen_t length = 0;
};

Result<Name> NameOf(const std::string& run) {
  const std::string text = protocol::StopSocketName(run);
  Name name;
  name.address.sun_family = AF_UNIX;
  if (text.size() + 1 > sizeof name.address.sun_path) return Invalid("run is too long");
  std::memcpy(name.address.sun_path + 1, text.data(), text.size());
  name.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return name;
}

Error Failed(const char* what) {
  return Error{Reason::kUnavailable, std::string(what) + ": " + std::strerror(errno)};
}

void Say(int fd, std::string_view text) {
  [[maybe_unused]] const ssize_t sent =
      send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

StopListener::~StopListener() {
  for (const Caller& caller : callers_) close(caller.fd);
  if (listener_ >= 0) close(listener_);
}

Result<bool> StopListener::Open(const std::string& run) {
  const Result<Name> name = NameOf(run);
  if (!name) return name.error();
  run_ = run;
  listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0) return Failed("unix socket");
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&name->address), name->length) < 0) {
    if (errno == EADDRINUSE) return false;
    return Failed("unix socket");
  }
  if (listen(listener_, kBacklog) < 0) return Failed("unix socket");
  poller_.WatchReadable(listener_);
  return true;
}

void StopListener::Accept() {
  // Bounded, so that a flood of callers cannot hold up a deadline.
  for (std::size_t i = 0; listener_ >= 0 && i < kMostCallers; ++i) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (callers_.size() == kMostCallers) Forget(0);
    poller_.WatchReadable(fd);
    callers_.push_back({fd, false});
  }
}

void StopListener::Forget(std::size_t index) {
  close(callers_[index].fd);
  callers_.erase(callers_.begin() + static_cast<std::ptrdiff_t>(index));
}

std::vector<StopRequest> StopListener::Take() {
  Accept();
  std::vector<StopRequest> requests;
  for (std::size_t i = 0; i < callers_.size();) {
    Buffer buffer;
    const ssize_t got = recv(callers_[i].fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) {
      ++i;
      continue;
    }
    if (got <= 0 || callers_[i].asked) {
      Forget(i);
      continue;
    }
    const Result<protocol::StopArguments> stop =
        protocol::StopFromJson(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    if (!stop || stop->run != run_) {
      Say(callers_[i].fd,
          "refused: " + (stop ? "not the run of this injector" : stop.error().detail));
      Forget(i);
      continue;
    }
    callers_[i].asked = true;
    requests.push_back({callers_[i].fd, stop->nonce, stop->reason});
    ++i;
  }
  return requests;
}

void StopListener::Answer(int id, const std::string& answer) {
  for (std::size_t i = 0; i < callers_.size(); ++i) {
    if (callers_[i].fd != id) continue;
    Say(id, answer);
    return Forget(i);
  }
}

Result<std::string> AskToStop(const protocol::StopArguments& arguments) {
  const Result<Name> name = NameOf(arguments.run);
  if (!name) return name.error();
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed("unix socket");
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kConnectWithin, sizeof kConnectWithin);
  const auto ask = [&]() -> Result<std::string> {
    if (connect(fd, reinterpret_cast<const sockaddr*>(&name->address), name->length) < 0) {
      if (errno != ECONNREFUSED) return Failed("connect to the injector");
      return Error{Reason::kNotFound, "no injector of run " + arguments.run +
                                          " is in this pod: it has ended or has not started"};
    }
    Say(fd, PrintJson(protocol::ToJson(arguments)));
    pollfd answer{fd, POLLIN, 0};
    if (poll(&answer, 1, kAnswerWithinMs) != 1) {
      return Error{Reason::kUnknownOutcome, "the injector did not answer within 5s"};
    }
    Buffer buffer;
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) return Error{Reason::kUnknownOutcome, "the injector hung up without an answer"};
    return std::string(buffer.data(), static_cast<std::size_t>(got));
  };
  Result<std::string> answer = ask();
  close(fd);
  return answer;
}

}  // namespace chaos::inject
