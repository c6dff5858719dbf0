#include "controllers/world/pod_watch.h"

namespace chaos {

PodWatch::PodWatch(kube::Client& client, Clock& clock, Random random, kube::Runner& runner,
                   kube::WatchObserver* observer, OnChange on_change)
    : client_(client),
      clock_(clock),
      random_(random),
      runner_(runner),
      observer_(observer),
      on_change_(std::move(on_change)) {}

PodWatch::Seen PodWatch::Look(const std::string& ns) {
  std::lock_guard lock(mutex_);
  Watched& watched = watched_[ns];
  if (!watched.informer) {
    watched.informer = std::make_unique<kube::Informer<Pod>>(
        client_, clock_, Random(random_.Next()), kube::kPods, ns, "",
        [this, ns](const auto&, const auto&) { on_change_(ns); }, observer_);
    watched.handle = kube::RunInformer(runner_, "watch pods " + ns, *watched.informer);
  }
  kube::Store<Pod>& store = watched.informer->store();
  return {store.Synced(), store.List(), watched.informer->ListError()};
}

void PodWatch::Wrote(const std::string& ns, Pod pod) {
  std::lock_guard lock(mutex_);
  const auto found = watched_.find(ns);
  if (found != watched_.end()) found->second.informer->store().Wrote(std::move(pod));
}

void PodWatch::KeepOnly(const std::set<std::string>& namespaces) {
  std::vector<Watched> dropped;  // ends outside of the lock: a step may be telling us something
  std::lock_guard lock(mutex_);
  for (auto it = watched_.begin(); it != watched_.end();) {
    if (namespaces.contains(it->first)) {
      ++it;
    } else {
      dropped.push_back(std::move(it->second));
      it = watched_.erase(it);
    }
  }
}

}  // namespace chaos
