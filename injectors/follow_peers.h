// Pods that become peers while a cut is on: the names that stand for all peers are looked up again
// and again, and who is new is cut off too. Nothing that goes wrong here ends the fault: it is
// counted, and told in the figures.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "injectors/connects.h"
#include "injectors/fault.h"
#include "injectors/protocol/arguments.h"

namespace chaos::inject {

class FollowPeers {
 public:
  explicit FollowPeers(const protocol::Partition& partition);

  bool any() const { return !names_.empty(); }
  // `untouchable`: never cut off, whoever stands for it. kInvalid: an address is none.
  Result<void> Plan(const Cut& cut, const std::vector<Address>& untouchable);
  // The cut is on, and the kernel lifts it after `lasts`.
  void Begin(nanoseconds lasts) { lasts_ = lasts; }
  // Requires: Begin. Call it whenever there may be news; by the time it returns at the latest.
  nanoseconds Tick(Node& node, nanoseconds now);
  Figures figures() const;

 private:
  // One name is looked up, one group of newcomers is tried, cut off, and tried again.
  enum class Step { kWaiting, kAsking, kBefore, kDuring };
  struct Name {
    protocol::Follow follow;
    std::vector<std::uint16_t> ports;  // on which newcomers are tried
    std::set<Address> except;
    std::unique_ptr<Lookup> lookup;
  };
  struct Newcomer {
    Address address;
    std::vector<std::uint16_t> ports{};
    milliseconds after{0};                // from applied to its cut
    bool before = false, during = false;  // could be reached
  };

  void Ask(Node& node, nanoseconds now);
  bool Heard(nanoseconds now);
  void Take(const Name& name, const Found& found);
  void TryBefore(Node& node, nanoseconds now);
  void CutOff(Node& node, nanoseconds now);
  void Count();
  void Wait();

  std::vector<Name> names_;
  std::vector<Network> covered_;  // at launch
  std::set<Address> untouchable_;
  nanoseconds lasts_{0}, began_{-1}, asked_at_{0};
  Step step_ = Step::kWaiting;
  std::set<Address> known_;
  std::vector<Newcomer> found_, group_;
  std::vector<Endpoint> endpoints_;       // of the group
  std::vector<std::size_t> endpoint_of_;  // index into group_
  std::optional<Connects> connects_;
  std::size_t lookups_ = 0, failed_ = 0, too_many_ = 0;
  std::string lookup_error_, cut_error_;
};

}  // namespace chaos::inject
