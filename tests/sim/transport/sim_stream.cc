#include "tests/sim/transport/sim_stream.h"

#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

using Polled = kube::LineStream::Polled;

Error Broken(std::string detail) { return Error{Reason::kUnavailable, std::move(detail), {}, 0}; }

}  // namespace

void Pipe::Begin() {
  heard_at_ = timeline_.Now();
  Send(Polled(kube::LineStream::Opened{}));
  WatchSilence();
}

void Pipe::Line(const std::string& text) {
  if (broken_ || BreaksAt(text)) return;
  ++lines_;
  Send(Polled(kube::LineStream::Line{text}));
}

bool Pipe::BreaksAt(const std::string& text) {
  if (options_.fault == StreamFault::kNone || lines_ < options_.lines_until_fault) return false;
  switch (options_.fault) {
    case StreamFault::kCutLine:
      Send(Polled(kube::LineStream::Line{text.substr(0, text.size() / 2)}));
      Send(Broken("connection reset by peer"));
      break;
    case StreamFault::kCut:
      Send(Broken("connection reset by peer"));
      break;
    case StreamFault::kShort:
      Send(Polled(kube::LineStream::End{}));
      break;
    case StreamFault::kGoneEvent:
      Send(Polled(kube::LineStream::Line{R"({"type":"ERROR","object":)" +
                                         StatusBody(410, "Expired", "too old resource version") +
                                         "}"}));
      Send(Polled(kube::LineStream::End{}));
      break;
    case StreamFault::kSilent:
      break;
    default:
      return false;
  }
  broken_ = true;
  return true;
}

void Pipe::End() {
  if (!broken_) Send(Polled(kube::LineStream::End{}));
  broken_ = true;
}

void Pipe::Fail(Error error) {
  if (!broken_) Send(std::move(error));
  broken_ = true;
}

void Pipe::Send(Item item) {
  const bool late = options_.fault == StreamFault::kLate && lines_ >= options_.lines_until_fault;
  last_arrival_ = std::max(last_arrival_,
                           timeline_.Now() + options_.latency + (late ? seconds(4) : seconds(0)));
  timeline_.At(last_arrival_, [weak = weak_from_this(), item = std::move(item)]() mutable {
    if (const std::shared_ptr<Pipe> pipe = weak.lock()) pipe->Arrive(std::move(item));
  });
}

void Pipe::Arrive(Item item) {
  heard_at_ = timeline_.Now();
  ready_.push_back(std::move(item));
  wake_();
}

// The reader's transport gives up on a stream that has been silent for too long.
void Pipe::WatchSilence() {
  if (options_.max_silence == nanoseconds(0)) return;
  timeline_.At(heard_at_ + options_.max_silence, [weak = weak_from_this()] {
    const std::shared_ptr<Pipe> pipe = weak.lock();
    if (!pipe || pipe->done_) return;
    if (pipe->timeline_.Now() - pipe->heard_at_ >= pipe->options_.max_silence) {
      pipe->broken_ = true;
      pipe->Arrive(Broken("nothing was heard for too long"));
    } else {
      pipe->WatchSilence();
    }
  });
}

Result<Polled> Pipe::Poll() {
  if (ready_.empty() || done_) return Polled(kube::LineStream::Nothing{});
  Item item = std::move(ready_.front());
  ready_.pop_front();
  done_ = !item || std::holds_alternative<kube::LineStream::End>(*item);
  return item;
}

}  // namespace chaos::sim
