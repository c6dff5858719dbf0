// What is done to the packets between a target and its peers, in numbers: the part of the fault
// `network` that has nothing to do with who the peers are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/base/clock.h"
#include "operator/base/json.h"

namespace chaos::protocol {

enum class Distribution { kUniform, kNormal };

// Of every packet, in every direction that is meant: a round trip through both grows by twice this.
struct Delay {
  milliseconds latency{0};  // above 0, at most 10 s
  // kUniform: at most this much more or less; kNormal: the standard deviation. At most latency.
  milliseconds jitter{0};
  int correlation = 0;  // percent, 0 to 99: how much of the last packet's jitter is in the next
  Distribution distribution = Distribution::kUniform;
};

struct Loss {
  int share = 0;        // percent, 1 to 90
  int correlation = 0;  // percent, 0 to 99; the share stays what it is
  // Mean number of packets that are lost in a row (a Gilbert channel), 2 to 100; 0: each by itself.
  int burst = 0;
};

// Exactly what is asked for, in the order in which a packet meets it: lost, changed, made to wait
// for the rate, delayed.
struct Effects {
  std::optional<Delay> delay;
  std::optional<Loss> loss;
  int corrupt = 0;        // percent of packets with one bit turned over, 0 to 90
  int reorder = 0;        // percent of packets that skip the delay, 0 to 50; needs a delay
  std::int64_t rate = 0;  // bytes of IP packets a second in each direction; 0: no limit
};

inline constexpr std::int64_t kLeastRate = 1'000, kMostRate = 1'000'000;

// Adds the fields to the object.
void PutEffects(Json& json, const Effects& effects);
class FieldReader;
// The first error; empty: none. The reader's own Finish is for the caller.
std::string ReadEffects(FieldReader& reader, Effects& effects);

}  // namespace chaos::protocol
