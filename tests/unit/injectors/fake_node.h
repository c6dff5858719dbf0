// A node in memory with its own clock: connects answer at once where packets flow, and never where
// they are cut.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "injectors/node.h"
#include "operator/base/clock.h"

namespace chaos::inject::test {

class FakeClock final : public Clock {
 public:
  TimePoint Now() const override { return wall; }
  nanoseconds SinceBoot() const override { return boot; }
  void Advance(nanoseconds by) {
    boot += by;
    wall += std::chrono::duration_cast<microseconds>(by);
  }

  TimePoint wall{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::hours(12)};
  nanoseconds boot = std::chrono::hours(100);
};

class FakeNode final : public Node {
 public:
  Result<bool> TakeLock(const std::string&) override { return !lock_taken_by_another; }
  std::vector<Address> OwnAddresses() override { return own; }
  std::unique_ptr<Dial> Connect(const Endpoint& endpoint) override {
    return std::make_unique<FakeDial>(*this, endpoint);
  }
  std::unique_ptr<Lookup> Resolve(const std::string& name) override {
    ++lookups;
    return std::make_unique<FakeLookup>(*this, name);
  }
  Result<void> TryCut(const Cut& cut) override {
    if (!missing.empty()) return Error{Reason::kDenied, missing};
    tried = cut;
    return {};
  }
  Result<void> ApplyCut(const Cut& cut, nanoseconds lasts) override {
    if (!apply_fails.empty()) return Error{Reason::kDenied, apply_fails};
    applied = cut;
    lasted = lasts;
    return {};
  }
  Result<void> WidenCut(const std::vector<Address>& more, nanoseconds lasts) override {
    if (!widen_fails.empty()) return Error{Reason::kDenied, widen_fails};
    for (const Address& address : more) applied->networks.push_back(Single(address));
    widened.push_back(lasts);
    return {};
  }
  Result<std::uint64_t> Dropped() override { return dropped; }
  Result<void> RemoveCut() override {
    if (!remove_fails.empty()) return Error{Reason::kUnavailable, remove_fails};
    applied.reset();
    ++removed;
    return {};
  }

  bool Flows(const Address& address) const {
    if (silent.contains(Print(address))) return false;
    if (!applied || immune.contains(Print(address))) return true;
    for (const Network& network : applied->networks) {
      if (network.Contains(address)) return false;
    }
    return true;
  }

  std::vector<Address> own;
  std::set<std::string> silent;                           // never answer
  std::set<std::string> immune;                           // answer in spite of a cut
  std::map<std::string, std::vector<std::string>> names;  // what DNS knows
  bool dns_silent = false;
  bool lock_taken_by_another = false;
  std::string missing, apply_fails, widen_fails, remove_fails;
  std::optional<Cut> tried, applied;
  nanoseconds lasted{0};
  std::uint64_t dropped = 0;
  int removed = 0;
  int dials = 0, lookups = 0;
  std::vector<nanoseconds> widened;  // for how long each time

 private:
  class FakeLookup final : public Lookup {
   public:
    FakeLookup(FakeNode& node, std::string name) : node_(node), name_(std::move(name)) {}
    std::optional<Found> Poll() override {
      if (node_.dns_silent) return std::nullopt;
      const auto known = node_.names.find(name_);
      if (known == node_.names.end()) return Found{{}, "the name is not known"};
      Found found;
      for (const std::string& text : known->second) found.addresses.push_back(*ParseAddress(text));
      return found;
    }

   private:
    FakeNode& node_;
    const std::string name_;
  };

  class FakeDial final : public Dial {
   public:
    FakeDial(FakeNode& node, const Endpoint& endpoint) : node_(node), endpoint_(endpoint) {
      ++node_.dials;
    }
    Reached Poll() override {
      if (!node_.Flows(endpoint_.address)) return Reached::kPending;
      return endpoint_.port % 2 == 0 ? Reached::kRefused : Reached::kConnected;
    }

   private:
    FakeNode& node_;
    Endpoint endpoint_;
  };
};

}  // namespace chaos::inject::test
