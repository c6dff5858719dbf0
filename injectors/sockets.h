// The TCP connections of a network namespace, as the kernel counts them.
#pragma once

#include <cstdint>
#include <vector>

#include "injectors/node.h"
#include "operator/base/result.h"

namespace chaos::inject {

struct Connection {
  enum class State { kOpening, kOpen, kEnding };  // SYN sent; established; anything after it
  std::uint64_t cookie = 0;                       // this connection and no later one
  State state = State::kOpen;
  Endpoint here, there;
  std::uint64_t acknowledged = 0;  // bytes that went out and arrived
  std::uint64_t received = 0;      // bytes that came in
};

class Sockets {
 public:
  virtual ~Sockets() = default;
  // All but listeners. The error says what this node lacks.
  virtual Result<std::vector<Connection>> Connections() = 0;
};

}  // namespace chaos::inject
