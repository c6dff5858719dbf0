// What the operator tells an injector or a probe pod: one JSON document, the only argument after
// the mode. Canonical: the same arguments always print the same bytes, so a repeated patch changes
// nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "injectors/protocol/network.h"
#include "injectors/protocol/requests.h"
#include "injectors/protocol/resources.h"
#include "operator/base/clock.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace chaos::protocol {

enum class Direction { kBoth, kIngress, kEgress };  // as seen from the target

// One peer as the operator resolved it at launch.
struct Peer {
  std::string name;                    // for people: "pod hive-0", "service hive"
  std::vector<std::string> addresses;  // IPv4 or IPv6, or CIDR where `verify` is empty
  std::vector<std::uint16_t>
      verify;  // TCP ports on which a connect is tried before, during and after
};

// Pods that become peers after the launch: whoever a name of the pod's DNS stands for.
struct Follow {
  std::string service;              // "rbc-0123456789-peers.rbee.svc"; the cluster's domain follows
  std::vector<std::string> except;  // addresses that it may stand for and that are no peers
  std::vector<std::uint16_t> verify;  // TCP ports on which connects are tried, as with peers
};

struct Partition {
  std::vector<Peer> peers;
  std::vector<std::uint16_t> ports;  // of the peer; empty = everything
  Direction direction = Direction::kBoth;
  std::vector<Follow> follow{};
};

// What is done to the packets that a partition with the same words would drop.
struct Network {
  Partition between;
  Effects effects;
  std::uint64_t seed = 0;  // of what is left to chance
};

enum class ProcessAction { kKill, kExit, kTerminate, kHang };

// One process of the target's container is ended, or made to stand still.
struct Process {
  ProcessAction action = ProcessAction::kKill;
  int exit_code = 1;         // of Exit, 0 to 255
  milliseconds grace{5000};  // of Terminate: from SIGTERM to SIGKILL, 0 to 5 min
  int duty_cycle = 100;      // of Hang, percent: this part of the time it stands still
  // ECMAScript regular expression that exactly one command line of the container contains; empty:
  // the container's first process (PID 1).
  std::string match{};
  bool AtOnce() const { return action != ProcessAction::kHang; }
};

enum class When { kDuringInference, kDuringRegistration, kRandomWithin };

// Where somebody accepts connections.
struct Listener {
  std::string address;  // IPv4 or IPv6
  std::uint16_t port = 0;
};

// What is waited for between armed and applied. Without one the fault comes as soon as it is armed.
struct Trigger {
  When when = When::kRandomWithin;
  milliseconds within{0};  // after armed; later it is TriggerNeverFired
  // DuringInference: this many bytes went out on one open connection to one of these own ports
  // since armed.
  std::vector<std::uint16_t> ports;
  std::int64_t after_bytes = 1;
  // DuringRegistration: the first connection from the pod to one of these.
  std::vector<Listener> to;
  // RandomWithin: after armed; below `within`. Drawn from the seed by the operator.
  milliseconds delay{0};
};

// Something that must go on working while the fault is on, else "fails during" proves nothing.
struct Control {
  std::string name;
  std::string address;
  std::uint16_t port = 0;
};

// `chaos-injector inject <json>`
struct InjectArguments {
  std::string run;         // 10 hex digits
  std::string nonce;       // 32 hex digits; the stopper must know it
  TimePoint not_before{};  // refuses to arm outside of these (ClockSkew, Expired)
  TimePoint not_after{};
  milliseconds duration{0};  // from applied; 0 for, and only for, a fault that happens at once
  std::variant<Partition, Process, Network, FileDescriptors, Http, Stream> fault;
  std::optional<Trigger> trigger;
  std::vector<Control> controls;     // tried in order; the first that works before is used
  std::vector<std::string> protect;  // addresses never cut off: DNS, the node

  // Requires: the fault is one.
  Partition& partition() { return std::get<Partition>(fault); }
  const Partition& partition() const { return std::get<Partition>(fault); }
};

// `chaos-injector stop <json>`
struct StopArguments {
  std::string run;
  std::string nonce;
  std::string reason;  // one word, printed by the injector
};

// `chaos-injector revert <json>`: what an injector of the run left behind when it died.
struct RevertArguments {
  std::string run;
  std::string undo;  // from its record or its journal line
};

enum class ProbeKind { kHttp, kSse, kInference };
struct ProbeArguments {
  std::string name;
  ProbeKind kind = ProbeKind::kHttp;
  milliseconds interval{1000};
  milliseconds timeout{5000};
  std::string url;  // "http://10.211.0.7:7833/health"; inference: base without path
  // http: which answers are good
  std::vector<int> status_in;  // empty = 200 to 299
  std::string body_contains;
  // sse: good while the newest matching event is young enough and its value within the bounds
  std::string match_pointer,
      match_equals;  // only events whose value at the JSON pointer equals this text
  std::string json_pointer;
  std::optional<double> at_least, at_most;
  milliseconds max_silence{0};  // 0 = no limit
  // inference: one job with these, judged by its content
  std::string protocol;  // "rbee"
  std::string model, prompt;
  int max_tokens = 16;
  std::string
      expect_matches;  // ECMAScript regular expression without back-references, on the first 1 KiB
  int expect_min_tokens = 1;
};

// `chaos-load probe <json>`
struct ProbePodArguments {
  std::string run;
  milliseconds max_life{0};  // ends by itself after this, whatever happens
  std::vector<ProbeArguments> probes;
};

Json ToJson(const InjectArguments& arguments);
Json ToJson(const StopArguments& arguments);
Json ToJson(const RevertArguments& arguments);
Json ToJson(const ProbePodArguments& arguments);
// Errors say which field is wrong and what it should be; unknown fields are refused.
Result<InjectArguments> InjectFromJson(std::string_view text);
Result<StopArguments> StopFromJson(std::string_view text);
Result<RevertArguments> RevertFromJson(std::string_view text);
Result<ProbePodArguments> ProbePodFromJson(std::string_view text);

}  // namespace chaos::protocol
