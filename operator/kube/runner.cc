#include "operator/kube/runner.h"

namespace chaos::kube {
namespace {

class RungHandle final : public Runner::Handle {
 public:
  RungHandle(std::unique_ptr<Runner::Handle> inner, std::shared_ptr<Bell> bell)
      : inner_(std::move(inner)), bell_(std::move(bell)) {
    bell_->Attach(inner_.get());
  }
  ~RungHandle() override { bell_->Attach(nullptr); }
  void Wake() override { inner_->Wake(); }

 private:
  std::unique_ptr<Runner::Handle> inner_;
  std::shared_ptr<Bell> bell_;
};

}  // namespace

std::unique_ptr<Runner::Handle> RunWithWake(
    Runner& runner, std::string name,
    std::function<milliseconds(const std::function<void()>& wake)> step) {
  auto bell = std::make_shared<Bell>();
  std::function<void()> wake = [bell] { bell->Ring(); };
  auto handle = runner.Run(std::move(name),
                           [step = std::move(step), wake = std::move(wake)] { return step(wake); });
  return std::make_unique<RungHandle>(std::move(handle), std::move(bell));
}

}  // namespace chaos::kube
