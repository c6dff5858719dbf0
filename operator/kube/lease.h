// Leader election on a coordination.k8s.io/v1 Lease, with fencing: who leads is one question,
// whether a write that starts now will surely end while nobody else can lead is another (HoldsFor),
// and the second guards every mutation.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "operator/base/random.h"
#include "operator/kube/client.h"

namespace chaos::kube {

struct LeaseOptions {
  std::string ns;
  std::string name;
  std::string identity;  // unique per process: pod name and a random suffix
  seconds duration{15};
  seconds renew_deadline{10};
  seconds retry{2};
};
// Requires: duration > renew_deadline > 1.2 × retry. "" or what is wrong.
std::string CheckLeaseOptions(const LeaseOptions& options);
// The timeout of the client that a Lease is given: one hung call must not cost the lease.
milliseconds LeaseCallTimeout(const LeaseOptions& options);

enum class LeaseEvent { kAcquired, kLost };

// Requires: client (made with LeaseCallTimeout) and clock outlive it.
// Thread-safety: Tick and Release from one thread at a time; the rest from any.
// Another's lease counts as expired when its record has not changed for its duration on our own
// clock (SinceBoot); the times written in it are never compared with ours. That and
// renew_deadline/duration bear clocks whose rates differ by up to 1.5.
class Lease {
 public:
  using OnEvent = std::function<void(LeaseEvent)>;
  Lease(Client& client, Clock& clock, Random random, LeaseOptions options, OnEvent on_event);

  // Acquires, renews or gives up; at most two calls to the API server. Returns the longest pause
  // until the next call. A standby's pause ends exactly when the lease that it watches expires.
  milliseconds Tick();
  // For a clean shutdown, after the last write: the next one need not wait. Reports nothing.
  void Release();

  bool Leading() const;
  // Requires: call_timeout bounds the write that is about to start.
  // True: whatever starts now and ends within call_timeout, ends before anybody else can lead.
  bool HoldsFor(nanoseconds now_since_boot, milliseconds call_timeout) const;
  // leaseTransitions at our acquisition; grows with every new term, from 1. 0 until the first.
  std::int64_t epoch() const;

 private:
  struct Record {  // as last seen on the server
    Json object;   // null = there is none
    std::string holder;
    std::int64_t transitions = 0;
    seconds duration{0};
  };
  milliseconds TickAsLeader(nanoseconds now);
  milliseconds TickAsStandby();
  Result<void> Observe();
  Result<void> Take();
  Result<void> Write(const Json& spec);
  void Remember(Json lease);
  Json SpecOf(std::int64_t transitions) const;
  void Lose();
  nanoseconds Deadline() const;  // when the lease counts as lost unless it is renewed
  milliseconds Watching();
  milliseconds Jittered();

  Client& client_;
  Clock& clock_;
  Random random_;
  const LeaseOptions options_;
  const OnEvent on_event_;
  Record record_;
  nanoseconds observed_at_{0};  // when record_ last changed, since boot
  std::string acquire_time_;
  std::int64_t highest_transitions_ = 0;  // also of leases that were deleted since

  mutable std::mutex mutex_;  // guards what other threads read
  bool leading_ = false;
  nanoseconds renewed_at_{0};  // when the last successful renewal was *sent*
  std::int64_t epoch_ = 0;
};

}  // namespace chaos::kube
