// Chance comes in as an argument: a seeded stream of numbers, the same on every machine.
#pragma once

#include <cstdint>
#include <string>

namespace chaos {

// xoshiro256** seeded through splitmix64 (Blackman & Vigna, public domain). Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t Next();
  // Uniform in [0, bound). Requires bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // True with probability numerator/denominator.
  bool Chance(std::uint64_t numerator, std::uint64_t denominator);

 private:
  std::uint64_t state_[4];
};

// Where nonces come from: the kernel's generator in production, a seeded Random in simulation.
class Entropy {
 public:
  virtual ~Entropy() = default;
  // `bytes` random bytes as lower-case hex.
  virtual std::string Hex(std::size_t bytes) = 0;
};

class SystemEntropy final : public Entropy {
 public:
  std::string Hex(std::size_t bytes) override;
};

}  // namespace chaos
