#include "tests/sim/api/object_store.h"

namespace chaos::sim {
namespace {

constexpr std::size_t kLongestHistory = 20000;

}  // namespace

const std::string& Version::Text() const {
  if (text_.empty()) text_ = PrintJson(object);
  return text_;
}

VersionPtr ObjectStore::Find(const Resource& resource, const kube::Key& key) const {
  const Objects& all = All(resource);
  const auto it = all.find(key);
  return it == all.end() ? nullptr : it->second;
}

const Objects& ObjectStore::All(const Resource& resource) const {
  static const Objects kNone;
  const auto it = objects_.find(&resource);
  return it == objects_.end() ? kNone : it->second;
}

Objects ObjectStore::AsOf(const Resource& resource, std::uint64_t rv) const {
  Objects then = All(resource);
  for (auto it = history_.rbegin(); it != history_.rend() && it->rv > rv; ++it) {
    if (it->resource != &resource) continue;
    if (it->before) {
      then[it->key] = it->before;
    } else {
      then.erase(it->key);
    }
  }
  return then;
}

VersionPtr ObjectStore::Put(const Resource& resource, const kube::Key& key, Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++rv_);
  auto version = std::make_shared<const Version>(std::move(object), rv_);
  VersionPtr& place = objects_[&resource][key];
  VersionPtr before = std::exchange(place, version);
  Commit({rv_, &resource, key, std::move(before), version, version});
  return version;
}

VersionPtr ObjectStore::Erase(const Resource& resource, const kube::Key& key) {
  Objects& all = objects_[&resource];
  VersionPtr before = all.at(key);
  all.erase(key);
  Json last = before->object;
  last["metadata"]["resourceVersion"] = std::to_string(++rv_);
  auto version = std::make_shared<const Version>(std::move(last), rv_);
  Commit({rv_, &resource, key, std::move(before), nullptr, version});
  return version;
}

void ObjectStore::Commit(Record record) {
  history_.push_back(std::move(record));
  if (history_.size() > kLongestHistory) Compact(kLongestHistory / 2);
  const Record latest = history_.back();  // observers may change the store
  for (const auto& observer : observers_) observer(latest);
}

void ObjectStore::Compact(std::size_t keep) {
  while (history_.size() > keep) {
    oldest_ = history_.front().rv;
    history_.pop_front();
  }
}

}  // namespace chaos::sim
