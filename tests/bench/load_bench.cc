// The load generator beside the truth and beside others, in one run. Prints both sides.
//   truth  ttft, itl, e2e as measured by chaos-load, beside the send times that the server logged
//   cost   CPU per request, per SSE event, and memory, beside wrk, hey and k6 where they are
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "injectors/protocol/load.h"
#include "operator/base/clock.h"
#include "tests/bench/golden_server.h"

namespace chaos::bench {
namespace {

using protocol::Ending;
using protocol::Trend;

struct Done {
  std::string output;
  double cpu_us = 0;
  long rss_kb = 0;
  int code = -1;
};

Done Run(std::vector<std::string> command) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  Done done;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    done.output.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  rusage used{};
  ::wait4(pid, &status, 0, &used);
  done.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  const auto us = [](timeval t) {
    return 1e6 * static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec);
  };
  done.cpu_us = us(used.ru_utime) + us(used.ru_stime);
  done.rss_kb = used.ru_maxrss;
  return done;
}

Done RunLoad(const std::string& protocol, int port, int vus, milliseconds length, int tokens,
             protocol::LoadLog& log) {
  protocol::LoadArguments a;
  a.run = "0123456789";
  a.start = std::chrono::floor<milliseconds>(SystemClock().Now());
  a.executor = {.start_vus = vus, .stages = {{length, vus}}};
  a.executor.graceful_stop = milliseconds(2000);
  a.request.protocol = protocol;
  a.request.url = "http://127.0.0.1:" + std::to_string(port);
  a.request.model = "tiny";
  a.request.prompts = {"hello there"};
  a.request.max_tokens = tokens;
  a.linger = milliseconds(0);
  Done done = Run({CHAOS_LOAD, "run", PrintJson(ToJson(a))});
  std::string_view text = done.output;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (const auto parsed = protocol::ParseLoadLine(line)) log.Add(*parsed);
  }
  return done;
}

double Rank(std::vector<double>& values, double percent) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  const auto n = static_cast<std::int64_t>(values.size());
  return values[static_cast<std::size_t>(protocol::NearestRank(percent, n) - 1)] / 1000;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size()) / 1000;
}

// False when a figure is further than 1 ms from the server's.
bool Truth(int streams, milliseconds length) {
  GoldenServer server({});
  protocol::LoadLog log;
  RunLoad("rbee", server.port(), streams, length, 5, log);
  GoldenServer::Log truth = server.Stop();
  const protocol::Cell all = SplitByFault(log.Total(), {}, {}).all;
  std::printf(
      "\n%d streams, %lld jobs ok of %lld; worst loop lag %lld us\n", streams,
      static_cast<long long>(all.Of(Ending::kOk)), static_cast<long long>(all.Judged()),
      static_cast<long long>(log.pods().empty() ? 0 : log.pods().begin()->second.worst_lag_us));
  std::printf("%8s %28s %28s %22s\n", "ms", "server  p50     p95    mean",
              "ours  p50     p95    mean", "off  p50    p95");
  bool good = true;
  const std::array<std::pair<Trend, std::vector<double>*>, 3> rows = {
      {{Trend::kTtft, &truth.ttft}, {Trend::kItl, &truth.itl}, {Trend::kE2e, &truth.e2e}}};
  for (const auto& [trend, values] : rows) {
    const protocol::TrendCount& ours = all.Of(trend);
    const double s50 = Rank(*values, 50), s95 = Rank(*values, 95);
    const double o50 = ours.Percentile(50).value_or(NAN), o95 = ours.Percentile(95).value_or(NAN);
    std::printf("%8s %14.2f %7.2f %7.2f %12.2f %7.2f %7.2f %14.2f %6.2f\n",
                std::string(Name(trend)).c_str(), s50, s95, Mean(*values), o50, o95,
                ours.Average().value_or(NAN), o50 - s50, o95 - s95);
    good = good && std::abs(o50 - s50) <= 1 && std::abs(o95 - s95) <= 1;
  }
  std::printf("within 1 ms of the server's own log: %s\n", good ? "yes" : "NO");
  return good;
}

std::string Find(const char* program) {
  const std::string found = Run({"/bin/sh", "-c", std::string("command -v ") + program}).output;
  return found.substr(0, found.find('\n'));
}

double After(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word);
  return at == std::string::npos ? NAN : std::strtod(text.c_str() + at + word.size(), nullptr);
}

void Row(const char* name, int connections, double requests, const Done& done) {
  std::printf("%-12s %6d %10.0f %12.2f %9.1f\n", name, connections, requests,
              done.cpu_us / requests, static_cast<double>(done.rss_kb) / 1024);
  std::fflush(stdout);
}

void Cost(int connections, int secs) {
  GoldenServer server({});
  const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
  const std::string n = std::to_string(connections), s = std::to_string(secs);
  protocol::LoadLog log;
  const Done ours = RunLoad("http", server.port(), connections, seconds(secs), 1, log);
  Row("chaos-load", connections,
      static_cast<double>(SplitByFault(log.Total(), {}, {}).all.http_reqs), ours);
  if (!Find("wrk").empty()) {
    const Done wrk = Run({"wrk", "-t1", "-c" + n, "-d" + s, url});
    const std::size_t at = wrk.output.find(" requests in ");
    const std::size_t line = wrk.output.rfind('\n', at) + 1;
    Row("wrk", connections,
        at == std::string::npos ? NAN : std::strtod(wrk.output.c_str() + line, nullptr), wrk);
  }
  if (!Find("hey").empty()) {
    const Done hey = Run({"hey", "-cpus", "1", "-c", n, "-z", s + "s", url});
    Row("hey", connections, After(hey.output, "Requests/sec:") * After(hey.output, "Total:"), hey);
  }
}

void Streams(int connections, int secs) {
  GoldenServer server({.first_us = 20'000, .gap_us = 20'000, .tokens = 100});
  protocol::LoadLog log;
  const Done ours = RunLoad("rbee", server.port(), connections, seconds(secs), 100, log);
  Row("chaos-load", connections, static_cast<double>(SplitByFault(log.Total(), {}, {}).all.tokens),
      ours);
}

}  // namespace
}  // namespace chaos::bench

int main(int argc, char** argv) {
  using namespace chaos::bench;
  const std::string what = argc > 1 ? argv[1] : "all";
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (what == "truth" || what == "all") {
    std::printf("timing truth: programmed 40 to 60 ms to the first token, 20 ms gaps, 5 tokens\n");
    Truth(1, chaos::milliseconds(4000));
    Truth(100, chaos::milliseconds(4000));
  }
  if (what == "cost" || what == "all") {
    for (const char* other : {"wrk", "hey", "k6"}) {
      if (Find(other).empty()) std::printf("%s is not installed: left out\n", other);
    }
    std::printf("\nrequests of 256 B over kept connections\n%-12s %6s %10s %12s %9s\n", "client",
                "conns", "requests", "CPU us each", "RSS MB");
    for (const int connections : {100, 1000, 5000}) Cost(connections, 4);
    std::printf(
        "\nSSE events, one per 20 ms and stream (wrk and hey cannot read streams)\n%-12s %6s %10s "
        "%12s %9s\n",
        "client", "conns", "events", "CPU us each", "RSS MB");
    for (const int connections : {100, 1000, 5000}) Streams(connections, 5);
  }
  return 0;
}
