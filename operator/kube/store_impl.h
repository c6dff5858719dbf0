// The bodies of Store<T>.
#pragma once

#include <set>
#include <utility>

#include "operator/kube/store.h"

namespace chaos::kube {

template <class T>
typename Store<T>::Pointer Store<T>::Visible(const Key& key) const {
  if (const auto written = written_.find(key); written != written_.end()) return written->second;
  const auto seen = seen_.find(key);
  return seen == seen_.end() ? nullptr : seen->second;
}

template <class T>
typename Store<T>::Pointer Store<T>::Get(const Key& key) const {
  std::lock_guard lock(mutex_);
  return Visible(key);
}

template <class T>
std::vector<typename Store<T>::Pointer> Store<T>::List(std::string_view ns) const {
  std::vector<Pointer> objects;
  std::lock_guard lock(mutex_);
  auto seen = seen_.begin();
  auto written = written_.begin();
  const auto take = [&](const Pointer& object) {
    if (ns.empty() || object->meta.key.ns == ns) objects.push_back(object);
  };
  while (seen != seen_.end() || written != written_.end()) {  // a merge in which `written` wins
    if (written == written_.end() || (seen != seen_.end() && seen->first < written->first)) {
      take((seen++)->second);
    } else {
      if (seen != seen_.end() && seen->first == written->first) ++seen;
      take((written++)->second);
    }
  }
  return objects;
}

template <class T>
bool Store<T>::Synced() const {
  std::lock_guard lock(mutex_);
  return synced_;
}

// Whether the watch, having come to `rv`, must have shown `written` or what became of it.
template <class T>
bool Store<T>::Shows(std::string_view rv, const ObjectMeta& written) const {
  return NotOlder(rv, written.resource_version);
}

template <class T>
void Store<T>::Wrote(T object) {
  std::lock_guard lock(mutex_);
  const Key key = object.meta.key;
  // The watch may have been faster than the answer to the write; it has then shown this, or even
  // its deletion.
  if (synced_ && Shows(last_rv_, object.meta)) return;
  if (const auto seen = seen_.find(key);
      seen != seen_.end() &&
      NotOlder(seen->second->meta.resource_version, object.meta.resource_version)) {
    return;
  }
  Pointer& slot = written_[key];
  if (slot && NotOlder(slot->meta.resource_version, object.meta.resource_version)) return;
  slot = std::make_shared<const T>(std::move(object));
}

template <class T>
std::vector<typename Store<T>::Change> Store<T>::Replace(std::vector<T> objects, std::string rv) {
  std::map<Key, Pointer> fresh;
  for (T& object : objects) {
    Key key = object.meta.key;
    fresh[std::move(key)] = std::make_shared<const T>(std::move(object));
  }
  std::vector<Change> changes;
  std::lock_guard lock(mutex_);
  std::set<Key> keys;
  for (const auto* map : {&seen_, &fresh, &written_}) {
    for (const auto& [key, object] : *map) keys.insert(key);
  }
  std::map<Key, Pointer> before;
  for (const Key& key : keys) before[key] = Visible(key);

  // A version that cannot be compared would keep what we wrote for ever: then the list wins.
  std::erase_if(written_, [&](const auto& entry) {
    const ObjectMeta& meta = entry.second->meta;
    return Shows(rv, meta) || !NotOlder(meta.resource_version, rv);
  });
  seen_ = std::move(fresh);
  last_rv_ = std::move(rv);
  synced_ = true;
  for (const auto& [key, old] : before) {
    Pointer now = Visible(key);
    const bool same = old && now &&
                      (old == now || (old->meta.uid == now->meta.uid &&
                                      old->meta.resource_version == now->meta.resource_version));
    if ((old || now) && !same) changes.push_back({old, std::move(now)});
  }
  return changes;
}

template <class T>
typename Store<T>::Change Store<T>::Put(T object) {
  auto fresh = std::make_shared<const T>(std::move(object));
  const Key& key = fresh->meta.key;
  const std::string& rv = fresh->meta.resource_version;
  std::lock_guard lock(mutex_);
  Change change{Visible(key), nullptr};
  if (const auto written = written_.find(key);
      written != written_.end() && Shows(rv, written->second->meta)) {
    written_.erase(written);
  }
  seen_[key] = fresh;
  if (last_rv_.empty() || !NotOlder(last_rv_, rv)) last_rv_ = rv;
  change.after = Visible(key);
  return change;
}

template <class T>
typename Store<T>::Change Store<T>::Delete(const ObjectMeta& last) {
  std::lock_guard lock(mutex_);
  Change change{Visible(last.key), nullptr};
  seen_.erase(last.key);
  // Deleted is final for a uid; another uid under the same name may be one that we made afterwards.
  if (const auto written = written_.find(last.key); written != written_.end()) {
    const ObjectMeta& meta = written->second->meta;
    if (meta.uid == last.uid || Shows(last.resource_version, meta)) written_.erase(written);
  }
  if (last_rv_.empty() || !NotOlder(last_rv_, last.resource_version))
    last_rv_ = last.resource_version;
  change.after = Visible(last.key);
  return change;
}

}  // namespace chaos::kube
