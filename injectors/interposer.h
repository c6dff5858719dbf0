// What a fault may ask for to stand between a target and its clients. The one real implementation
// is agent/linux_proxy; tests bring their own. Nothing here blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "injectors/address.h"
#include "injectors/proxy/script.h"
#include "injectors/proxy/tally.h"
#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos::inject {

// New connections to these ports of these addresses come to us instead. Those that are open stay as
// they are, as does what comes from inside of the pod.
struct Redirect {
  std::string table;
  std::vector<Address> served;       // the pod's own
  std::vector<std::uint16_t> ports;  // on which the target serves
  std::vector<Address> spared;       // who comes from there goes straight on
};

class Interposer {
 public:
  virtual ~Interposer() = default;

  // Who probes a pod from outside of it: its default gateways.
  virtual std::vector<Address> Gateways() = 0;
  // Opens what listens, and has the kernel accept the redirect and take it back in one step. The
  // error names what is missing.
  virtual Result<void> Try(const Redirect& redirect) = 0;
  // All or nothing. The kernel removes it with this process, and lifts it after `lasts` even if
  // the process hangs. Requires: script and tally outlive the last Run.
  virtual Result<void> Start(const Redirect& redirect, const Script& script, Tally& tally,
                             nanoseconds lasts) = 0;
  // Moves what can be moved; by when it wants to be called again at the latest.
  virtual nanoseconds Run(nanoseconds now) = 0;
  // New connections go straight to the target from here on. Those that are there pass untouched,
  // and are closed once they are idle.
  virtual void Release(nanoseconds now) = 0;
  // Connections that still go through us.
  virtual std::size_t Open() const = 0;
  // Cuts them off; idempotent.
  virtual void Close() = 0;
  // Connections since Start that were spared; nullopt: unknown.
  virtual std::optional<std::uint64_t> Spared() = 0;
};

}  // namespace chaos::inject
