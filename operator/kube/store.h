// What the watch has shown, as typed projections, with our own writes laid over it until the watch
// shows them too. Invariant: a reader never sees an object older than one it has already seen here
// (read your writes, atomic relist).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "operator/kube/object.h"

namespace chaos::kube {

// Requires of T: a member `ObjectMeta meta` and `static Result<T> FromJson(const Json&)`.
// Thread-safety: all calls from any thread; what is handed out is immutable and may be kept.
template <class T>
class Store {
 public:
  using Pointer = std::shared_ptr<const T>;
  // As readers saw it before and after; nullptr = not there.
  struct Change {
    Pointer before;
    Pointer after;
  };

  Pointer Get(const Key& key) const;
  // Sorted by key; `ns` "" = all namespaces.
  std::vector<Pointer> List(std::string_view ns = "") const;
  // True once a full list has arrived.
  bool Synced() const;

  // The API server's answer to a write of ours (never to a dry run): visible at once.
  void Wrote(T object);

  // For the informer. `rv` is the list's own version. Returns the changes as readers see them,
  // sorted by key.
  std::vector<Change> Replace(std::vector<T> objects, std::string rv);
  Change Put(T object);
  // `last` is the object as the DELETED event shows it; only its meta counts.
  Change Delete(const ObjectMeta& last);

 private:
  Pointer Visible(const Key& key) const;
  bool Shows(std::string_view rv, const ObjectMeta& written) const;

  mutable std::mutex mutex_;
  std::map<Key, Pointer> seen_;     // by the watch
  std::map<Key, Pointer> written_;  // by us, and not yet shown by the watch
  std::string last_rv_;             // the newest version that the watch has shown
  bool synced_ = false;
};

}  // namespace chaos::kube

#include "operator/kube/store_impl.h"
