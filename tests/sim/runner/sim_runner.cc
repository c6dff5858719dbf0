#include "tests/sim/runner/sim_runner.h"

#include <algorithm>

#include "operator/base/check.h"

namespace chaos::sim {
namespace {

// A thread that may run does not always run at once.
constexpr std::uint64_t kLongestStartNs = 40000;
constexpr microseconds kStepEndPoll{100};

}  // namespace

struct SimRunner::Task : std::enable_shared_from_this<Task> {
  std::string name;
  std::function<milliseconds()> step;
  std::unique_ptr<Fiber> fiber;
  bool woken = false;
  bool stop = false;
  std::uint64_t sleep = 0;  // which sleep the next wake-up belongs to
  bool sleeping = false;
};

class SimRunner::TaskHandle final : public kube::Runner::Handle {
 public:
  TaskHandle(SimRunner& runner, std::shared_ptr<Task> task)
      : runner_(runner), task_(std::move(task)) {}
  ~TaskHandle() override { runner_.End(*task_); }
  void Wake() override { runner_.Wake(*task_); }

 private:
  SimRunner& runner_;
  std::shared_ptr<Task> task_;
};

SimRunner::~SimRunner() {
  for (const auto& task : tasks_) CHECK(task->fiber->finished() || !task->fiber->started());
}

std::unique_ptr<kube::Runner::Handle> SimRunner::Run(std::string name,
                                                     std::function<milliseconds()> step) {
  auto task = std::make_shared<Task>();
  task->name = std::move(name);
  task->step = std::move(step);
  task->fiber = std::make_unique<Fiber>([this, raw = task.get()] { Body(*raw); });
  tasks_.push_back(task);
  timeline_.After(nanoseconds(random_.Below(kLongestStartNs)),
                  [this, weak = std::weak_ptr<Task>(task)] {
                    const std::shared_ptr<Task> due = weak.lock();
                    if (due && process_.alive() && !due->stop && !due->fiber->started())
                      due->fiber->Resume();
                  });
  return std::make_unique<TaskHandle>(*this, task);
}

void SimRunner::Body(Task& task) {
  try {
    while (!task.stop && process_.alive()) {
      const nanoseconds pause = task.step();
      if (task.stop || !process_.alive()) break;
      Sleep(task, std::exchange(task.woken, false) ? nanoseconds(0) : pause);
    }
  } catch (const SimCrash&) {
    on_crash_();
  }
}

void SimRunner::Sleep(Task& task, nanoseconds pause) {
  task.sleeping = true;
  PlanWake(task, pause);
  Fiber::Yield();
  task.sleeping = false;
}

void SimRunner::Wake(Task& task) {
  if (!process_.alive() || task.stop) return;
  if (task.sleeping) {
    PlanWake(task, nanoseconds(0));
  } else {
    task.woken = true;
  }
}

// The newest plan is the one that counts.
void SimRunner::PlanWake(Task& task, nanoseconds pause) {
  ++task.sleep;
  WakeAt(task, timeline_.Now() + pause + nanoseconds(random_.Below(kLongestStartNs)));
}

void SimRunner::WakeAt(Task& task, nanoseconds when) {
  timeline_.At(when, [this, weak = task.weak_from_this(), sleep = task.sleep] {
    const std::shared_ptr<Task> due = weak.lock();
    if (!due || !due->sleeping || due->sleep != sleep) return;
    if (const nanoseconds thawed = process_.Thawed(timeline_.Now()); thawed > timeline_.Now())
      return WakeAt(*due, thawed);
    due->fiber->Resume();
  });
}

// A handle goes away: the step ends first.
void SimRunner::End(Task& task) {
  task.stop = true;
  Fiber& fiber = *task.fiber;
  while (fiber.started() && !fiber.finished()) {
    if (task.sleeping || !process_.alive()) {
      fiber.Resume();
    } else if (Fiber::Current() != nullptr) {
      process_.Pause(kStepEndPoll);
    } else {
      CHECK(timeline_.RunNext(nanoseconds::max()));
    }
  }
  std::erase_if(tasks_,
                [&](const auto& one) { return one.get() == &task && one->fiber->finished(); });
}

void SimRunner::Bury() {
  const std::vector<std::shared_ptr<Task>> tasks = tasks_;
  for (const auto& task : tasks) {
    while (task->fiber->started() && !task->fiber->finished()) task->fiber->Resume();
  }
}

}  // namespace chaos::sim
