// One response read line by line, as the product sees it: lines take their time, and the stream may
// break.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "operator/kube/transport.h"
#include "tests/sim/api/line_sink.h"
#include "tests/sim/timeline.h"
#include "tests/sim/transport/faults.h"

namespace chaos::sim {

// What lies between the server and the reader. Owned by the stream; the server and planned actions
// hold it weakly.
class Pipe final : public LineSink, public std::enable_shared_from_this<Pipe> {
 public:
  struct Options {
    StreamFault fault = StreamFault::kNone;
    int lines_until_fault = 0;
    nanoseconds latency{0};
    nanoseconds max_silence{0};
  };
  Pipe(Timeline& timeline, Options options, std::function<void()> wake)
      : timeline_(timeline), options_(options), wake_(std::move(wake)) {}

  void Begin() override;
  void Line(const std::string& text) override;
  void End() override;
  void Fail(Error error);
  Result<kube::LineStream::Polled> Poll();

 private:
  using Item = Result<kube::LineStream::Polled>;
  void Send(Item item);
  void Arrive(Item item);
  void WatchSilence();
  // True: this line and all after it do not arrive as they are.
  bool BreaksAt(const std::string& text);

  Timeline& timeline_;
  const Options options_;
  const std::function<void()> wake_;
  std::deque<Item> ready_;
  nanoseconds last_arrival_{0};
  nanoseconds heard_at_{0};
  int lines_ = 0;
  bool broken_ = false;  // nothing more is sent
  bool done_ = false;    // an end or an error has been read
};

class SimStream final : public kube::LineStream {
 public:
  explicit SimStream(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  Result<Polled> Poll() override { return pipe_->Poll(); }

 private:
  std::shared_ptr<Pipe> pipe_;
};

}  // namespace chaos::sim
