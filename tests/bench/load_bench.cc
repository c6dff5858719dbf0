// The load generator beside the truth and beside others, in one run. Prints both sides.
//   truth  ttft, itl, e2e as measured by chaos-load, beside the send times that the server logged
//   cost   CPU per request, per SSE event, and memory, beside wrk, hey and k6 where they are: each
//   in
//          turn, several times over, and the median of each
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

// The number behind a word, and what stands between the two.
double After(const std::string& text, const std::string& word, const char* between = " ") {
  const std::size_t at = text.find(word);
  if (at == std::string::npos) return NAN;
  const std::size_t number = text.find_first_not_of(between, at + word.size());
  return number == std::string::npos ? NAN : std::strtod(text.c_str() + number, nullptr);
}

struct Used {
  double requests = 0;
  Done done;
};
struct Client {
  const char* name;
  Used (*run)(const std::string& path, int port, int connections, int secs);
};

std::string Url(int port, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(port) + path;
}

Used Wrk(const std::string& path, int port, int connections, int secs) {
  Used used;
  used.done = Run({"wrk", "-t1", "-c" + std::to_string(connections), "-d" + std::to_string(secs),
                   Url(port, path)});
  const std::string& text = used.done.output;
  const std::size_t at = text.find(" requests in ");
  used.requests =
      at == std::string::npos ? NAN : std::strtod(text.c_str() + text.rfind('\n', at) + 1, nullptr);
  return used;
}

Used Hey(const std::string& path, int port, int connections, int secs) {
  Used used;
  used.done = Run({"hey", "-cpus", "1", "-c", std::to_string(connections), "-z",
                   std::to_string(secs) + "s", Url(port, path)});
  used.requests = After(used.done.output, "Requests/sec:") * After(used.done.output, "Total:");
  return used;
}

Used K6(const std::string& path, int port, int connections, int secs) {
  Used used;
  used.done = Run({"env", "GOMAXPROCS=1", "TARGET=" + Url(port, path), "k6", "run", "--quiet",
                   "--no-color", "--no-usage-report", "--vus", std::to_string(connections),
                   "--duration", std::to_string(secs) + "s", CHAOS_K6_SCRIPT});
  used.requests = After(used.done.output, "http_reqs", " .:");
  return used;
}

Used OurRequests(const std::string&, int port, int connections, int secs) {
  Used used;
  protocol::LoadLog log;
  used.done = RunLoad("http", port, connections, seconds(secs), 1, log);
  used.requests = static_cast<double>(SplitByFault(log.Total(), {}, {}).all.http_reqs);
  return used;
}

constexpr int kTokens = 100;
Used OurStreams(const std::string&, int port, int connections, int secs) {
  Used used;
  protocol::LoadLog log;
  used.done = RunLoad("rbee", port, connections, seconds(secs), kTokens, log);
  used.requests = static_cast<double>(SplitByFault(log.Total(), {}, {}).all.tokens) / kTokens;
  return used;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Rounds {
  std::string path;
  GoldenServer::Program program;
  double units = 1;  // in a request
  int secs = 3, rounds = 3;
};

// Every client once, and again: what else this machine does hits them all.
void Compare(const std::vector<Client>& clients, const Rounds& rounds) {
  for (const int connections : {100, 1000, 5000}) {
    std::vector<std::vector<double>> cost(clients.size()), units(clients.size());
    std::vector<long> rss(clients.size());
    for (int round = 0; round < rounds.rounds; ++round) {
      for (std::size_t i = 0; i < clients.size(); ++i) {
        if (i > 0 && Find(clients[i].name).empty()) continue;
        GoldenServer server(rounds.program);
        const Used used = clients[i].run(rounds.path, server.port(), connections, rounds.secs);
        units[i].push_back(used.requests * rounds.units);
        cost[i].push_back(used.done.cpu_us / units[i].back());
        rss[i] = std::max(rss[i], used.done.rss_kb);
      }
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (cost[i].empty()) continue;
      std::printf("%-12s %6d %10.0f %12.2f %9.1f\n", clients[i].name, connections, Median(units[i]),
                  Median(cost[i]), static_cast<double>(rss[i]) / 1024);
    }
    std::fflush(stdout);
  }
}

void Cost() {
  for (const char* other : {"wrk", "hey", "k6"}) {
    if (Find(other).empty()) std::printf("%s is not installed: left out\n", other);
  }
  const char* head = "%-12s %6s %10s %12s %9s\n";
  std::printf("\nrequests of 256 B over kept connections\n");
  std::printf(head, "client", "conns", "requests", "CPU us each", "RSS MB");
  Compare({{"chaos-load", OurRequests}, {"wrk", Wrk}, {"hey", Hey}, {"k6", K6}}, {"/", {}});
  std::printf(
      "\nSSE events, one per 20 ms and stream. chaos-load times and judges each; the others only "
      "swallow the bytes\n");
  std::printf(head, "client", "conns", "events", "CPU us each", "RSS MB");
  const GoldenServer::Program slow{.first_us = 20'000, .gap_us = 20'000, .tokens = kTokens};
  Compare({{"chaos-load", OurStreams}, {"wrk", Wrk}, {"hey", Hey}, {"k6", K6}},
          {"/v1/jobs/0/stream", slow, kTokens, 5, 1});
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
  if (what == "cost" || what == "all") Cost();
  return 0;
}
