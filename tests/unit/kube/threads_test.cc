// Queue, store, informer and runner with real threads: what the thread sanitizer looks at.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "operator/kube/informer.h"
#include "operator/kube/thread_runner.h"
#include "operator/kube/workqueue.h"
#include "tests/unit/kube/scripted_transport.h"
#include "tests/unit/kube/thing.h"

namespace chaos::kube {
namespace {

// Waits for what another thread will do; false after ten seconds.
class Signal {
 public:
  void Notify() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  bool WaitFor(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    const auto deadline = std::chrono::steady_clock::now() + seconds(10);
    while (!condition()) {
      if (changed_.wait_until(lock, deadline) == std::cv_status::timeout) return condition();
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST(Threads, ManyWorkersNeverShareAKeyAndLoseNone) {
  constexpr int kKeys = 20, kRounds = 200, kWorkers = 4;
  SystemClock clock;
  WorkQueue queue(clock);
  ThreadRunner runner;
  Signal signal;
  std::atomic<int> inside[kKeys]{}, wanted[kKeys]{}, seen[kKeys]{};
  std::atomic<bool> shared{false};
  std::vector<std::unique_ptr<Runner::Handle>> workers;
  Bell bells[kWorkers];
  queue.OnReady([&] {
    for (Bell& bell : bells) bell.Ring();
  });
  const auto work = [&] {
    if (const std::optional<Key> key = queue.Take()) {
      const int at = std::stoi(key->name);
      if (++inside[at] != 1) shared = true;
      seen[at] = wanted[at].load();
      --inside[at];
      queue.Done(*key);
      signal.Notify();
    }
    return queue.UntilNext();
  };
  for (Bell& bell : bells) {
    workers.push_back(runner.Run("worker", work));
    bell.Attach(workers.back().get());
  }
  std::vector<std::jthread> adders;
  for (int a = 0; a < 2; ++a) {
    adders.emplace_back([&, a] {
      for (int round = 0; round < kRounds; ++round) {
        for (int key = a; key < kKeys; key += 2) {
          ++wanted[key];
          queue.Add({"", std::to_string(key)});
        }
      }
    });
  }
  adders.clear();
  EXPECT_TRUE(signal.WaitFor([&] {
    for (int key = 0; key < kKeys; ++key) {
      if (seen[key] != kRounds) return false;
    }
    return true;
  })) << "the last value of every key is looked at";
  EXPECT_FALSE(shared);
  for (Bell& bell : bells) bell.Attach(nullptr);
}

TEST(Threads, ADestroyedHandleNeverRunsItsStepAgain) {
  ThreadRunner runner;
  for (int i = 0; i < 50; ++i) {
    auto steps = std::make_unique<std::atomic<int>>(0);
    Signal signal;
    auto handle = RunWithWake(runner, "step", [&](const std::function<void()>& wake) {
      if (++*steps < 5) wake();
      signal.Notify();
      return milliseconds(std::chrono::hours(1));
    });
    EXPECT_TRUE(signal.WaitFor([&] { return *steps >= 5; }))
        << "a wake during a step makes the next pause zero";
    handle->Wake();
    handle.reset();
    steps.reset();  // use after free if it ran on
  }
}

TEST(Threads, ReadersAndWritersShareAStoreThatAnInformerFeeds) {
  constexpr int kEvents = 500;
  SystemClock clock;
  ScriptedTransport transport;
  transport.answer = [](const Request&) {
    return Response{
        200,
        PrintJson({{"metadata", {{"resourceVersion", "10"}}}, {"items", {ThingJson("a", "9", 0)}}}),
        {}};
  };
  transport.on_open = [](Script& script) { script.Open(); };
  Client client(transport);
  Signal signal;
  std::atomic<std::int64_t> last{-1};
  Informer<Thing> informer(client, clock, Random(1), kThings, "", "",
                           [&](const auto&, const auto& after) {
                             if (after) last = after->size;
                             signal.Notify();
                           });
  ThreadRunner runner;
  auto handle = RunInformer(runner, "informer", informer);
  ASSERT_TRUE(signal.WaitFor([&] { return last >= 0; }));
  const auto deadline = std::chrono::steady_clock::now() + seconds(10);
  while (transport.opened().empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  ASSERT_FALSE(transport.opened().empty());

  std::atomic<bool> went_back{false};
  std::jthread reader([&](const std::stop_token& stop) {
    std::int64_t newest = -1;
    while (!stop.stop_requested()) {
      const auto thing = informer.store().Get({"shop", "a"});
      if (!thing) continue;
      if (thing->size < newest) went_back = true;
      newest = std::max(newest, thing->size);
      static_cast<void>(informer.store().List());
    }
  });
  std::jthread writer([&] {
    for (int i = 50; i < kEvents; i += 100)
      informer.store().Wrote(MakeThing("a", std::to_string(10 + i), i));
  });
  for (int i = 1; i <= kEvents; ++i) {
    transport.last().Line(
        PrintJson({{"type", "MODIFIED"}, {"object", ThingJson("a", std::to_string(10 + i), i)}}));
  }
  EXPECT_TRUE(signal.WaitFor([&] { return last == kEvents; }));
  writer.join();
  reader.request_stop();
  reader.join();
  EXPECT_FALSE(went_back) << "a reader saw an object older than one it had seen";
  EXPECT_EQ(informer.store().Get({"shop", "a"})->size, kEvents);
}

}  // namespace
}  // namespace chaos::kube
