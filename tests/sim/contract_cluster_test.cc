// The contract cases against a real API server, through the transport that the product uses.
// KUBECONFIG names it; contract_cluster.sh brings the CRDs and calls this inside the network of the
// test cluster.
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>

#include "operator/kube/api_transport.h"
#include "tests/sim/contract_cases.h"

namespace chaos::sim {
namespace {

constexpr kube::ResourceType kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount", true};

class RealStage final : public ContractStage {
 public:
  RealStage(kube::Transport& transport, std::string ns)
      : transport_(transport), ns_(std::move(ns)) {
    const Json space{
        {"apiVersion", "v1"},
        {"kind", "Namespace"},
        {"metadata",
         {{"name", ns_}, {"labels", {{"chaos.rbee.dev/max-tier", "PodCapabilities"}}}}}};
    Must(client().Create(kube::kNamespaces, "", space));
    // Pods are refused until the namespace has its service account.
    EXPECT_TRUE(
        Await([&] { return bool(client().Get(kServiceAccounts, ns_, "default")); }, seconds(30)));
  }
  ~RealStage() override { (void)client().Delete(kube::kNamespaces, "", ns_); }

  kube::Transport& transport() override { return transport_; }
  const std::string& ns() override { return ns_; }
  std::function<void()> Wake() override {
    return [this] {
      std::lock_guard lock(mutex_);
      woken_ = true;
      wakeup_.notify_all();
    };
  }
  bool Await(const std::function<bool()>& done, seconds limit) override {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (std::chrono::steady_clock::now() >= until) return false;
      std::unique_lock lock(mutex_);
      wakeup_.wait_for(lock, milliseconds(100), [this] { return std::exchange(woken_, false); });
    }
    return true;
  }

 private:
  static void Must(const Result<Json>& made) { ASSERT_TRUE(made) << made.error().detail; }

  kube::Transport& transport_;
  const std::string ns_;
  std::mutex mutex_;
  std::condition_variable wakeup_;
  bool woken_ = false;
};

class RealApiServer : public testing::TestWithParam<kube::RestLibrary> {};

TEST_P(RealApiServer, KeepsTheContract) {
  const char* path = std::getenv("KUBECONFIG");
  ASSERT_NE(path, nullptr) << "KUBECONFIG must name the administrator of a test cluster";
  Result<kube::Config> config = kube::LoadKubeconfig(path);
  ASSERT_TRUE(config) << config.error().detail;
  SystemClock clock;
  auto credentials = kube::Credentials::Make(*config, clock);
  ASSERT_TRUE(credentials) << credentials.error().detail;
  kube::ApiTransport transport(**credentials, GetParam());
  int broken = 0, number = 0;
  for (const ContractCase& one : ContractCases()) {
    RealStage stage(transport,
                    "contract-" + std::to_string(getpid()) + "-" + std::to_string(++number));
    one.run(stage);
    const std::vector<std::string> expected(one.seen.begin(), one.seen.end());
    EXPECT_EQ(stage.notes(), expected) << one.name;
    broken += stage.notes() != expected;
  }
  std::printf("contract: %zu cases against a real API server, %d broken\n", ContractCases().size(),
              broken);
}

INSTANTIATE_TEST_SUITE_P(Over, RealApiServer,
                         testing::Values(kube::RestLibrary::kCpprest, kube::RestLibrary::kBeast),
                         [](const auto& one) {
                           return one.param == kube::RestLibrary::kBeast ? "Beast" : "Cpprest";
                         });

}  // namespace
}  // namespace chaos::sim
