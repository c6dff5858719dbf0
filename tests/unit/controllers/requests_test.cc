// A run whose fault acts on requests: what the injector is told, what is said of it afterwards, and
// what counts as not covered.
#include "controllers/chaosexperiment/requests.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/controllers/paper_run.h"

namespace chaos::experiment {
namespace {

Json HttpJson(const char* http) {
  Json spec = SpecJson();
  spec["fault"] = {{"http", Json::parse(http)}};
  return spec;
}

protocol::Http Told(const Spec& spec, const Pod& pod, const Profile& profile, std::int64_t seed) {
  protocol::InjectArguments arguments;
  EXPECT_TRUE(TellOfRequests(spec, pod, profile, seed, arguments));
  return std::get<protocol::Http>(arguments.fault);
}

TEST(HttpSpec, IsReadWithItsDefaults) {
  const Spec least = MakeExperiment(HttpJson(R"({"abort": {"status": 503}})")).spec;
  EXPECT_EQ("http", least.fault_key);
  ASSERT_TRUE(least.http);
  EXPECT_EQ(503, least.http->abort_status);
  EXPECT_EQ(100, least.http->match.share);
  EXPECT_FALSE(least.http->match.kubelet_probes);
  EXPECT_FALSE(least.HasPeers());

  const Spec most = MakeExperiment(HttpJson(R"({
    "match": {"port": 81, "path": "/v1/*", "method": "POST", "share": "30%", "kubeletProbes": true},
    "delay": {"latency": "1s500ms", "jitter": "20ms"}})"))
                        .spec;
  EXPECT_EQ(std::vector<std::uint16_t>{81}, most.http->match.ports);
  EXPECT_EQ("/v1/*", most.http->match.path);
  EXPECT_EQ("POST", most.http->match.method);
  EXPECT_EQ(30, most.http->match.share);
  EXPECT_TRUE(most.http->match.kubelet_probes);
  EXPECT_EQ(milliseconds(1500), most.http->delay->latency);
  EXPECT_EQ(milliseconds(20), most.http->delay->jitter);
  EXPECT_EQ(0, most.http->abort_status);
}

TEST(HttpSpec, AFieldThatIsWrittenOutAsItsDefaultMakesNoOtherRun) {
  const auto hash = [](const char* http) { return MakeExperiment(HttpJson(http)).spec_hash; };
  const std::string plain = hash(R"({"delay": {"latency": "1s"}})");
  EXPECT_EQ(plain, hash(R"({"match": {"share": "100%", "kubeletProbes": false},
                            "delay": {"latency": "1s", "jitter": "0s"}})"));
  EXPECT_NE(plain, hash(R"({"delay": {"latency": "2s"}})"));
  EXPECT_NE(plain, hash(R"({"match": {"share": "50%"}, "delay": {"latency": "1s"}})"));
}

TEST(HttpFor, PortsAreThoseWrittenElseTheProfilesElseThePods) {
  const auto pod = MakePod("queen-0", "queen", "10.212.0.2", 7000);
  Spec spec = MakeExperiment(HttpJson(R"({"abort": {"status": 503}})")).spec;
  EXPECT_EQ(std::vector<std::uint16_t>{7833}, Told(spec, *pod, MakeProfile(), 1).match.ports);
  EXPECT_EQ(std::vector<std::uint16_t>{7000}, Told(spec, *pod, Profile{}, 1).match.ports);
  spec.http->match.ports = {81};
  EXPECT_EQ(std::vector<std::uint16_t>{81}, Told(spec, *pod, MakeProfile(), 1).match.ports);
  spec.http->match.ports.clear();
  pod->tcp_ports.clear();
  protocol::InjectArguments arguments;
  const Result<void> none = TellOfRequests(spec, *pod, Profile{}, 1, arguments);
  ASSERT_FALSE(none);
  EXPECT_NE(std::string::npos, none.error().detail.find("write fault.http.match.port"));
}

TEST(HttpFor, EachPodHasASeedOfItsOwnFromTheRuns) {
  const auto a = MakePod("queen-0", "queen", "10.212.0.2", 1);
  const auto b = MakePod("queen-1", "queen", "10.212.0.3", 1);
  const Spec spec = MakeExperiment(HttpJson(R"({"abort": {"status": 503}})")).spec;
  const auto seed = [&](const auto& pod, std::int64_t run) {
    return Told(spec, *pod, MakeProfile(), run).seed;
  };
  EXPECT_EQ(seed(a, 1), seed(a, 1));
  EXPECT_NE(seed(a, 1), seed(b, 1));
  EXPECT_NE(seed(a, 1), seed(a, 2));
  EXPECT_LT(seed(a, 1), 1ull << 48);
}

TEST(StreamSpec, IsReadWithItsDefaults) {
  const auto read = [](const char* text) {
    Json spec = SpecJson();
    spec["fault"] = {{"stream", Json::parse(text)}};
    const Spec parsed = MakeExperiment(spec).spec;
    EXPECT_EQ("stream", parsed.fault_key);
    EXPECT_TRUE(parsed.ActsOnRequests());
    return parsed.stream.value_or(protocol::Stream{});
  };
  const protocol::Stream most = read(R"({
    "match": {"path": "/v1/*"}, "firstTokenDelay": {"latency": "2s", "jitter": "100ms"},
    "tokenDelay": {"latency": "50ms"}, "truncate": {"afterEvents": 5, "end": "CleanWithoutDone"},
    "corrupt": {"share": "5%", "as": "BadUtf8"}, "duplicate": {"share": "6%"},
    "drop": {"share": "7%", "done": true}, "reorder": {"share": "8%"}})");
  EXPECT_EQ("/v1/*", most.match.path);
  EXPECT_EQ(milliseconds(100), most.first_token_delay->jitter);
  EXPECT_EQ(milliseconds(50), most.token_delay->latency);
  EXPECT_EQ(5, most.truncate_after);
  EXPECT_EQ(protocol::StreamEnd::kCleanWithoutDone, most.end);
  EXPECT_EQ(protocol::Corruption::kBadUtf8, most.corruption);
  EXPECT_EQ((std::array{5, 6, 7, 8}),
            (std::array{most.corrupt, most.duplicate, most.drop, most.reorder}));
  EXPECT_TRUE(most.drop_done);
  EXPECT_FALSE(most.stall_after || most.error_after || most.cancel_after);

