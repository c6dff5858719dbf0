#include "tests/sim/world/replica.h"

namespace chaos::sim {

std::string SimEntropy::Hex(std::size_t bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < 2 * bytes; ++i) text += kDigits[random_.Below(16)];
  return text;
}

Replica::Replica(SimApi& api, Timeline& timeline, Faults& faults, Options options)
    : options_(std::move(options)),
      process_(timeline, options_.crash, options_.crash_per_hundred_thousand,
               Random(options_.seed + 1)),
      clock_(timeline, options_.clock_offset),
      entropy_(options_.seed + 2),
      transport_(api, timeline, faults, process_, {.note = options_.note}),
      runner_(timeline, process_, Random(options_.seed + 3), [this] { Died(); }) {
  ManagerOptions manager;
  manager.ns = "rbee-chaos-system";
  manager.identity = options_.identity;
  manager.limits.operator_namespace = manager.ns;
  manager.settings.injector_image = "chaos-injector:1";
  manager.settings.load_image = "chaos-load:1";
  manager.settings.last_control = {"API server", "10.3.0.1", 443};
  manager_ = std::make_unique<Manager>(manager, transport_, clock_, options_.seed, entropy_,
                                       runner_, log_, nullptr);
  manager_->OnLeaseLost([this] {
    process_.Die();  // the process ends at once
    Died();
  });
  manager_->Start();
}

Replica::~Replica() { CHECK(!manager_); }

void Replica::Died() {
  if (told_) return;
  told_ = true;
  options_.on_death();
}

void Replica::Kill() {
  process_.Die();
  Died();
}

void Replica::Stop() {
  stopping_ = true;
  manager_->Stop();
  stopping_ = false;
  process_.Die();
  Died();
}

void Replica::Bury() {
  runner_.Bury();
  manager_.reset();
}

}  // namespace chaos::sim
