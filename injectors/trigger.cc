#include "injectors/trigger.h"

#include <algorithm>
#include <map>
#include <utility>

#include "injectors/protocol/events.h"
#include "operator/base/time_text.h"

namespace chaos::inject {
namespace {

constexpr nanoseconds kPollOutgoing = milliseconds(5);      // a token takes longer
constexpr nanoseconds kPollRegistration = milliseconds(1);  // a request on one node hardly does
constexpr nanoseconds kStreams = milliseconds(15);  // an answer that goes on after this is a stream

std::string Print(const Endpoint& endpoint) {
  const std::string address = inject::Print(endpoint.address);
  return (endpoint.address.v6 ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port);
}

Reading Never(std::string message) {
  return {{}, protocol::kTriggerNeverFired, std::move(message)};
}

// Asks again and again until it fires or the time is over.
class Waiting : public Look {
 public:
  Waiting(const protocol::Trigger& trigger, nanoseconds now)
      : trigger_(trigger), armed_(now), now_(now), end_(now + trigger.within) {}

  std::optional<Reading> Poll(nanoseconds now) final {
    now_ = now;
    if (std::optional<Reading> reading = Ask(now)) {
      if (reading->reason.empty()) {
        reading->measured["waited"] =
            PrintShort(std::chrono::duration_cast<microseconds>(now - armed_));
      }
      return reading;
    }
    if (now < end_) return std::nullopt;
    return Never(WhatWasMissing() + " within " + PrintDuration(trigger_.within));
  }
  nanoseconds Deadline() const final { return std::min(Next(now_), end_); }

 protected:
  virtual std::optional<Reading> Ask(nanoseconds now) = 0;
  virtual nanoseconds Next(nanoseconds now) const = 0;
  virtual std::string WhatWasMissing() const = 0;

  const protocol::Trigger& trigger_;
  const nanoseconds armed_;

 private:
  nanoseconds now_;
  const nanoseconds end_;
};

// An answer under way: after its connection's last request, bytes went out at two moments that lie
// apart. A health probe is answered in one.
class Inference final : public Waiting {
 public:
  Inference(const protocol::Trigger& trigger, Sockets& sockets, nanoseconds now)
      : Waiting(trigger, now), sockets_(sockets) {}

 private:
  struct Answer {
    std::uint64_t received = 0;
    std::uint64_t at_request = 0;            // acknowledged then, or when we came
    std::uint64_t acknowledged = 0;          // by now
    std::optional<nanoseconds> first_bytes;  // of the answer
    bool streams = false;
  };

  std::optional<Reading> Ask(nanoseconds now) override {
    const Result<std::vector<Connection>> connections = sockets_.Connections();
    if (!connections) return std::nullopt;  // Preflight has seen that it works; try again
    std::map<std::uint64_t, Answer> open;
    const Connection* found = nullptr;
    for (const Connection& connection : *connections) {
      if (connection.state != Connection::State::kOpen) continue;
      if (std::count(trigger_.ports.begin(), trigger_.ports.end(), connection.here.port) == 0)
        continue;
      const Answer& answer = open[connection.cookie] = Follow(connection, now);
      const std::uint64_t sent = answer.acknowledged - answer.at_request;
      if (answer.streams && sent >= static_cast<std::uint64_t>(trigger_.after_bytes))
        found = &connection;
    }
    answers_ = std::move(open);
    looked_ = true;
    if (found == nullptr) return std::nullopt;
    const Answer& answer = answers_[found->cookie];
    return Reading{{{"stream", Print(found->there)},
                    {"bytesOut", std::to_string(answer.acknowledged - answer.at_request)}},
                   "",
                   ""};
  }

