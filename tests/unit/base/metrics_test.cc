#include "operator/base/net/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chaos {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() { metrics_.AddController("chaosexperiment", 4); }
  // True when the scrape has exactly this line.
  testing::AssertionResult Shows(const std::string& line) {
    const std::string all = "\n" + metrics_.Scrape();
    if (all.find("\n" + line + "\n") != std::string::npos) return testing::AssertionSuccess();
    const std::string name = line.substr(0, line.find_first_of("{ "));
    std::string near;
    for (std::size_t at = 0; (at = all.find("\n" + name, at)) != std::string::npos; ++at) {
      near += all.substr(at, all.find('\n', at + 1) - at);
    }
    return testing::AssertionFailure() << line << " is not shown, but:" << near;
  }
  Metrics metrics_{{"1.2.3",
                    "chaos-operator",
                    {"partition"},
                    {"Verified", "NoEffect"},
                    {"MaxTargets"},
                    {"Pod"}}};
};

TEST_F(MetricsTest, EverySeriesIsThereWithZeroBeforeAnythingHappens) {
  for (
      const char* line : {
          R"(chaos_operator_build_info{version="1.2.3"} 1)",
          R"(leader_election_master_status{name="chaos-operator"} 0)",
          R"(chaos_injections_total{fault="partition",outcome="NoEffect"} 0)",
          R"(chaos_guard_refusals_total{rule="MaxTargets"} 0)",
          R"(chaos_revert_overdue_targets 0)",
          R"(chaos_stop_engaged 0)",
          R"(chaos_watch_restarts_total{kind="Pod",why="expired"} 0)",
          R"(controller_runtime_reconcile_total{controller="chaosexperiment",result="requeue_after"} 0)",
          R"(controller_runtime_reconcile_errors_total{controller="chaosexperiment"} 0)",
          R"(controller_runtime_max_concurrent_reconciles{controller="chaosexperiment"} 4)",
          R"(workqueue_depth{controller="chaosexperiment",name="chaosexperiment"} 0)",
          R"(workqueue_retries_total{controller="chaosexperiment",name="chaosexperiment"} 0)",
      }) {
    EXPECT_TRUE(Shows(line));
  }
}

TEST_F(MetricsTest, EachEventMovesItsOwnSeries) {
  metrics_.Reconciled("chaosexperiment", ReconcileResult::kError, milliseconds(30));
  metrics_.Reconciled("chaosexperiment", ReconcileResult::kTerminalError, milliseconds(30));
  metrics_.Reconciled("chaosexperiment", ReconcileResult::kSuccess, seconds(2));
  metrics_.ActiveWorkers("chaosexperiment", 2);
  metrics_.QueueAdded("chaosexperiment");
  metrics_.QueueRetried("chaosexperiment");
  metrics_.QueueWaited("chaosexperiment", microseconds(5));
  metrics_.QueueWorked("chaosexperiment", microseconds(50));
  metrics_.QueueNow("chaosexperiment", 3, seconds(4), seconds(5));
  metrics_.Requested("200", "GET", "10.0.0.1:443", milliseconds(3));
  metrics_.Requested("<error>", "GET", "10.0.0.1:443", milliseconds(3));
  metrics_.Leading(true);
  metrics_.WatchRestarted("Pod", "expired");
  metrics_.WatchHeard("Pod", TimePoint(seconds(17)));
  metrics_.WatchUnreadable("Pod");
  metrics_.Injected("partition", "Verified");
  metrics_.GuardRefused("MaxTargets");
  metrics_.RevertOverdueTargets(2);
  metrics_.StopEngaged(true);
  metrics_.EventsFailed(6);
  const std::string controller = R"({controller="chaosexperiment"})";
  const std::string queue = R"({controller="chaosexperiment",name="chaosexperiment"})";
  for (
      const std::string& line : {
          std::string(
              R"(controller_runtime_reconcile_total{controller="chaosexperiment",result="error"} 1)"),
          std::string(
              R"(controller_runtime_reconcile_total{controller="chaosexperiment",result="success"} 1)"),
          "controller_runtime_reconcile_errors_total" + controller + " 2",
          "controller_runtime_terminal_reconcile_errors_total" + controller + " 1",
          "controller_runtime_reconcile_time_seconds_count" + controller + " 3",
          std::string(
              R"(controller_runtime_reconcile_time_seconds_bucket{controller="chaosexperiment",le="0.05"} 2)"),
          "controller_runtime_active_workers" + controller + " 2",
          "workqueue_adds_total" + queue + " 1",
          "workqueue_retries_total" + queue + " 1",
          "workqueue_queue_duration_seconds_count" + queue + " 1",
          "workqueue_work_duration_seconds_count" + queue + " 1",
          "workqueue_depth" + queue + " 3",
          "workqueue_unfinished_work_seconds" + queue + " 4",
          "workqueue_longest_running_processor_seconds" + queue + " 5",
          std::string(
              R"(rest_client_requests_total{code="200",host="10.0.0.1:443",method="GET"} 1)"),
          std::string(
              R"(rest_client_requests_total{code="<error>",host="10.0.0.1:443",method="GET"} 1)"),
          std::string(
              R"(rest_client_request_duration_seconds_count{host="10.0.0.1:443",verb="GET"} 2)"),
          std::string(R"(leader_election_master_status{name="chaos-operator"} 1)"),
          std::string(R"(chaos_watch_restarts_total{kind="Pod",why="expired"} 1)"),
          std::string(R"(chaos_watch_last_event_timestamp_seconds{kind="Pod"} 17)"),
          std::string(R"(chaos_watch_unreadable_objects_total{kind="Pod"} 1)"),
          std::string(R"(chaos_injections_total{fault="partition",outcome="Verified"} 1)"),
          std::string(R"(chaos_guard_refusals_total{rule="MaxTargets"} 1)"),
          std::string("chaos_revert_overdue_targets 2"),
          std::string("chaos_stop_engaged 1"),
          std::string("chaos_events_failed 6"),
      }) {
    EXPECT_TRUE(Shows(line));
  }
}

TEST_F(MetricsTest, SeriesOfAnObjectGoWithTheObject) {
  bool there = true;
  metrics_.Add([&] {
    GaugeFamily family{"chaos_experiment_condition", "Conditions.", {}};
    if (there) {
      family.series.push_back(
          {{{"namespace", "shop"}, {"name", "a"}, {"condition", "Ready"}, {"status", "True"}}, 1});
    }
    return std::vector<GaugeFamily>{family};
  });
  EXPECT_TRUE(Shows(
      R"(chaos_experiment_condition{namespace="shop",name="a",condition="Ready",status="True"} 1)"));
  there = false;
  EXPECT_THAT(metrics_.Scrape(), Not(HasSubstr("chaos_experiment_condition{")));
}

TEST_F(MetricsTest, WhatACallbackSetsIsInTheSameScrape) {
  metrics_.Add([&] {
    metrics_.RevertOverdueTargets(3);
    return std::vector<GaugeFamily>();
  });
  EXPECT_TRUE(Shows("chaos_revert_overdue_targets 3"));
}

TEST_F(MetricsTest, TheProcessDescribesItself) {
  const std::string all = metrics_.Scrape();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
                           "process_start_time_seconds"}) {
    EXPECT_THAT(all, HasSubstr("# TYPE " + std::string(name)));
  }
  EXPECT_THAT(all, HasSubstr("# TYPE process_cpu_seconds_total counter"));
}

}  // namespace
}  // namespace chaos
