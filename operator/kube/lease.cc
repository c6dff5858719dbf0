#include "operator/kube/lease.h"

#include <algorithm>

#include "operator/base/time_text.h"

namespace chaos::kube {

std::string CheckLeaseOptions(const LeaseOptions& options) {
  if (options.identity.empty()) return "the lease needs an identity";
  if (options.duration <= options.renew_deadline)
    return "the lease must last longer than the deadline of its renewal";
  if (options.renew_deadline * 5 <= options.retry * 6)
    return "the renew deadline must be longer than 1.2 × the retry pause";
  if (options.retry < seconds(1)) return "the retry pause must be at least 1s";
  return "";
}

milliseconds LeaseCallTimeout(const LeaseOptions& options) {
  return std::max<milliseconds>(seconds(1), milliseconds(options.renew_deadline) / 2);
}

Lease::Lease(Client& client, Clock& clock, Random random, LeaseOptions options, OnEvent on_event)
    : client_(client),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      on_event_(std::move(on_event)) {
  CHECK(CheckLeaseOptions(options_).empty());
}

milliseconds Lease::Tick() {
  const nanoseconds now = clock_.SinceBoot();
  return Leading() ? TickAsLeader(now) : TickAsStandby();
}

milliseconds Lease::TickAsLeader(nanoseconds now) {
  if (now >= Deadline()) {
    Lose();
    return Jittered();
  }
  // The usual case: one call, without reading first.
  Result<void> written = Write(SpecOf(record_.transitions));
  if (!written && written.error().reason == Reason::kNotFound) {
    record_.object = nullptr;  // deleted by hand: whoever makes it first leads
    written = Write(SpecOf(record_.transitions));
  }
  if (written) {
    std::lock_guard lock(mutex_);
    renewed_at_ = now;  // when it was sent: the server's copy is surely not older
    return options_.retry;
  }
  const bool conflict = written.error().reason == Reason::kConflict;
  const bool replaced = conflict && Observe() && record_.holder != options_.identity;
  if (replaced || clock_.SinceBoot() >= Deadline()) {
    Lose();
    return Jittered();
  }
  if (conflict)
    return milliseconds(options_.retry) / 10;  // a lost reply of ours, or somebody labelled it
  const auto left = std::chrono::ceil<milliseconds>(Deadline() - clock_.SinceBoot());
  return std::min<milliseconds>(options_.retry, left);
}

milliseconds Lease::TickAsStandby() {
  if (Result<void> observed = Observe(); !observed) return Jittered();
  const nanoseconds now = clock_.SinceBoot();
  const nanoseconds expires = observed_at_ + record_.duration;
  const bool held = !record_.holder.empty() && record_.holder != options_.identity;
  if (held && now < expires)
    return std::min(Watching(), std::chrono::ceil<milliseconds>(expires - now));
  if (!Take()) return Jittered();
  on_event_(LeaseEvent::kAcquired);
  return options_.retry;
}

Result<void> Lease::Observe() {
  Result<Json> lease = client_.Get(kLeases, options_.ns, options_.name);
  if (lease) {
    Remember(*std::move(lease));
    return {};
  }
  if (lease.error().reason != Reason::kNotFound) return lease.error();
  record_ = Record{};
  return {};
}

// A new term: the epoch grows also over a lease that was deleted, and over a lost one of our own.
Result<void> Lease::Take() {
  const std::int64_t epoch = highest_transitions_ + 1;
  const nanoseconds sent = clock_.SinceBoot();
  acquire_time_ = PrintTime(clock_.Now(), 6);
  if (Result<void> written = Write(SpecOf(epoch)); !written) return written;
  std::lock_guard lock(mutex_);
  leading_ = true;
  renewed_at_ = sent;
  epoch_ = epoch;
  return {};
}

Result<void> Lease::Write(const Json& spec) {
  Json object = record_.object;
  const bool create = object.is_null();
  if (create) {
    object = {{"apiVersion", "coordination.k8s.io/v1"},
              {"kind", "Lease"},
              {"metadata", {{"name", options_.name}, {"namespace", options_.ns}}}};
  }
  object["spec"] = spec;
  Result<Json> written = create ? client_.Create(kLeases, options_.ns, object)
                                : client_.Replace(kLeases, options_.ns, options_.name, object);
  if (!written) return written.error();
  Remember(*std::move(written));
  return {};
}

void Lease::Remember(Json lease) {
  const Json* before = record_.object.is_null() ? nullptr : Find(record_.object, {"spec"});
  const Json* now = Find(lease, {"spec"});
  const bool same = before && now && *before == *now &&
                    Text(record_.object, {"metadata", "uid"}) == Text(lease, {"metadata", "uid"});
  // After the answer: what the holder did to change it happened before that.
  if (!same) observed_at_ = clock_.SinceBoot();
  record_.holder = Text(lease, {"spec", "holderIdentity"});
  record_.transitions = Integer(lease, {"spec", "leaseTransitions"});
  const std::int64_t lasts = Integer(lease, {"spec", "leaseDurationSeconds"});
  record_.duration = lasts > 0 ? seconds(lasts) : options_.duration;
  highest_transitions_ = std::max(highest_transitions_, record_.transitions);
  if (Json* meta = lease.contains("metadata") ? &lease["metadata"] : nullptr;
      meta && meta->is_object()) {
    meta->erase("managedFields");
  }
  record_.object = std::move(lease);
}

Json Lease::SpecOf(std::int64_t transitions) const {
  return {{"holderIdentity", options_.identity},
          {"leaseDurationSeconds", options_.duration.count()},
          {"acquireTime", acquire_time_},
          {"renewTime", PrintTime(clock_.Now(), 6)},
          {"leaseTransitions", transitions}};
}

void Lease::Release() {
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(leading_, false)) return;
  }
  Json spec = SpecOf(record_.transitions);
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  // If it does not arrive, the next one waits for the lease to expire.
  static_cast<void>(static_cast<bool>(Write(spec)));
}

void Lease::Lose() {
  {
    std::lock_guard lock(mutex_);
    leading_ = false;
  }
  on_event_(LeaseEvent::kLost);
}

bool Lease::Leading() const {
  std::lock_guard lock(mutex_);
  return leading_;
}

nanoseconds Lease::Deadline() const {
  std::lock_guard lock(mutex_);
  return renewed_at_ + options_.renew_deadline;
}

bool Lease::HoldsFor(nanoseconds now_since_boot, milliseconds call_timeout) const {
  std::lock_guard lock(mutex_);
  return leading_ && now_since_boot + call_timeout <= renewed_at_ + options_.renew_deadline;
}

std::int64_t Lease::epoch() const {
  std::lock_guard lock(mutex_);
  return epoch_;
}

// A standby counts from when it saw a renewal: how late it saw it is added to every failover.
milliseconds Lease::Watching() {
  const milliseconds longest = milliseconds(options_.retry) / 2;
  return longest - milliseconds(random_.Below(longest.count() / 5));
}

milliseconds Lease::Jittered() {
  return options_.retry +
         milliseconds(random_.Below(milliseconds(options_.retry).count() * 12 / 10));
}

}  // namespace chaos::kube
