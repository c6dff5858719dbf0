// The arguments are a contract between versions: they round-trip, print the same bytes always, and
// bad ones are refused with the field's name.
#include "injectors/protocol/arguments.h"

#include <gtest/gtest.h>

namespace chaos::protocol {
namespace {

constexpr const char* kInject =
    R"({"controls":[{"address":"10.96.0.10","name":"dns","port":53}],"duration":"30s",)"
    R"("nonce":"00112233445566778899aabbccddeeff","notAfter":"2026-11-24T12:01:00.000Z",)"
    R"("notBefore":"2026-11-24T11:59:30.000Z","partition":{"direction":"Egress","peers":)"
    R"([{"addresses":["10.0.0.2","fd00::/64"],"name":"pod hive-0","verify":[7835]}],"ports":[7835]},)"
    R"("protect":["10.96.0.10"],"run":"0123456789","v":1})";

// The golden text with one part replaced.
std::string With(const std::string& part, const std::string& by) {
  std::string text = kInject;
  const std::size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  return text.replace(at, part.size(), by);
}

TEST(InjectArguments, RoundTripByteForByte) {
  const Result<InjectArguments> arguments = InjectFromJson(kInject);
  ASSERT_TRUE(arguments) << arguments.error().detail;
  EXPECT_EQ(PrintJson(ToJson(*arguments)), kInject);
  EXPECT_EQ(arguments->duration, seconds(30));
  EXPECT_EQ(arguments->partition().direction, Direction::kEgress);
  EXPECT_EQ(arguments->partition().peers[0].verify, std::vector<std::uint16_t>{7835});
  EXPECT_EQ(arguments->controls[0].port, 53);
  EXPECT_EQ(arguments->not_after - arguments->not_before, seconds(90));
}

TEST(InjectArguments, BadOnesAreRefusedWithTheFieldThatIsWrong) {
  struct Row {
    std::string text, says;
  };
  const Row rows[] = {
      {"{", ""},  // the parser's own words
      {"[]", "arguments must be an object"},
      {With(R"("v":1)", R"("v":2)"), "arguments of version 2 are not known"},
      {With(R"(,"v":1)", ""), "arguments.v must be present"},
      {With(R"("run":"0123456789")", R"("run":"xyz")"), "arguments.run must be 10 hex digits"},
      {With("00112233445566778899aabbccddeeff", "guess"), "arguments.nonce must be 32 hex digits"},
      {With(R"("30s")", R"("30 seconds")"), "arguments.duration must be a duration such as 30s"},
      {With(R"("30s")", R"("0s")"), "arguments.duration must be above 0"},
      {With("2026-11-24T12:01:00.000Z", "soon"), "arguments.notAfter must be an RFC 3339 time"},
      {With(R"("Egress")", R"("Sideways")"), "partition.direction must be a known word"},
      {With(R"("port":53)", R"("port":70000)"), "controls[0].port must be a number that fits"},
      {With(R"("port":53)", R"("port":-1)"), "controls[0].port must be a number that fits"},
      {With("[7835]}]", "[70000]}]"), "peers[0].verify must be a list of ports"},
      {With(R"("v":1)", R"("v":1,"speed":3)"), "arguments has an unknown field \"speed\""},
      {With(R"("name":"pod hive-0")", R"("nome":"x")"), "peers[0].name must be present"},
  };
  for (const Row& row : rows) {
    const Result<InjectArguments> arguments = InjectFromJson(row.text);
    ASSERT_FALSE(arguments) << row.text;
    if (row.says.empty()) continue;
    EXPECT_EQ(arguments.error().detail, row.says);
  }
}

TEST(InjectArguments, PeersThatAreFollowedRoundTripByteForByte) {
  const std::string text =
      With(R"("Egress",)",
           R"("Egress","follow":[{"except":["10.0.0.5"],"service":"rbc-0123456789-peers.rbee.svc",)"
           R"("verify":[7835]}],)");
  const Result<InjectArguments> arguments = InjectFromJson(text);
  ASSERT_TRUE(arguments) << arguments.error().detail;
  EXPECT_EQ(PrintJson(ToJson(*arguments)), text);
  ASSERT_EQ(arguments->partition().follow.size(), 1U);
  const Result<InjectArguments> bad =
      InjectFromJson(With(R"("Egress",)", R"("Egress","follow":[{"verify":[7835]}],)"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().detail, "follow[0].service must be present");
}

std::string Around(const std::string& fault, const std::string& duration) {
  return R"({"controls":[],"duration":")" + duration +
         R"(","nonce":"00112233445566778899aabbccddeeff","notAfter":"2026-11-24T12:01:00.000Z",)"
         R"("notBefore":"2026-11-24T11:59:30.000Z",)" +
         fault + R"(,"v":1})";
}
// The golden text of a process fault and its trigger.
std::string ProcessText(const std::string& process, const std::string& trigger = "",
                        const std::string& duration = "0s") {
  return Around(R"("process":)" + process + R"(,"protect":[],"run":"0123456789")" +
                    (trigger.empty() ? "" : R"(,"trigger":)" + trigger),
                duration);
}

TEST(InjectArguments, EveryActionAndTriggerRoundTripsByteForByte) {
  const std::string texts[] = {
      ProcessText(R"({"action":"Kill"})"),
      ProcessText(R"({"action":"Kill","match":"worker --port \\d+"})"),
      ProcessText(R"({"action":"Exit","exitCode":42})"),
      ProcessText(R"({"action":"Terminate","grace":"5s"})"),
      ProcessText(R"({"action":"Hang","dutyCycle":30})", "", "30s"),
      ProcessText(R"({"action":"Kill"})",
                  R"({"afterBytes":512,"ports":[8080],"when":"DuringInference","within":"30s"})"),
      ProcessText(
          R"({"action":"Kill"})",
          R"({"to":[{"address":"10.0.0.7","port":7835}],"when":"DuringRegistration","within":"30s"})"),
      ProcessText(R"({"action":"Kill"})",
                  R"({"delay":"1s500ms","when":"RandomWithin","within":"30s"})"),
  };
  for (const std::string& text : texts) {
    const Result<InjectArguments> arguments = InjectFromJson(text);
    ASSERT_TRUE(arguments) << text << ": " << arguments.error().detail;
    EXPECT_EQ(PrintJson(ToJson(*arguments)), text);
  }
}

TEST(InjectArguments, BadProcessFaultsAreRefusedWithTheFieldThatIsWrong) {
  const std::string kill = R"({"action":"Kill"})";
  const struct {
    std::string text, says;
  } rows[] = {
      {ProcessText(R"({"action":"Maim"})"), "process.action must be a known word"},
      {ProcessText(R"({"action":"Exit"})"), "process.exitCode must be present"},
      {ProcessText(R"({"action":"Exit","exitCode":256})"),
       "process.exitCode must be from 0 to 255"},
      {ProcessText(R"({"action":"Terminate","grace":"6m"})"), "process.grace must be at most 5m"},
      {ProcessText(R"({"action":"Kill","exitCode":1})"),
       "process has an unknown field \"exitCode\""},
      {ProcessText(R"({"action":"Hang","dutyCycle":0})", "", "30s"),
       "process.dutyCycle must be from 1 to 100 percent"},
      {ProcessText(R"({"action":"Hang","dutyCycle":50})"), "arguments.duration must be above 0"},
      {ProcessText(kill, "", "30s"),
       "arguments.duration must be 0s for a fault that happens at once"},
      {ProcessText(R"({"action":"Kill","match":")" + std::string(129, 'x') + R"("})"),
       "process.match must be at most 128 bytes"},
      {ProcessText(kill, R"({"afterBytes":1,"when":"DuringInference","within":"30s"})"),
       "trigger.ports must be the ports on which the target serves"},
      {ProcessText(kill, R"({"to":[],"when":"DuringRegistration","within":"30s"})"),
       "trigger.to must be the addresses at which the target registers"},
      {ProcessText(kill, R"({"delay":"30s","when":"RandomWithin","within":"30s"})"),
       "trigger.delay must be below within"},
      {ProcessText(kill, R"({"delay":"0s","when":"RandomWithin","within":"0s"})"),
       "trigger.within must be above 0"},
      {ProcessText(kill, R"({"when":"Whenever","within":"30s"})"),
       "trigger.when must be a known word"},
      {Around(R"("protect":[],"run":"0123456789")", "30s"),
       "arguments must be an object with exactly one fault"},
  };
  for (const auto& row : rows) {
    const Result<InjectArguments> arguments = InjectFromJson(row.text);
    ASSERT_FALSE(arguments) << row.text;
    EXPECT_EQ(arguments.error().detail, row.says);
  }
}

TEST(StopArguments, RoundTrip) {
  const std::string text =
      R"({"nonce":"00112233445566778899aabbccddeeff","reason":"ChaosStop","run":"0123456789","v":1})";
  const Result<StopArguments> arguments = StopFromJson(text);
  ASSERT_TRUE(arguments);
  EXPECT_EQ(PrintJson(ToJson(*arguments)), text);
  EXPECT_FALSE(StopFromJson(R"({"v":1,"run":"0123456789"})"));
}

TEST(ProbePodArguments, RoundTripOfAllKinds) {
  ProbePodArguments arguments;
  arguments.run = "0123456789";
  arguments.max_life = std::chrono::minutes(10);
  ProbeArguments http;
  http.name = "health";
  http.url = "http://10.0.0.1:7833/health";
  http.status_in = {200, 204};
  http.body_contains = "ok";
  ProbeArguments sse = http;
  sse.kind = ProbeKind::kSse;
  sse.json_pointer = "/hives_online";
  sse.at_least = 1;
  sse.max_silence = seconds(6);
  ProbeArguments inference;
  inference.name = "answers";
  inference.kind = ProbeKind::kInference;
  inference.url = "http://10.0.0.1:7833";
  inference.protocol = "rbee";
  inference.model = "tinyllama-q4";
  inference.prompt = "2+2=";
  inference.max_tokens = 50;
  inference.expect_min_tokens = 3;
  arguments.probes = {http, sse, inference};
  const std::string text = PrintJson(ToJson(arguments));
  const Result<ProbePodArguments> back = ProbePodFromJson(text);
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(PrintJson(ToJson(*back)), text);
  ASSERT_EQ(back->probes.size(), 3U);
  EXPECT_EQ(back->probes[0].status_in, (std::vector<int>{200, 204}));
  EXPECT_EQ(back->probes[1].at_least, 1);
  EXPECT_FALSE(back->probes[1].at_most);
  EXPECT_EQ(back->probes[2].max_tokens, 50);
}

// The fields of `network` beside whom it is between.
std::string NetworkError(const std::string& effects) {
  const std::string text =
      R"({"v":1,"run":"0123456789","nonce":"00112233445566778899aabbccddeeff","duration":"30s",)"
      R"("notBefore":"2026-11-24T11:59:30Z","notAfter":"2026-11-24T12:01:00Z","network":)"
      R"({"between":{"peers":[],"ports":[],"direction":"Both"},"seed":7)" +
      effects + "}}";
  const Result<InjectArguments> arguments = InjectFromJson(text);
  if (!arguments) return arguments.error().detail;
  const Result<InjectArguments> again = InjectFromJson(PrintJson(ToJson(*arguments)));
  EXPECT_TRUE(again && PrintJson(ToJson(*again)) == PrintJson(ToJson(*arguments)));
  return "";
}

TEST(NetworkArguments, EveryEffectComesBackAsItWas) {
  EXPECT_EQ(
      NetworkError(
          R"(,"delay":{"latency":"500ms","jitter":"100ms","correlation":25,"distribution":"Normal"},)"
          R"("loss":{"share":30,"correlation":0,"burst":5},"corrupt":1,"reorder":50,"rate":10000)"),
      "");
}

TEST(NetworkArguments, WhatMakesNoSenseIsRefusedWithASentence) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "network must be at least one of delay, loss, corrupt and rate"},
      {R"(,"reorder":10,"loss":{"share":1})", "network.reorder must be with a delay to skip"},
      {R"(,"delay":{"latency":"0s","distribution":"Uniform"})",
       "network.delay.latency must be above 0 and at most 10s"},
      {R"(,"delay":{"latency":"1s","jitter":"2s","distribution":"Uniform"})",
       "network.delay.jitter must be at most latency"},
      {R"(,"loss":{"share":95})", "network.loss.share must be from 1 to 90 percent"},
      {R"(,"loss":{"share":30,"burst":5,"correlation":5})",
       "network.loss.burst must be without correlation: both say how losses come together"},
      {R"(,"loss":{"share":90,"burst":8})",
       "network.loss.burst must be longer for so large a share"},
      {R"(,"corrupt":91)", "network.corrupt must be from 0 to 90 percent"},
      {R"(,"rate":10)", "network.rate must be from 1000 to 1000000 bytes a second"},
      {R"(,"corrupt":1,"duplicate":1)", "network has an unknown field \"duplicate\""}};
  for (const auto& [effects, error] : rows) EXPECT_EQ(NetworkError(effects), error);
}

}  // namespace
}  // namespace chaos::protocol
