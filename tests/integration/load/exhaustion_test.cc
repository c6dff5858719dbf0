// A load pod that runs out of descriptors or of local ports: never booked on the target, and what
// the operator makes of its lines is no verdict on the target either.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>

#include "controllers/loadtest/verdict.h"
#include "operator/base/time_text.h"
#include "tests/integration/load/load_run.h"
#include "tests/integration/probe/script_server.h"

namespace chaos::test {
namespace {

using namespace std::chrono_literals;
using protocol::Ending;

constexpr milliseconds kLength = 4s;

void Answer(const Connection& connection, std::string request) {
  for (; !request.empty(); request = connection.ReadRequest())
    connection.Send(Reply(200, "text/plain", "ok"));
}

// What the operator concludes from the lines of the only pod of a load that may fail in nothing.
loadtest::Judgement Conclude(const LoadRun& run, int vus, TimePoint t0) {
  const loadtest::LoadTest test = *loadtest::LoadTest::FromJson(
      {{"metadata", {{"name", "lt"}, {"namespace", "rbee"}}},
       {"spec",
        {{"executor",
          {{"type", "constant-vus"}, {"vus", vus}, {"duration", PrintDuration(kLength)}}},
         {"thresholds", Json::array({{{"metric", "errors"}, {"expression", "rate<=0"}}})},
         {"request", {{"path", "/"}}}}}});
  const loadtest::Workload workload = *loadtest::WorkOut(test);
  const loadtest::Measured measured =
      loadtest::Measure(workload, run.log(), {}, t0, t0 + workload.length);
  loadtest::Status status;
  loadtest::FillFigures(workload, measured, run.log(), /*expect_tokens=*/false, status);
  return loadtest::Judge(test, workload, measured, {.ended = 1, .lost = {}, .never_started = ""},
                         status);
}

void ExpectNothingOnTheTarget(const LoadRun& run) {
  const protocol::Cell all = run.all();
  EXPECT_GT(all.Of(Ending::kGeneratorFault), 0);
  EXPECT_EQ(all.Errors(/*expect_tokens=*/true), 0);
  EXPECT_EQ(all.http_req_failed, 0);
  EXPECT_EQ(all.Judged(), all.Of(Ending::kOk));
}

void ExpectSaturated(const LoadRun& run, int vus, TimePoint t0) {
  const loadtest::Judgement judgement = Conclude(run, vus, t0);
  EXPECT_EQ(judgement.verdict, "Inconclusive");
  EXPECT_EQ(judgement.reason, "GeneratorSaturated");
  EXPECT_NE(judgement.message.find("descriptors or local ports"), std::string::npos)
      << judgement.message;
}

// `body` in a network namespace of its own, with loopback up; it ends with the last thread in it.
template <class Body>
void InOwnNetwork(Body body) {
  std::thread([&] {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "this test needs root";
    ASSERT_EQ(std::system("ip link set lo up"), 0);
    body();
  }).join();
}

void AllowPorts(const char* range) {
  std::ofstream file("/proc/sys/net/ipv4/ip_local_port_range");
  file << range << std::flush;
  ASSERT_TRUE(file.good());
}

TEST(LoadExhaustion, LocalPortsThatAreUsedUpAreNotTheTargetsFault) {
  InOwnNetwork([] {
    ScriptServer server(Answer);
    AllowPorts("40000 40009");
    protocol::LoadArguments arguments = Load("http", server.url(), 30, kLength);
    LoadRun run(arguments);
    ASSERT_TRUE(run.Until("ended"));
    ExpectNothingOnTheTarget(run);
    EXPECT_GT(run.all().Of(Ending::kOk), 1000) << "ten VUs have a port and go on";
    EXPECT_EQ(run.log().error_samples(),
              (std::vector<std::string>{"generatorFault: Cannot assign requested address"}));
    ExpectSaturated(run, 30, arguments.start);
  });
}

// The limit is checked before anything starts, so it must be lowered while the load is on.
void LowerDescriptors(const LoadRun& run, pid_t pid) {
  ASSERT_FALSE(run.lines().empty());
  const rlimit none_more{3, 3};
  ASSERT_EQ(::prlimit(pid, RLIMIT_NOFILE, &none_more, nullptr), 0);
}

TEST(LoadExhaustion, DescriptorsThatAreUsedUpAreNotTheTargetsFault) {
  ScriptServer server([](const Connection& connection, const std::string&) {
    connection.Send(Reply(200, "text/plain", "ok"));  // and hangs up
  });
  protocol::LoadArguments arguments = Load("http", server.url(), 4, kLength);
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("load"));
  LowerDescriptors(run, run.child().pid());
  ASSERT_TRUE(run.Until("ended"));
  ExpectNothingOnTheTarget(run);
  EXPECT_EQ(run.log().error_samples(),
            (std::vector<std::string>{"generatorFault: Too many open files"}));
  ExpectSaturated(run, 4, arguments.start);
}

TEST(LoadExhaustion, ANameThatCannotBeLookedUpForWantOfDescriptorsIsNotTheTargetsFault) {
  ScriptServer server([](const Connection& connection, const std::string&) {
    connection.Send(Reply(200, "text/plain", "ok"));
  });
  protocol::LoadArguments arguments =
      Load("http", "http://localhost:" + std::to_string(server.port()), 2, 8s);
  arguments.think_min = arguments.think_max = 20ms;
  LoadRun run(arguments);
  ASSERT_TRUE(run.Until("load"));
  LowerDescriptors(run, run.child().pid());
  ASSERT_TRUE(run.Until("ended"));
  ExpectNothingOnTheTarget(run);
  EXPECT_EQ(run.log().error_samples(),
            (std::vector<std::string>{"generatorFault: Too many open files",
                                      "generatorFault: looking up the host: Too many open files"}));
}

}  // namespace
}  // namespace chaos::test