  EXPECT_EQ(0, read(R"({"stall": {"afterEvents": 0}})").stall_after);
  EXPECT_EQ(3, read(R"({"clientCancel": {"afterEvents": 3}})").cancel_after);
  EXPECT_EQ("boom", read(R"({"errorEvent": {"afterEvents": 3, "data": "boom"}})").error_data);
  const protocol::Stream error = read(R"({"errorEvent": {"afterEvents": 3}})");
  EXPECT_EQ(3, error.error_after);
  EXPECT_TRUE(ParseJson(error.error_data));
}

class HttpRun : public Run {
 protected:
  HttpRun() {
    cx = MakeExperiment(HttpJson(
        R"({"match": {"share": "50%"}, "delay": {"latency": "200ms"}, "abort": {"status": 503}})"));
    run_id = RunId("uid-cx", cx.spec_hash);
  }
  std::string does;  // of a stream
  void ToEnd(const std::map<std::string, std::string>& figures) {
    ToInjecting();
    log.armed_at = T(24);
    log.applied_at = T(24.2);
    log.verified_at = T(25.4);
    log.requested = {{"delay", "200ms"}, {"abort", "503"}};
    if (!does.empty()) log.requested = {{"does", does}};
    log.measured = figures;
    log.last_seq = 5;
    world.queen->states.push_back(
        {protocol::SidecarName(run_id), ContainerState::Kind::kRunning, "", "", 0, {}, {}, 0, {}});
    Settle(26);
    world.Good(24, 26);
    for (double t = 26; t < 30; t += 1) {  // noticed
      world.Line("sample", T(t), "queen-answers");
      world.Line("sample", T(t), "hive-online", false);
    }
    world.Good(30, 70);
    log.reverted_at = T(54.2);
    Terminate(54.7, "v1 reverted ok run=" + run_id);
    Settle(56);
    Settle(64);
    Settle(66);
  }
};

TEST_F(HttpRun, TheSidecarIsInThePodsNetworkAloneAndHasNoPeers) {
  ToInjecting();
  ASSERT_EQ(1u, launches.size());
  const Intent& intent = *cx.status.targets[0].intent;
  EXPECT_EQ("", intent.container);
  EXPECT_EQ("NET_ADMIN", intent.capability);
  const Result<protocol::InjectArguments> told = protocol::InjectFromJson(intent.arguments);
  ASSERT_TRUE(told) << told.error().detail;
  const auto& http = std::get<protocol::Http>(told->fault);
  EXPECT_EQ(std::vector<std::uint16_t>{7833}, http.match.ports);
  EXPECT_EQ(503, http.abort_status);
  EXPECT_EQ(seconds(30), told->duration);
  EXPECT_EQ(std::vector<std::string>{"10.210.0.1"}, told->protect);
  EXPECT_TRUE(cx.status.resolved.peers.empty());
}

TEST_F(HttpRun, IsToldInItsFigures) {
  ToEnd(
      {{"requestsActedOn", "12"}, {"requestsSeen", "25"}, {"uncovered", "0"}, {"untouched", "0"}});
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << ": " << cx.status.summary;
  EXPECT_EQ("Full", cx.status.coverage);
  EXPECT_TRUE(cx.status.summary.starts_with(
      "queen-0: 12 of 25 requests answered 503 in its place, 200ms late for 30.0s; noticed after "))
      << cx.status.summary;
}

class StreamRun : public HttpRun {
 protected:
  StreamRun() {
    Json spec = SpecJson();
    spec["fault"] = {{"stream", {{"stall", {{"afterEvents", 5}}}}}};
    cx = MakeExperiment(spec);
    run_id = RunId("uid-cx", cx.spec_hash);
  }
};

TEST_F(StreamRun, IsToldInItsFigures) {
  does = "stalls after 5 events";
  ToEnd({{"requestsActedOn", "3"}, {"requestsSeen", "25"}, {"streamsSeen", "10"}});
  EXPECT_EQ("Passed", cx.status.verdict) << cx.status.reason << ": " << cx.status.summary;
  EXPECT_TRUE(cx.status.summary.starts_with(
      "queen-0: 3 of 10 streams (stalls after 5 events) for 30.0s; noticed after "))
      << cx.status.summary;
  const auto told = protocol::InjectFromJson(cx.status.targets[0].intent->arguments);
  EXPECT_TRUE(told && std::holds_alternative<protocol::Stream>(told->fault));
}

TEST_F(HttpRun, TrafficThatCouldNotBeActedOnIsNeverGreen) {
  ToEnd({{"requestsActedOn", "12"},
         {"requestsSeen", "25"},
         {"uncovered", "3"},
         {"uncoveredKinds", "TLS 2, HTTP/2 1"},
         {"untouched", "4"}});
  EXPECT_EQ("Partial", cx.status.coverage);
  EXPECT_EQ("PartialCoverage", cx.status.reason);
  EXPECT_EQ(
      (std::vector<std::string>{
          "connections to pod queen-0 that are not plain HTTP/1.1: TLS 2, HTTP/2 1",
          "connections to pod queen-0 that were open before the fault and went on being used: 4"}),
      cx.status.coverage_missing);
}

}  // namespace
}  // namespace chaos::experiment
