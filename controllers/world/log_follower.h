// The log of one container of ours, followed from its beginning. The end of a log is not the end of
// its container (a node that was cut off ends it cleanly), so it is opened again; whoever reads
// must take a line twice without harm.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/kube/client.h"
#include "operator/kube/workqueue.h"

namespace chaos {

class LogFollower {
 public:
  struct Parts {
    kube::Client& client;
    const Clock& clock;
    kube::WorkQueue& queue;
    kube::Key key;                 // looked at again when there is news
    milliseconds pause{200};       // lines come in bursts: one look for all of them
    milliseconds silence{12'000};  // longer without a line, the stream counts as dead
  };

  // Opens it unless it is open, or was a moment ago.
  void Open(const Parts& parts, const std::string& pod, std::string_view container);
  // Everything that has come since the last call.
  void Read(const Parts& parts, const std::function<void(std::string_view)>& line);
  void Close() { stream_.reset(); }
  bool Following() const { return stream_ != nullptr; }
  // How often it was heard to the end in an orderly way.
  int ends() const { return ends_; }

 private:
  std::unique_ptr<kube::LineStream> stream_;
  nanoseconds reopen_at_{0};  // since boot
  int ends_ = 0;
};

}  // namespace chaos
