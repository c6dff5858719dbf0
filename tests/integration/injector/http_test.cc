// What the fault `http` does to real requests of clients outside of the pod, and what it leaves
// alone.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/injector/program.h"
#include "tests/integration/injector/served.h"

namespace chaos::test {
namespace {

using std::chrono::steady_clock;

constexpr const char* kRun = "5566778899";
const std::string kHealth = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

protocol::InjectArguments HttpArguments(milliseconds duration, protocol::Http http,
                                        std::uint16_t port = 8080) {
  protocol::InjectArguments arguments = Arguments(kRun, duration);
  arguments.controls.clear();
  http.match.ports = {port};
  http.seed = 11;
  arguments.fault = http;
  return arguments;
}

protocol::Http Abort(int status) {
  protocol::Http http;
  http.abort_status = status;
  return http;
}

protocol::Http Delay(milliseconds latency) {
  protocol::Http http;
  http.delay = protocol::Lag{latency, milliseconds(0)};
  return http;
}

int Figure(const protocol::Event& event, const std::string& name) {
  const auto found = event.measured.find(name);
  return found == event.measured.end() ? -1 : std::stoi(found->second);
}

TEST(Http, AnswersInTheTargetsPlaceAndEndsByItself) {
  TestNet net;
  SimWorker worker(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(2), Abort(503))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_EQ(StatusOf(net), 503);
  ASSERT_TRUE(injector.WaitFor("verified"));
  EXPECT_EQ(StatusOf(net, "10.9.0.4"), 503);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(StatusOf(net), 200);
  EXPECT_EQ(net.Nft("list ruleset"), "");
  const protocol::Event& reverted = injector.events().back();
  EXPECT_EQ(reverted.event, "reverted");
  EXPECT_EQ(Figure(reverted, "requestsActedOn"), 2);
  EXPECT_EQ(Figure(reverted, "requestsSeen"), 2);
  EXPECT_EQ(Figure(reverted, "aborted"), 2);
  EXPECT_EQ(Figure(reverted, "uncovered"), 0);
  const auto act = injector.WaitFor("act");
  ASSERT_TRUE(act);
  EXPECT_EQ(act->message, "request 1: aborted");
  EXPECT_EQ(injector.record()->figures.at("requestsActedOn"), "2");
}

TEST(Http, ADelayIsFeltInFull) {
  TestNet net;
  SimWorker worker(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(20), Delay(milliseconds(150)))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  const auto asked = steady_clock::now();
  EXPECT_EQ(StatusOf(net), 200);
  EXPECT_GE(steady_clock::now() - asked, milliseconds(150));
  const auto verified = injector.WaitFor("verified");
  ASSERT_TRUE(verified);
  EXPECT_EQ(Figure(*verified, "delayed"), 1);
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
}

TEST(Http, OnlyWhatFitsIsActedOn) {
  TestNet net;
  SimWorker worker(net);
  protocol::Http http = Abort(429);
  http.match.path = "/v1/*";
  http.match.method = "GET";
  Program injector(net.target(), InjectWords(HttpArguments(seconds(20), http)));
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_EQ(StatusOf(net, "10.9.0.2", "/health"), 200);
  EXPECT_EQ(StatusOf(net, "10.9.0.2", "/v1/jobs/x/stream?a=b"), 429);
  // Who probes from the node, by its address or by its name; and who is inside of the pod.
  EXPECT_EQ(StatusOf(net, "10.9.0.3", "/v1/jobs/x/stream"), 404);
  EXPECT_EQ(StatusOf(net, "10.9.0.2", "/v1/jobs/x/stream", "User-Agent: kube-probe/1.34\r\n"), 404);
  Client inside(net.target(), "10.9.0.1", "10.9.0.1", 8080);
  inside.Send("GET /v1/jobs/x/stream HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(inside.ReadTo("HTTP/1.1 404 "));
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  const protocol::Event& reverted = injector.events().back();
  EXPECT_EQ(Figure(reverted, "requestsSeen"), 1);
  EXPECT_EQ(Figure(reverted, "fromTheNode"), 1);
}

TEST(Http, KubeletProbesAreHitWhenAskedFor) {
  TestNet net;
  SimWorker worker(net);
  protocol::Http http = Abort(503);
  http.match.kubelet_probes = true;
  Program injector(net.target(), InjectWords(HttpArguments(seconds(20), http)));
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_EQ(StatusOf(net, "10.9.0.3", "/health", "User-Agent: kube-probe/1.34\r\n"), 503);
}

TEST(Http, AShareIsWhatTheClientSees) {
  TestNet net;
  SimWorker worker(net);
  protocol::Http http = Abort(503);
  http.match.share = 40;
  Program injector(net.target(), InjectWords(HttpArguments(seconds(30), http)));
  ASSERT_TRUE(injector.WaitFor("applied"));
  Client client(net.peer(), "10.9.0.2", "10.9.0.1", 8080);
  int aborted = 0, answered = 0;
  for (int i = 0; i < 60; ++i) {  // one connection: an aborted request does not end it
    client.Send(kHealth);
    ASSERT_TRUE(client.ReadTo("HTTP/1.1 ")) << i;
    ASSERT_TRUE(client.ReadTo("\r\n\r\n")) << i;
  }
  for (std::size_t at = 0; (at = client.all().find("HTTP/1.1 ", at)) != std::string::npos; ++at)
    ++(client.all().substr(at + 9, 3) == "503" ? aborted : answered);
  EXPECT_EQ(aborted + answered, 60);
  EXPECT_GT(aborted, 10);
  EXPECT_GT(answered, 20);
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(Figure(injector.events().back(), "requestsActedOn"), aborted);
  EXPECT_EQ(Figure(injector.events().back(), "requestsSeen"), 60);
}

TEST(Http, AConnectionThatIsOpenAlreadyIsLeftAloneAndCounted) {
  TestNet net;
  SimWorker worker(net);
  Client used(net.peer(), "10.9.0.2", "10.9.0.1", 8080);
  Client idle(net.peer(), "10.9.0.4", "10.9.0.1", 8080);
  for (Client* client : {&used, &idle}) {
    client->Send(kHealth);
    ASSERT_TRUE(client->ReadTo("healthy"));
  }
  Program injector(net.target(), InjectWords(HttpArguments(seconds(20), Abort(503))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_EQ(StatusOf(net), 503);
  used.Send(kHealth);
  EXPECT_TRUE(used.ReadTo("healthy"));
  EXPECT_EQ(used.all().find("503"), std::string::npos);
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  EXPECT_EQ(Figure(injector.events().back(), "openBefore"), 2);
  EXPECT_EQ(Figure(injector.events().back(), "untouched"), 1);
  used.Send(kHealth);  // and its life goes on behind the end
  EXPECT_TRUE(used.ReadTo("healthy"));
}

TEST(Http, BytesThatAreNoHttpPassUnchangedAndAreCounted) {
  TestNet net;
  const Echo echo(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(30), Abort(503), 9100)));
  ASSERT_TRUE(injector.WaitFor("applied"));
  std::string tls = "\x16\x03\x01";
  for (int i = 0; i < 300000; ++i) tls += static_cast<char>(i * 7 + i / 256);
  const std::string http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const auto& from :
       {std::pair<std::string, std::string>{"10.9.0.2", tls}, {"fd09::2", http2}}) {
    const std::string& source = from.first;
    const std::string& text = from.second;
    Client client(net.peer(), source, source == "fd09::2" ? "fd09::1" : "10.9.0.1", 9100);
    ASSERT_TRUE(client.open());
    std::thread sender([&] {
      client.Send(text);
      client.HalfClose();
    });
    EXPECT_EQ(client.ReadToEnd(), Client::End::kFin);  // a FIN passes as a FIN, to and fro
    sender.join();
    EXPECT_TRUE(client.all() == text) << client.all().size();
  }
  injector.Signal(SIGTERM);
  EXPECT_EQ(injector.Wait(), 0);
  const protocol::Event& reverted = injector.events().back();
  EXPECT_EQ(Figure(reverted, "uncovered"), 2);
  EXPECT_EQ(reverted.measured.at("uncoveredKinds"), "TLS 1, HTTP/2 1");
  EXPECT_EQ(Figure(reverted, "requestsActedOn"), 0);
}

TEST(Http, WorksOverIpv6) {
  TestNet net;
  const Echo echo(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(20), Abort(503), 9100)));
  ASSERT_TRUE(injector.WaitFor("applied"));
  Client client(net.peer(), "fd09::2", "fd09::1", 9100);
  client.Send(kHealth);
  EXPECT_TRUE(client.ReadTo("HTTP/1.1 503 "));
  EXPECT_TRUE(injector.WaitFor("verified"));
}

