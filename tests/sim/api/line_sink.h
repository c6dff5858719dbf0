// Where a response goes that is read line by line: from watches and followed logs to a stream of
// the transport.
#pragma once

#include <memory>
#include <string>

namespace chaos::sim {

class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void Begin() = 0;  // accepted: once, before everything else
  virtual void Line(const std::string& text) = 0;
  virtual void End() = 0;
};
// The server's side holds them weakly: who reads decides how long a response lives.
using SinkPointer = std::weak_ptr<LineSink>;

}  // namespace chaos::sim
