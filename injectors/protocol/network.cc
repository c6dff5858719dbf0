#include "injectors/protocol/network.h"

#include <array>

#include "injectors/protocol/field_reader.h"

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, 2> kDistributions = {"Uniform", "Normal"};
constexpr milliseconds kMostLatency = seconds(10);
constexpr int kMostShare = 90, kMostReordered = 50, kMostCorrelation = 99, kMostBurst = 100;

std::string ReadDelay(const Json& json, Delay& delay) {
  FieldReader reader(json, "network.delay");
  reader.Read("latency", delay.latency, true);
  reader.Read("jitter", delay.jitter);
  reader.Read("correlation", delay.correlation);
  reader.Read("distribution", delay.distribution, kDistributions);
  if (delay.latency <= milliseconds(0) || delay.latency > kMostLatency)
    reader.Fail("latency", "above 0 and at most 10s");
  if (delay.jitter < milliseconds(0) || delay.jitter > delay.latency)
    reader.Fail("jitter", "at most latency");
  if (delay.correlation < 0 || delay.correlation > kMostCorrelation)
    reader.Fail("correlation", "from 0 to 99 percent");
  return reader.Finish();
}

std::string ReadLoss(const Json& json, Loss& loss) {
  FieldReader reader(json, "network.loss");
  reader.Read("share", loss.share, true);
  reader.Read("correlation", loss.correlation);
  reader.Read("burst", loss.burst);
  if (loss.share < 1 || loss.share > kMostShare) reader.Fail("share", "from 1 to 90 percent");
  if (loss.correlation < 0 || loss.correlation > kMostCorrelation)
    reader.Fail("correlation", "from 0 to 99 percent");
  if (loss.burst != 0 && (loss.burst < 2 || loss.burst > kMostBurst))
    reader.Fail("burst", "from 2 to 100 packets");
  if (loss.burst != 0 && loss.correlation != 0)
    reader.Fail("burst", "without correlation: both say how losses come together");
  // A good packet between two bursts is the least that there can be.
  if (loss.burst != 0 && loss.burst * (100 - loss.share) < loss.share)
    reader.Fail("burst", "longer for so large a share");
  return reader.Finish();
}

void ReadShare(FieldReader& reader, const char* key, int& share, int most) {
  reader.Read(key, share);
  if (share < 0 || share > most) reader.Fail(key, "from 0 to " + std::to_string(most) + " percent");
}

}  // namespace

void PutEffects(Json& json, const Effects& effects) {
  if (const std::optional<Delay>& delay = effects.delay) {
    json["delay"] = {
        {"latency", PrintDuration(delay->latency)},
        {"jitter", PrintDuration(delay->jitter)},
        {"correlation", delay->correlation},
        {"distribution", kDistributions[static_cast<std::size_t>(delay->distribution)]}};
  }
  if (const std::optional<Loss>& loss = effects.loss) {
    json["loss"] = {
        {"share", loss->share}, {"correlation", loss->correlation}, {"burst", loss->burst}};
  }
  if (effects.corrupt != 0) json["corrupt"] = effects.corrupt;
  if (effects.reorder != 0) json["reorder"] = effects.reorder;
  if (effects.rate != 0) json["rate"] = effects.rate;
}

std::string ReadEffects(FieldReader& reader, Effects& effects) {
  std::string delay, loss;
  if (const Json* object = reader.Take("delay", false))
    delay = ReadDelay(*object, effects.delay.emplace());
  if (const Json* object = reader.Take("loss", false))
    loss = ReadLoss(*object, effects.loss.emplace());
  ReadShare(reader, "corrupt", effects.corrupt, kMostShare);
  ReadShare(reader, "reorder", effects.reorder, kMostReordered);
  reader.Read("rate", effects.rate);
  if (effects.rate != 0 && (effects.rate < kLeastRate || effects.rate > kMostRate))
    reader.Fail("rate", "from 1000 to 1000000 bytes a second");
  if (effects.reorder != 0 && !effects.delay) reader.Fail("reorder", "with a delay to skip");
  if (!effects.delay && !effects.loss && effects.corrupt == 0 && effects.rate == 0)
    reader.Fail("", "at least one of delay, loss, corrupt and rate");
  return delay.empty() ? loss : delay;
}

}  // namespace chaos::protocol
