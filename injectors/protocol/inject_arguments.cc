// The arguments of the injector: its window, and exactly one fault with what belongs to it.
#include <array>
#include <utility>

#include "injectors/protocol/arguments.h"
#include "injectors/protocol/field_reader.h"

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, 3> kDirections = {"Both", "Ingress", "Egress"};
constexpr std::array<std::string_view, 4> kActions = {"Kill", "Exit", "Terminate", "Hang"};
constexpr std::array<std::string_view, 3> kWhens = {"DuringInference", "DuringRegistration",
                                                    "RandomWithin"};
constexpr milliseconds kMostGrace = std::chrono::minutes(5);
constexpr std::size_t kMostMatchBytes = 128;

Json ToJson(const Peer& peer) {
  return {{"name", peer.name}, {"addresses", peer.addresses}, {"verify", peer.verify}};
}

Json ToJson(const Partition& partition) {
  Json peers = Json::array();
  for (const Peer& peer : partition.peers) peers.push_back(ToJson(peer));
  Json json = {{"peers", peers},
               {"ports", partition.ports},
               {"direction", kDirections[static_cast<std::size_t>(partition.direction)]}};
  for (const Follow& follow : partition.follow) {
    json["follow"].push_back(
        {{"service", follow.service}, {"except", follow.except}, {"verify", follow.verify}});
  }
  return json;
}

Json ToJson(const Network& network) {
  Json json = {{"between", ToJson(network.between)}, {"seed", network.seed}};
  PutEffects(json, network.effects);
  return json;
}

// Only what the action reads, so that equal faults have equal bytes.
Json ToJson(const Process& process) {
  Json json = {{"action", kActions[static_cast<std::size_t>(process.action)]}};
  if (process.action == ProcessAction::kExit) json["exitCode"] = process.exit_code;
  if (process.action == ProcessAction::kTerminate) json["grace"] = PrintDuration(process.grace);
  if (process.action == ProcessAction::kHang) json["dutyCycle"] = process.duty_cycle;
  PutUnlessEmpty(json, "match", process.match);
  return json;
}

Json ToJson(const Trigger& trigger) {
  Json json = {{"when", kWhens[static_cast<std::size_t>(trigger.when)]},
               {"within", PrintDuration(trigger.within)}};
  if (trigger.when == When::kDuringInference) {
    json["ports"] = trigger.ports;
    json["afterBytes"] = trigger.after_bytes;
  }
  if (trigger.when == When::kDuringRegistration) {
    json["to"] = Json::array();
    for (const Listener& l : trigger.to)
      json["to"].push_back({{"address", l.address}, {"port", l.port}});
  }
  if (trigger.when == When::kRandomWithin) json["delay"] = PrintDuration(trigger.delay);
  return json;
}

std::string ReadPeer(const Json& json, std::string where, Peer& peer) {
  FieldReader reader(json, std::move(where));
  reader.Read("name", peer.name, true);
  reader.Read("addresses", peer.addresses, "a list of addresses");
  reader.Read("verify", peer.verify, "a list of ports");
  return reader.Finish();
}

std::string ReadFollow(const Json& json, std::string where, Follow& follow) {
  FieldReader reader(json, std::move(where));
  reader.Read("service", follow.service, true);
  reader.Read("except", follow.except, "a list of addresses");
  reader.Read("verify", follow.verify, "a list of ports");
  return reader.Finish();
}

std::string ReadControl(const Json& json, std::string where, Control& control) {
  FieldReader reader(json, std::move(where));
  reader.Read("name", control.name, true);
  reader.Read("address", control.address, true);
  reader.Read("port", control.port, true);
  return reader.Finish();
}

std::string ReadListener(const Json& json, std::string where, Listener& listener) {
  FieldReader reader(json, std::move(where));
  reader.Read("address", listener.address, true);
  reader.Read("port", listener.port, true);
  return reader.Finish();
}

std::string ReadPartition(const Json& json, Partition& partition) {
  FieldReader reader(json, "partition");
  const std::string peers = ReadList(reader, "peers", partition.peers, ReadPeer);
  reader.Read("ports", partition.ports, "a list of ports");
  reader.Read("direction", partition.direction, kDirections);
  const std::string follow = ReadList(reader, "follow", partition.follow, ReadFollow);
  const std::string error = reader.Finish();
  return !peers.empty() ? peers : !follow.empty() ? follow : error;
}

std::string ReadNetwork(const Json& json, Network& network) {
  FieldReader reader(json, "network");
  std::string between;
  if (const Json* object = reader.Take("between", true))
    between = ReadPartition(*object, network.between);
  reader.Read("seed", network.seed, true);
  const std::string effects = ReadEffects(reader, network.effects);
  const std::string error = reader.Finish();
  return !between.empty() ? between : !effects.empty() ? effects : error;
}

