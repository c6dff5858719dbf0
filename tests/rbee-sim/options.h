// What can be asked of rbee-sim: one table of flags per role, each also readable from the
// environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace rbee_sim {

using std::chrono::milliseconds;

enum class Role { kQueen, kHive, kWorker };
enum class OnSigterm {
  kEnd,      // at once, also as PID 1
  kDefault,  // as the real services, which have no handler: as PID 1 nothing happens
  kIgnore,   // nothing happens
};

struct Options {
  Role role = Role::kQueen;
  std::uint16_t port = 0;  // 0 = the role's default: 7833, 7835, 8080
  std::string advertise;   // host under which others reach this process
  OnSigterm sigterm = OnSigterm::kEnd;
  // hive
  std::string queen_url = "http://127.0.0.1:7833";
  std::string hive_id = "localhost";
  // worker
  std::string hive_url = "http://127.0.0.1:7835";
  std::string instance;  // the worker is known as llm-<instance>; default: the port
  std::string model = "tinyllama-q4";
  milliseconds model_load_time{0};  // the port opens only after it
  double token_rate = 20;           // tokens per second and job
  int parallel = 1;                 // jobs at a time; the real worker is strictly serial
  milliseconds first_token_delay{0};
  bool repeat_text = false, extra_token = false;  // the two bugs of the real worker
  std::string fail_kind;                          // engine-error, error-event, stall, cut, or empty
  int fail_after = 0;                             // after so many tokens of each job
  // queen
  milliseconds detect_after{2000};   // silence on a hive's stream after which it counts as lost
  milliseconds idle_cut{2000};       // a job without an event for so long ends with a bare [DONE]
  bool blind = false;                // never notices that a hive is gone
  milliseconds reroute_after{2000};  // a worker that is doubted for so long gets no more jobs
  bool reroute_never = false;
  int retries = 0;           // of a job whose worker broke off
  bool hide_tokens = false;  // they go to its stdout instead of to the client
  bool repeat_telemetry = false;
};

// Fills `options`; returns a sentence for people when something is wrong, empty when all is well.
std::string ParseOptions(const std::vector<std::string>& arguments, Options& options);
std::string HelpText();

}  // namespace rbee_sim
