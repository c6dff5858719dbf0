#include "injectors/agent/inject.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

#include "injectors/agent/console.h"
#include "injectors/agent/linux_descriptors.h"
#include "injectors/agent/linux_node.h"
#include "injectors/agent/linux_processes.h"
#include "injectors/agent/linux_proxy.h"
#include "injectors/agent/packet_queue.h"
#include "injectors/agent/poller.h"
#include "injectors/agent/resolv_conf.h"
#include "injectors/agent/say_once.h"
#include "injectors/agent/sock_diag.h"
#include "injectors/agent/stop_channel.h"
#include "injectors/agent/supervisor.h"
#include "injectors/file_descriptors.h"
#include "injectors/network_fault.h"
#include "injectors/partition.h"
#include "injectors/process_end.h"
#include "injectors/process_hang.h"
#include "injectors/request_fault.h"
#include "injectors/trigger.h"
#include "operator/base/check.h"

namespace chaos::inject {
namespace {

class ConsoleOutput final : public Output {
 public:
  ConsoleOutput(Console& console, StopListener& stops) : console_(console), stops_(stops) {}
  void Line(const protocol::Event& event) override { console_.Line(event); }
  void Record(const std::string& text) override { console_.Record(text); }
  void Answer(int id, const std::string& answer) override { stops_.Answer(id, answer); }

 private:
  Console& console_;
  StopListener& stops_;
};

// SIGTERM and SIGINT as a descriptor; from here on they interrupt nothing.
class Signals {
 public:
  explicit Signals(Poller& poller) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    CHECK(fd_ >= 0);
    poller.WatchReadable(fd_);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() { close(fd_); }

  bool Take() {
    signalfd_siginfo info{};
    return read(fd_, &info, sizeof info) == sizeof info;
  }

 private:
  int fd_;
};

// What faults may lay hands on, beside the node.
struct Hands {
  LinuxProcesses processes;
  SockDiag sockets;
  LinuxDescriptors descriptors{sockets};
};

struct Maker {
  const protocol::InjectArguments& arguments;
  Hands& hands;
  Packets& packets;
  Interposer& interposer;

  std::unique_ptr<Fault> operator()(const protocol::Partition&) const {
    return std::make_unique<Partition>(arguments);
  }
  std::unique_ptr<Fault> operator()(const protocol::Network&) const {
    return std::make_unique<NetworkFault>(arguments, packets);
  }
  std::unique_ptr<Fault> operator()(const protocol::Process& process) const {
    if (process.AtOnce()) return std::make_unique<ProcessEnd>(process, hands.processes);
    return std::make_unique<ProcessHang>(arguments, hands.processes);
  }
  std::unique_ptr<Fault> operator()(const protocol::Http&) const { return OnRequests(); }
  std::unique_ptr<Fault> operator()(const protocol::Stream&) const { return OnRequests(); }
  std::unique_ptr<Fault> OnRequests() const {
    return std::make_unique<RequestFault>(arguments, interposer, hands.sockets, hands.processes);
  }
  std::unique_ptr<Fault> operator()(const protocol::FileDescriptors&) const {
    return std::make_unique<FileDescriptors>(arguments, hands.processes, hands.descriptors);
  }
};

std::string ReadAll(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int Inject(std::string_view json, const std::string& termination_log) {
  Console console(termination_log);
  Result<protocol::InjectArguments> arguments = protocol::InjectFromJson(json);
  if (!arguments) {
    SayOnce(console, "", "failed", "failed", std::string(protocol::kRefused),
            arguments.error().detail);
    return 1;
  }
  const std::string resolv_conf = ReadAll("/etc/resolv.conf");
  const Resolver resolver{Nameservers(resolv_conf), ClusterDomain(resolv_conf)};
  for (const std::string& server : resolver.servers) arguments->protect.push_back(server);
  const SystemClock clock;
  Poller poller;
  Signals signals(poller);
  StopListener stops(poller);
  LinuxNode node(poller, stops, resolver);
  Hands hands;
  PacketQueue packets(poller);
  LinuxProxy proxy(poller);
  const std::unique_ptr<Fault> fault =
      std::visit(Maker{*arguments, hands, packets, proxy}, arguments->fault);
  std::optional<Trigger> trigger;
  if (arguments->trigger) trigger.emplace(*arguments->trigger, hands.sockets);
  ConsoleOutput output(console, stops);
  Supervisor supervisor(*arguments, *fault, node, clock, output, trigger ? &*trigger : nullptr);
  while (true) {
    const std::optional<nanoseconds> wake = supervisor.Step({signals.Take(), stops.Take()});
    if (!wake) return supervisor.exit_code();
    poller.WaitUntil(*wake);
  }
}

int Stop(std::string_view json, const std::string& termination_log) {
  Console console(termination_log);
  const Result<protocol::StopArguments> arguments = protocol::StopFromJson(json);
  if (!arguments) {
    SayOnce(console, "", "failed", "failed", std::string(protocol::kRefused),
            arguments.error().detail);
    return 1;
  }
  const Result<std::string> answer = AskToStop(*arguments);
  const bool refused = answer && answer->starts_with("refused");
  if (answer && !refused) {
    SayOnce(console, arguments->run, "stopped", "reverted", "stopped",
            "the injector says: " + *answer);
    return 0;
  }
  const std::string code =
      refused ? std::string(protocol::kRefused) : std::string(Name(answer.error().reason));
  SayOnce(console, arguments->run, "failed", "failed", code,
          refused ? "the injector says: " + *answer : answer.error().detail);
  return 1;
}

}  // namespace chaos::inject
