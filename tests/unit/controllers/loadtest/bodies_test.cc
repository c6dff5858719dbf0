// What a run makes: the Job, its arguments, and what a spec is worked out to.
#include <gtest/gtest.h>

#include "controllers/loadtest/bodies.h"
#include "operator/base/gzip.h"
#include "tests/unit/controllers/loadtest/fixture.h"

namespace chaos::loadtest {
namespace {

LoadTest Live(const Json& spec = SpecJson()) {
  LoadTest test = MakeTest(spec);
  test.status.started_at = T(11);
  test.status.resolved = {7, "http://10.0.0.1:7833", "rbee", "load:1", 2, 4, seconds(60)};
  return test;
}

TEST(LoadJob, ItsPodsAreRestrictedAndEndByThemselves) {
  Json spec = SpecJson();
  spec["podTemplate"] = {{"labels", {{"team", "a"}, {"chaos.rbee.dev/run", "mine"}}},
                         {"nodeSelector", {{"zone", "b"}}},
                         {"serviceAccountName", "puller"},
                         {"resources", {{"limits", {{"memory", "1Gi"}}}}}};
  const LoadTest test = Live(spec);
  const Json job = Job(test, *WorkOut(test), "0123456789", "{}");
  const Json& pod = job["spec"]["template"]["spec"];
  const Json& container = pod["containers"][0];
  EXPECT_EQ("rbc-0123456789-load", Text(job, {"metadata", "name"}));
  EXPECT_EQ("Indexed", Text(job, {"spec", "completionMode"}));
  EXPECT_EQ(2, job["spec"]["completions"]);
  EXPECT_EQ(2, job["spec"]["parallelism"]);
  EXPECT_EQ(0, job["spec"]["backoffLimitPerIndex"]);
  EXPECT_EQ(60 + 5 + 30 + 300, job["spec"]["activeDeadlineSeconds"]);
  EXPECT_EQ("Never", Text(pod, {"restartPolicy"}));
  EXPECT_FALSE(pod["automountServiceAccountToken"].get<bool>());
  EXPECT_EQ("puller", Text(pod, {"serviceAccountName"}));
  EXPECT_EQ("b", Text(pod, {"nodeSelector", "zone"}));
  EXPECT_EQ(Json({"ALL"}), container["securityContext"]["capabilities"]["drop"]);
  EXPECT_TRUE(container["securityContext"]["runAsNonRoot"].get<bool>());
  EXPECT_EQ("1Gi", Text(container, {"resources", "limits", "memory"}));
  EXPECT_EQ("metadata.annotations['chaos.rbee.dev/stop']",
            pod["volumes"][0]["downwardAPI"]["items"][0]["fieldRef"]["fieldPath"]);
  EXPECT_EQ("/etc/chaos", container["volumeMounts"][0]["mountPath"]);
  const Json& labels = job["spec"]["template"]["metadata"]["labels"];
  EXPECT_EQ("a", labels["team"]);
  EXPECT_EQ("0123456789", labels["chaos.rbee.dev/run"]) << "ours cannot be overwritten";
  EXPECT_EQ("rbee-chaos", labels["app.kubernetes.io/managed-by"]);
}

TEST(LoadJob, TheArgumentsAreReadBackByThePod) {
  const LoadTest test = Live();
  const Workload workload = *WorkOut(test);
  const auto read = protocol::LoadFromJson(
      PrintJson(protocol::ToJson(ArgumentsOf(test, workload, "0123456789", {"2+2="}))));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(T(11), read->start);
  EXPECT_EQ(2, read->pods);
  EXPECT_EQ(workload.executor, read->executor);
  EXPECT_EQ(7U, read->seed);
  EXPECT_FALSE(read->until_stopped);
}

TEST(Workload, PatternsHaveTheExactStagesAndScale) {
  Json spec = SpecJson();
  spec.erase("executor");
  spec["pattern"] = "Spike";
  spec["pods"] = "Auto";
  Workload workload = *WorkOut(MakeTest(spec));
  EXPECT_EQ("5m30s", PrintDuration(workload.length));
  EXPECT_EQ(3000, workload.max_vus);
  EXPECT_EQ(6, workload.pods);
  spec["scale"] = "1%";
  spec["timeScale"] = 10;
  workload = *WorkOut(MakeTest(spec));
  EXPECT_EQ("33s", PrintDuration(workload.length));
  EXPECT_EQ(30, workload.max_vus);
  EXPECT_EQ(1, workload.pods);
  spec["pattern"] = "Ramp";
  EXPECT_EQ("1m36s", PrintDuration(WorkOut(MakeTest(spec))->length));
  spec["pattern"] = "Stress";
  EXPECT_EQ("1m54s", PrintDuration(WorkOut(MakeTest(spec))->length));
  EXPECT_EQ(50, WorkOut(MakeTest(spec))->max_vus);
}

TEST(Workload, PivotsAreCountedWithinTheirTrend) {
  Json spec = SpecJson();
  spec["thresholds"] = Json::array({{{"metric", "ttft"}, {"expression", "p(95)<500"}},
                                    {{"metric", "e2e"}, {"expression", "p(95)<900"}},
                                    {{"metric", "ttft"}, {"expression", "med<100"}},
                                    {{"metric", "ttft"}, {"expression", "p(99)<500"}},
                                    {{"metric", "errors"}, {"expression", "rate<0.5"}}});
  const Workload workload = *WorkOut(MakeTest(spec));
  EXPECT_EQ(3U, workload.pivots.size());
  EXPECT_EQ(0U, workload.thresholds[0].pivot_index);
  EXPECT_EQ(0U, workload.thresholds[1].pivot_index);
  EXPECT_EQ(1U, workload.thresholds[2].pivot_index);
  EXPECT_EQ(0U, workload.thresholds[3].pivot_index);
  EXPECT_FALSE(workload.thresholds[4].pivot_index);
}

TEST(Workload, MorePodsThanVusAreRefusedWithWhatToDo) {
  Json spec = SpecJson();
  spec["pods"] = 9;
  const Result<Workload> workload = WorkOut(MakeTest(spec));
  ASSERT_FALSE(workload);
  EXPECT_NE(std::string::npos, workload.error().detail.find("use Auto"));
}

TEST(LoadSpecHash, DefaultsAndWordsForPeopleDoNotMakeAnotherRun) {
  Json spec = SpecJson();
  const std::string hash = SpecHash(spec);
  spec["description"] = "x";
  spec["suspend"] = true;
  spec["startingDeadline"] = "1m";
  spec.erase("scale");
  spec["request"].erase("timeout");
  spec["executor"]["startVUs"] = 1;
  EXPECT_EQ(hash, SpecHash(spec));
  spec["run"] = 2;
  EXPECT_NE(hash, SpecHash(spec));
}

TEST(Gzip, ComesBackAndRefusesNonsense) {
  std::string data;
  for (int i = 0; i < 3000; ++i) data += static_cast<char>(i * i % 251);
  for (const std::size_t size : {0U, 1U, 2U, 3U, 2999U}) {
    const std::string text = Base64(Gzip(data.substr(0, size)));
    const auto packed = FromBase64(text);
    ASSERT_TRUE(packed);
    EXPECT_EQ(data.substr(0, size), *Gunzip(*packed, 4000));
  }
  EXPECT_FALSE(Gunzip(Gzip(data), 2999)) << "larger than it may be";
  EXPECT_FALSE(Gunzip("nonsense", 100));
  EXPECT_FALSE(FromBase64("abc"));
  EXPECT_FALSE(FromBase64("a=bc"));
  EXPECT_EQ("TQ==", Base64("M"));
}

}  // namespace
}  // namespace chaos::loadtest
