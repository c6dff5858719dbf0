// The injector's binary as a container would run it: root with one capability, its lines read as
// they come.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "tests/integration/injector/test_net.h"

namespace chaos::test {

struct Privileges {
  bool net_admin = true;  // all others are dropped
  unsigned uid = 0;
  bool own_pid_space = false;
  bool sys_ptrace = false;
  unsigned gid = 0;
  int pid_space = -1, mount_space = -1;  // of a Victim, to run beside it
  std::string resolv_conf = "";          // a file that it finds in the place of /etc/resolv.conf
  int kill_after = 0;  // killed with this call that changes something; see kill_after.cc
};

class Program {
 public:
  Program(int space, std::vector<std::string> words, Privileges privileges = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();  // kills it if it still runs

  // Reads on until an event of this name; nullopt when the program ended or the limit passed
  // without one.
  std::optional<protocol::Event> WaitFor(const std::string& event, milliseconds limit = seconds(5));
  // Waits for its end; the exit code, or minus the signal. Reads all lines that are left.
  int Wait(milliseconds limit = seconds(10));
  void Signal(int signal) const;  // to the injector itself, wherever it runs
  const std::vector<protocol::Event>& events() const { return events_; }
  std::vector<std::string> names() const;
  // What the kubelet would find in the termination message file.
  std::optional<protocol::Record> record() const;
  std::string record_text() const;

 private:
  bool ReadMore(milliseconds limit);

  int pid_ = -1;
  bool ended_ = false;
  Fd out_;
  std::string rest_;
  std::string termination_log_;
  std::vector<protocol::Event> events_;
};

// Arguments that fit TestNet: peer 10.9.0.2, control 10.9.0.3, port 7835, a window around now.
protocol::InjectArguments Arguments(const std::string& run, milliseconds duration);
std::vector<std::string> InjectWords(const protocol::InjectArguments& arguments);
// What undoes what an injector of this run has left behind, by the word in its record.
std::vector<std::string> RevertWords(const std::string& run, const std::string& undo);
std::vector<std::string> StopWords(const protocol::InjectArguments& arguments);

}  // namespace chaos::test
