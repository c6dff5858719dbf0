// What a fault may ask about the open files of a process beside it, and the one thing that it may
// do to them. The one real implementation is agent/linux_descriptors; tests bring their own.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "injectors/node.h"
#include "injectors/processes.h"
#include "operator/base/result.h"

namespace chaos::inject {

// Numbers from `soft` on cannot be opened. A process may raise it up to `hard` by itself.
struct FileLimit {
  std::uint64_t soft = 0, hard = 0;
  bool operator==(const FileLimit&) const = default;
};

// A socket on which a process accepts connections.
struct Accepting {
  std::uint64_t inode = 0;
  Endpoint at;                // as it can be reached from inside of the pod
  std::uint32_t waiting = 0;  // connections that nobody has accepted yet
  bool sure = true;           // that it is this process's; else only one of this pod's
};

class Descriptors {
 public:
  virtual ~Descriptors() = default;

  // The numbers that are open, lowest first. kNotFound: the process is gone; else the error names
  // what we lack to see them.
  virtual Result<std::vector<int>> Open(const ProcessId& id) = 0;
  // kNotFound: the process is gone.
  virtual Result<FileLimit> Limit(const ProcessId& id) = 0;
  // Leaves the hard limit as it is. kNotFound as above; else the error names what we lack.
  virtual Result<void> SetSoft(const ProcessId& id, std::uint64_t soft) = 0;
  // TCP, by port. All of the pod's where it cannot be seen whose they are.
  virtual std::vector<Accepting> Listeners(const ProcessId& id) = 0;
  // nullopt: that socket is gone.
  virtual std::optional<std::uint32_t> Waiting(std::uint64_t inode) = 0;
};

}  // namespace chaos::inject
