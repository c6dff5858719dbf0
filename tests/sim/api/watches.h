// The watches of the simulated API server: from a version on, in order, each change once;
// bookmarks; 410.
#pragma once

#include <list>
#include <optional>

#include "operator/kube/transport.h"
#include "tests/sim/api/line_sink.h"
#include "tests/sim/api/object_store.h"
#include "tests/sim/timeline.h"

namespace chaos::sim {

class Watches {
 public:
  // Requires: both outlive it.
  Watches(ObjectStore& store, Timeline& timeline);

  // A refusal, or nothing: then lines follow. A version that is too old is an ERROR event, as from
  // a watch cache.
  std::optional<kube::Response> Open(const Target& target, const std::shared_ptr<LineSink>& sink);
  // The API server restarts: all responses end.
  void EndAll();
  std::size_t size() const { return watches_.size(); }

 private:
  struct Watch {
    Target target;
    SinkPointer sink;
    std::uint64_t id;
  };
  void Tell(const Watch& watch, const Record& record);
  void SendBookmark(std::uint64_t id);
  void End(std::uint64_t id);
  Watch* FindWatch(std::uint64_t id);

  ObjectStore& store_;
  Timeline& timeline_;
  std::list<Watch> watches_;
  std::uint64_t ids_ = 0;
};

}  // namespace chaos::sim