std::string ReadProcess(const Json& json, Process& process) {
  FieldReader reader(json, "process");
  reader.Read("action", process.action, kActions);
  switch (process.action) {
    case ProcessAction::kKill:
      break;
    case ProcessAction::kExit:
      reader.Read("exitCode", process.exit_code, true);
      if (process.exit_code < 0 || process.exit_code > 255)
        reader.Fail("exitCode", "from 0 to 255");
      break;
    case ProcessAction::kTerminate:
      reader.Read("grace", process.grace, true);
      if (process.grace > kMostGrace) reader.Fail("grace", "at most 5m");
      break;
    case ProcessAction::kHang:
      reader.Read("dutyCycle", process.duty_cycle, true);
      if (process.duty_cycle < 1 || process.duty_cycle > 100)
        reader.Fail("dutyCycle", "from 1 to 100 percent");
      break;
  }
  reader.Read("match", process.match);
  if (process.match.size() > kMostMatchBytes) reader.Fail("match", "at most 128 bytes");
  return reader.Finish();
}

std::string ReadTrigger(const Json& json, Trigger& trigger) {
  FieldReader reader(json, "trigger");
  std::string list;
  reader.Read("when", trigger.when, kWhens);
  reader.Read("within", trigger.within, true);
  if (trigger.within <= milliseconds(0)) reader.Fail("within", "above 0");
  switch (trigger.when) {
    case When::kDuringInference:
      reader.Read("ports", trigger.ports, "a list of ports");
      if (trigger.ports.empty()) reader.Fail("ports", "the ports on which the target serves");
      reader.Read("afterBytes", trigger.after_bytes, true);
      if (trigger.after_bytes < 1) reader.Fail("afterBytes", "at least 1");
      break;
    case When::kDuringRegistration:
      list = ReadList(reader, "to", trigger.to, ReadListener);
      if (trigger.to.empty()) reader.Fail("to", "the addresses at which the target registers");
      break;
    case When::kRandomWithin:
      reader.Read("delay", trigger.delay, true);
      if (trigger.delay >= trigger.within) reader.Fail("delay", "below within");
      break;
  }
  const std::string error = reader.Finish();
  return list.empty() ? error : list;
}

bool HappensAtOnce(const InjectArguments& a) {
  const auto* process = std::get_if<Process>(&a.fault);
  return process != nullptr && process->AtOnce();
}

}  // namespace

Json ToJson(const InjectArguments& a) {
  Json controls = Json::array();
  for (const Control& c : a.controls) {
    controls.push_back({{"name", c.name}, {"address", c.address}, {"port", c.port}});
  }
  Json json = {{"v", 1},
               {"run", a.run},
               {"nonce", a.nonce},
               {"notBefore", PrintTime(a.not_before)},
               {"notAfter", PrintTime(a.not_after)},
               {"duration", PrintDuration(a.duration)},
               {"controls", controls},
               {"protect", a.protect}};
  if (const auto* partition = std::get_if<Partition>(&a.fault))
    json["partition"] = ToJson(*partition);
  else if (const auto* process = std::get_if<Process>(&a.fault))
    json["process"] = ToJson(*process);
  else if (const auto* network = std::get_if<Network>(&a.fault))
    json["network"] = ToJson(*network);
  else if (const auto* http = std::get_if<Http>(&a.fault))
    json["http"] = ToJson(*http);
  else if (const auto* stream = std::get_if<Stream>(&a.fault))
    json["stream"] = ToJson(*stream);
  else
    json["fileDescriptors"] = ToJson(std::get<FileDescriptors>(a.fault));
  if (a.trigger) json["trigger"] = ToJson(*a.trigger);
  return json;
}

Result<InjectArguments> InjectFromJson(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return json.error();
  InjectArguments a;
  FieldReader reader(*json, "arguments");
  const std::string version = CheckHeader(reader);
  reader.Read("run", a.run, true);
  reader.Read("nonce", a.nonce, true);
  reader.Read("notBefore", a.not_before);
  reader.Read("notAfter", a.not_after);
  reader.Read("duration", a.duration, true);
  reader.Read("protect", a.protect, "a list of addresses");
  std::string controls = ReadList(reader, "controls", a.controls, ReadControl);
  std::string fault, trigger;
  int faults = 0;
  const auto one_of = [&](const char* key, auto kind, auto read) {
    const Json* object = reader.Take(key, false);
    if (object == nullptr) return;
    ++faults;
    fault = read(*object, a.fault.emplace<decltype(kind)>());
  };
  one_of("partition", Partition{}, ReadPartition);
  one_of("process", Process{}, ReadProcess);
  one_of("network", Network{}, ReadNetwork);
  one_of("fileDescriptors", FileDescriptors{}, ReadFileDescriptors);
  one_of("http", Http{}, ReadHttp);
  one_of("stream", Stream{}, ReadStream);
  if (faults != 1) reader.Fail("", "an object with exactly one fault");
  if (const Json* object = reader.Take("trigger", false))
    trigger = ReadTrigger(*object, a.trigger.emplace());
  if (!IsHex(a.run, 10)) reader.Fail("run", "10 hex digits");
  if (!IsHex(a.nonce, 32)) reader.Fail("nonce", "32 hex digits");
  if (HappensAtOnce(a) && a.duration != milliseconds(0))
    reader.Fail("duration", "0s for a fault that happens at once");
  if (!HappensAtOnce(a) && a.duration <= milliseconds(0)) reader.Fail("duration", "above 0");
  return Done(std::move(a), {version, reader.Finish(), controls, fault, trigger});
}

}  // namespace chaos::protocol