TEST(Http, AClientThatLeavesIsMissedByTheTarget) {
  TestNet net;
  SimWorker worker(net, {"--token-rate", "50"});
  Program injector(net.target(), InjectWords(HttpArguments(seconds(20), Delay(milliseconds(1)))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  const std::string body =
      R"({"operation":"infer","model":"m","prompt":"p","max_tokens":1000,"temperature":0.1})";
  Client client(net.peer(), "10.9.0.2", "10.9.0.1", 8080);
  client.Send("POST /v1/jobs HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n" + body);
  ASSERT_TRUE(client.ReadTo("job-8080-1"));
  client.Send("GET /v1/jobs/job-8080-1/stream HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(client.ReadTo(R"("i":3)"));
  client.Close();
  const std::string line = worker.WaitForLine("job_end");
  EXPECT_NE(line.find("client gone"), std::string::npos) << line;
}

TEST(Http, SigkillTakesTheRedirectWithItAndClientsComeAgain) {
  TestNet net;
  SimWorker worker(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(60), Abort(503))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  Client open(net.peer(), "10.9.0.2", "10.9.0.1", 8080);
  open.Send(kHealth);
  ASSERT_TRUE(open.ReadTo("experiment\n"));
  ASSERT_TRUE(injector.WaitFor("verified"));
  injector.Signal(SIGKILL);
  EXPECT_EQ(injector.Wait(), -SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return StatusOf(net) == 200; }, seconds(2)));
  EXPECT_EQ(net.Nft("list ruleset"), "");
  EXPECT_NE(open.ReadToEnd(), Client::End::kNone);  // it is told, and need not wait
}

TEST(Http, TheKernelEndsTheFaultOfAnInjectorThatHangs) {
  TestNet net;
  SimWorker worker(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(2), Abort(503))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  EXPECT_EQ(StatusOf(net), 503);
  ASSERT_TRUE(injector.WaitFor("verified"));
  Client stuck(net.peer(), "10.9.0.2", "10.9.0.1", 8080);
  ASSERT_TRUE(stuck.open());
  injector.Signal(SIGSTOP);
  EXPECT_TRUE(WaitUntil(
      [&] {
        Client client(net.peer(), "10.9.0.4", "10.9.0.1", 8080);
        client.Send(kHealth);
        return client.ReadTo("healthy", milliseconds(300));
      },
      seconds(5)));
  // Those that still go through it are set free by the kernel's timer, which kills it.
  EXPECT_EQ(injector.Wait(seconds(10)), -SIGKILL);
  EXPECT_NE(stuck.ReadToEnd(), Client::End::kNone);
  EXPECT_EQ(net.Nft("list ruleset"), "");
}

TEST(Http, WhatIsUnderWayAtTheEndPassesUntouched) {
  TestNet net;
  SimWorker worker(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(2), Delay(seconds(60)))));
  ASSERT_TRUE(injector.WaitFor("applied"));
  Client held(net.peer(), "10.9.0.2", "10.9.0.1", 8080);
  held.Send(kHealth);
  Client idle(net.peer(), "10.9.0.4", "10.9.0.1", 8080);
  EXPECT_FALSE(held.ReadTo("healthy", milliseconds(500)));
  EXPECT_TRUE(held.ReadTo("healthy"));
  EXPECT_EQ(held.ReadToEnd(), Client::End::kFin);
  EXPECT_EQ(idle.ReadToEnd(), Client::End::kFin);
  EXPECT_EQ(injector.Wait(), 1);  // nothing was held for as long as was asked for
  EXPECT_EQ(injector.events().back().reason, "NoEffect");
}

