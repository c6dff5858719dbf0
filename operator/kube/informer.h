// Keeps one Store in step with the API server: list, watch, resume, relist, as watch.h decides.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "operator/base/random.h"
#include "operator/kube/api_error.h"
#include "operator/kube/client.h"
#include "operator/kube/runner.h"
#include "operator/kube/store.h"
#include "operator/kube/watch.h"

namespace chaos::kube {

// Requires: client, clock and observer outlive it. Thread-safety: Step from one thread at a time;
// store() from any. Guarantees: `on_change` is called from Step, after the store shows the change,
// once for every change that readers can see, and for every object of the first list. An object
// that cannot be parsed is reported to the observer and treated as if it were not there (one that
// was readable before disappears).
template <class T>
class Informer {
 public:
  using Pointer = std::shared_ptr<const T>;
  using OnChange = std::function<void(const Pointer& before, const Pointer& after)>;

  Informer(Client& client, Clock& clock, Random random, ResourceType type, std::string ns,
           std::string label_selector, OnChange on_change, WatchObserver* observer = nullptr);

  // Never blocks except for one list call. Returns the longest pause until the next call.
  milliseconds Step(const std::function<void()>& wake);
  Store<T>& store() { return store_; }
  const WatchState& state() const { return state_; }
  // Why the last list failed; nullopt once one has worked. From any thread.
  std::optional<Error> ListError() const;

 private:
  milliseconds List();
  void OpenWatch(const std::function<void()>& wake);
  bool PollOnce();  // false: nothing to read now
  void HandleLine(std::string_view line);
  void HandleObject(const WatchEvent& event);
  void Feed(decltype(WatchInput::what) what);
  bool Overdue() const;
  milliseconds UntilOverdue() const;
  std::optional<T> Parse(const Json& object);
  void Tell(const typename Store<T>::Change& change);

  Client& client_;
  Clock& clock_;
  Random random_;
  const ResourceType type_;
  const std::string ns_;
  const std::string label_selector_;
  const OnChange on_change_;
  WatchObserver* const observer_;
  Store<T> store_;
  WatchState state_;
  seconds timeout_{0};       // of the present watch
  nanoseconds asked_at_{0};  // when it was opened, since boot
  std::unique_ptr<LineStream> stream_;
  mutable std::mutex error_mutex_;
  std::optional<Error> list_error_;
};

// Runs the informer's step. Requires: the informer outlives the handle.
template <class T>
std::unique_ptr<Runner::Handle> RunInformer(Runner& runner, std::string name,
                                            Informer<T>& informer) {
  return RunWithWake(runner, std::move(name), [&informer](const std::function<void()>& wake) {
    return informer.Step(wake);
  });
}

}  // namespace chaos::kube

#include "operator/kube/informer_impl.h"
