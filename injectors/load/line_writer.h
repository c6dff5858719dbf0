// Prints the lines of a load pod from a thread of its own, so that neither a slow reader nor a big
// checkpoint holds up the clock of the load. Keeps the sum of everything that it was given.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "injectors/protocol/load.h"

namespace chaos::load {

class LineWriter {
 public:
  // A checkpoint follows at the latest when this much of deltas was printed since the last.
  static constexpr std::size_t kCheckpointEvery = 3 << 20;

  // Writes to the descriptor `out`. Whoever reads may go away: then lines are lost and the load
  // goes on.
  explicit LineWriter(int out);
  ~LineWriter() { Finish(); }

  // `seq` is filled in. Before `ended` the last checkpoint is printed. Any thread.
  void Say(protocol::LoadLine line);
  // So many lines wait that a delta had better be kept for the next one.
  bool Full() const;
  // Everything that was said is written. Idempotent.
  void Finish();

 private:
  void Run();
  void Print(protocol::LoadLine line);
  void PrintCheckpoint();
  void Write(protocol::LoadLine line);

  int out_;
  std::int64_t seq_ = 0;
  std::size_t since_checkpoint_ = 0;
  protocol::LoadLine sum_;  // the checkpoint that would be printed now

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<protocol::LoadLine> lines_;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace chaos::load