TEST(Http, WithoutARequestThereIsNoEffect) {
  TestNet net;
  SimWorker worker(net);
  Program injector(net.target(), InjectWords(HttpArguments(seconds(1), Abort(503))));
  EXPECT_EQ(injector.Wait(), 1);
  EXPECT_EQ(injector.events().back().reason, "NoEffect");
  EXPECT_EQ(Figure(injector.events().back(), "requestsSeen"), 0);
  EXPECT_EQ(net.Nft("list ruleset"), "");
}

TEST(Http, NeedsSomebodyWhoServesAndTheCapability) {
  TestNet net;
  Program nobody(net.target(), InjectWords(HttpArguments(seconds(1), Abort(503))));
  EXPECT_EQ(nobody.Wait(), 1);
  EXPECT_EQ(nobody.events().back().reason, "SteadyStateNotMet");
  EXPECT_NE(nobody.events().back().message.find("port 8080"), std::string::npos);
  SimWorker worker(net);
  Program weak(net.target(), InjectWords(HttpArguments(seconds(1), Abort(503))),
               {.net_admin = false});
  EXPECT_EQ(weak.Wait(), 1);
  EXPECT_EQ(weak.events().back().reason, "Refused");
  EXPECT_NE(weak.events().back().message.find("NET_ADMIN"), std::string::npos);
}

}  // namespace
}  // namespace chaos::test
