// What a fault may ask of the machine it runs on. The one real implementation is linux_node; a
// simulation brings its own. Nothing here blocks for longer than the kernel needs for one request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "injectors/address.h"
#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos::inject {

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
};

enum class Reached {
  kPending,
  kConnected,
  kRefused,      // somebody answered: packets flow
  kUnreachable,  // the kernel gave up by itself: no route, no neighbour, its own time limit
};

// One attempt to connect by TCP. Going out of scope gives it up.
class Dial {
 public:
  virtual ~Dial() = default;
  virtual Reached Poll() = 0;
};

// What a name stands for now. Going out of scope gives the look-up up.
struct Found {
  std::vector<Address> addresses;
  std::string error;  // why these are not all, or none: a sentence
};
class Lookup {
 public:
  virtual ~Lookup() = default;
  // nullopt: nobody has answered yet.
  virtual std::optional<Found> Poll() = 0;
};

// Where the kernel holds packets for a program: let pass while nobody takes them.
struct QueueTo {
  std::uint16_t number = 0;
  bool by_target = false;  // by the NFQUEUE target of iptables: kernels without nft's own queue
};

// A packet filter that drops what goes to or comes from some addresses, for a time that the kernel
// keeps.
struct Cut {
  std::string table;
  std::vector<Network> networks;  // none overlaps another
  std::vector<Address> spared;    // pass even where they lie inside of a network, as all of lo does
  std::vector<std::uint16_t> ports;  // of the other side, TCP and UDP; empty = everything
  bool outgoing = false;
  bool incoming = false;
  bool grows = false;              // WidenCut may be called, with addresses of either family
  std::optional<QueueTo> queue{};  // held there in place of dropped
};

class Node {
 public:
  virtual ~Node() = default;

  // Exclusive in this network namespace until the process ends; false: somebody else has it.
  virtual Result<bool> TakeLock(const std::string& run) = 0;
  virtual std::vector<Address> OwnAddresses() = 0;
  virtual std::unique_ptr<Dial> Connect(const Endpoint& endpoint) = 0;
  // Asks the pod's DNS for a name of the cluster such as "hive.rbee.svc".
  virtual std::unique_ptr<Lookup> Resolve(const std::string& name) = 0;

  // Has the kernel accept the cut and take it back in one step, so that no packet ever meets it.
  // The error names what is missing.
  virtual Result<void> TryCut(const Cut& cut) = 0;
  // All or nothing. The kernel removes it with this process, and lifts it after `lasts` even if the
  // process hangs.
  virtual Result<void> ApplyCut(const Cut& cut, nanoseconds lasts) = 0;
  // All or nothing; an error leaves the cut as it was. Requires: ApplyCut succeeded with a cut that
  // grows, and no address is in it yet.
  virtual Result<void> WidenCut(const std::vector<Address>& more, nanoseconds lasts) = 0;
  // Packets dropped since ApplyCut.
  virtual Result<std::uint64_t> Dropped() = 0;
  // Idempotent.
  virtual Result<void> RemoveCut() = 0;
};

}  // namespace chaos::inject
