// What etcd and the watch cache are to an API server: objects, one global resource version, a
// history that is compacted. Invariant: every change has its own version, and the history holds all
// changes after oldest().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tests/sim/api/resources.h"

namespace chaos::sim {

// One stored state of one object. Immutable; its text is printed once, when somebody wants it.
class Version {
 public:
  Version(Json state, std::uint64_t version) : object(std::move(state)), rv(version) {}
  const std::string& Text() const;
  const Json object;
  const std::uint64_t rv;

 private:
  mutable std::string text_;
};
using VersionPtr = std::shared_ptr<const Version>;
using Objects = std::map<kube::Key, VersionPtr>;

struct Record {
  std::uint64_t rv = 0;
  const Resource* resource = nullptr;
  kube::Key key;
  VersionPtr before;  // empty: it was added
  VersionPtr after;   // empty: it was deleted
  VersionPtr
      last;  // `after`, or what a DELETED event carries: the last state under the new version
};

class ObjectStore {
 public:
  VersionPtr Find(const Resource& resource, const kube::Key& key) const;
  const Objects& All(const Resource& resource) const;
  // How the collection looked when the version was `rv`; that needs rv >= oldest().
  Objects AsOf(const Resource& resource, std::uint64_t rv) const;

  // Both give the change its version, write that into the object and tell the observers.
  VersionPtr Put(const Resource& resource, const kube::Key& key, Json object);
  VersionPtr Erase(const Resource& resource, const kube::Key& key);

  std::uint64_t rv() const { return rv_; }
  std::uint64_t oldest() const { return oldest_; }  // watches can resume from here or later
  const std::deque<Record>& history() const { return history_; }
  // Forgets all history but the newest `keep` changes.
  void Compact(std::size_t keep);
  void Observe(std::function<void(const Record&)> observer) {
    observers_.push_back(std::move(observer));
  }

 private:
  void Commit(Record record);

  std::map<const Resource*, Objects> objects_;
  std::deque<Record> history_;
  std::uint64_t rv_ = 1000;
  std::uint64_t oldest_ = 1000;
  std::vector<std::function<void(const Record&)>> observers_;
};

}  // namespace chaos::sim