  Answer Follow(const Connection& connection, nanoseconds now) const {
    const auto known = answers_.find(connection.cookie);
    // One that was there before us may be in the middle of an answer: it counts from now on.
    if (known == answers_.end()) {
      Answer answer{connection.received, looked_ ? 0 : connection.acknowledged,
                    connection.acknowledged, std::nullopt, false};
      if (answer.acknowledged > answer.at_request) answer.first_bytes = now;
      return answer;
    }
    Answer answer = known->second;
    if (connection.received > answer.received) {  // a new request
      answer = {connection.received, answer.acknowledged, answer.acknowledged, std::nullopt, false};
    }
    if (connection.acknowledged > answer.acknowledged) {
      if (!answer.first_bytes)
        answer.first_bytes = now;
      else if (now - *answer.first_bytes >= kStreams)
        answer.streams = true;
      answer.acknowledged = connection.acknowledged;
    }
    return answer;
  }

  nanoseconds Next(nanoseconds now) const override { return now + kPollOutgoing; }
  std::string WhatWasMissing() const override {
    return "no open stream of the target sent " + std::to_string(trigger_.after_bytes) + " bytes";
  }

  Sockets& sockets_;
  bool looked_ = false;
  std::map<std::uint64_t, Answer> answers_;  // by cookie
};

// The first connection to where the target registers. One that was there before us may have been
// it, so it is too late then.
class Registration final : public Waiting {
 public:
  Registration(const protocol::Trigger& trigger, std::vector<Endpoint> to, Sockets& sockets,
               nanoseconds now)
      : Waiting(trigger, now), to_(std::move(to)), sockets_(sockets) {}

 private:
  std::optional<Reading> Ask(nanoseconds /*now*/) override {
    const Result<std::vector<Connection>> connections = sockets_.Connections();
    if (!connections) return std::nullopt;
    const bool late = !std::exchange(looked_, true);
    for (const Connection& connection : *connections) {
      if (!Meant(connection.there)) continue;
      const bool begins = connection.state == Connection::State::kOpening;
      if (late && !begins) {
        return Never("the target was connected to " + Print(connection.there) +
                     " before the injector was armed, so it had registered or was about to: the "
                     "injector needs about 2 s from the start of the container");
      }
      return Reading{
          {{"to", Print(connection.there)}, {"connection", begins ? "opening" : "open"}}, "", ""};
    }
    return std::nullopt;
  }

  bool Meant(const Endpoint& endpoint) const {
    return std::any_of(to_.begin(), to_.end(), [&](const Endpoint& to) {
      return to.address == endpoint.address && to.port == endpoint.port;
    });
  }

  nanoseconds Next(nanoseconds now) const override { return now + kPollRegistration; }
  std::string WhatWasMissing() const override {
    std::string text = "the target did not connect to ";
    for (std::size_t i = 0; i < to_.size(); ++i) text += (i == 0 ? "" : " or ") + Print(to_[i]);
    return text;
  }

  const std::vector<Endpoint> to_;
  Sockets& sockets_;
  bool looked_ = false;
};

class Delay final : public Waiting {
 public:
  using Waiting::Waiting;

 private:
  std::optional<Reading> Ask(nanoseconds now) override {
    if (now < armed_ + trigger_.delay) return std::nullopt;
    return Reading{{{"delay", PrintDuration(trigger_.delay)}}, "", ""};
  }
  nanoseconds Next(nanoseconds /*now*/) const override { return armed_ + trigger_.delay; }
  std::string WhatWasMissing() const override { return "the moment did not come"; }
};

}  // namespace

Result<void> Trigger::Preflight() {
  to_.clear();
  for (const protocol::Listener& listener : trigger_.to) {
    const Result<Address> address = ParseAddress(listener.address);
    if (!address) return Invalid("trigger.to: " + address.error().detail);
    to_.push_back({*address, listener.port});
  }
  if (trigger_.when == protocol::When::kRandomWithin) return {};
  if (const auto connections = sockets_.Connections(); !connections) return connections.error();
  return {};
}

std::unique_ptr<Look> Trigger::Wait(nanoseconds now) {
  switch (trigger_.when) {
    case protocol::When::kDuringInference:
      return std::make_unique<Inference>(trigger_, sockets_, now);
    case protocol::When::kDuringRegistration:
      return std::make_unique<Registration>(trigger_, to_, sockets_, now);
    case protocol::When::kRandomWithin:
      break;
  }
  return std::make_unique<Delay>(trigger_, now);
}

}  // namespace chaos::inject
