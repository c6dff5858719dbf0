#include "injectors/agent/linux_descriptors.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>
#include <string>

#include "injectors/agent/proc_files.h"

namespace chaos::inject {
namespace {

std::string Which(const ProcessId& id) { return "process " + std::to_string(id.pid); }

Error Gone(const ProcessId& id) {
  return {Reason::kNotFound, Which(id) + " has ended by itself", {}, 0};
}

std::string Directory(const ProcessId& id) { return "/proc/" + std::to_string(id.pid); }

bool Lives(const ProcessId& id) {
  const std::optional<ProcStat> stat = ParseStat(ReadFile(Directory(id) + "/stat"));
  return stat && stat->start == id.start && stat->state != 'Z' && stat->state != 'X';
}

Error Denied(const ProcessId& id, const std::string& what, int error) {
  const auto ids = [](const ProcStatus& status) {
    return std::to_string(status.uid[0]) + ":" + std::to_string(status.gid[0]);
  };
  const ProcStatus it = ParseStatus(ReadFile(Directory(id) + "/status"));
  const ProcStatus us = ParseStatus(ReadFile("/proc/self/status"));
  std::string detail = what + " " + Which(id) + " may not be ";
  detail += error == EPERM || error == EACCES ? "done" : std::string("done: ") + strerror(error);
  if (ids(it) != ids(us)) {
    detail += ": it runs as " + ids(it) + " and the injector as " + ids(us) +
              ", and it has to be the same user and group (set runAsUser and runAsGroup)";
  }
  return {Reason::kDenied, std::move(detail), {}, 0};
}

// Calls `each` with the path of every open file, as its number. False: it may not be looked at.
template <class Each>
bool ForEachOpen(const ProcessId& id, Each each) {
  const std::string path = Directory(id) + "/fd";
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) return false;
  while (const dirent* entry = readdir(dir)) {
    int number = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, number).ptr == end) each(path, number);
  }
  closedir(dir);
  return true;
}

}  // namespace

Result<std::vector<int>> LinuxDescriptors::Open(const ProcessId& id) {
  std::vector<int> open;
  errno = 0;
  if (!ForEachOpen(id, [&](const std::string&, int number) { open.push_back(number); }))
    return Lives(id) ? Denied(id, "looking at the open files of", errno) : Gone(id);
  if (!Lives(id)) return Gone(id);
  std::sort(open.begin(), open.end());
  return open;
}

// Everybody may read it there, which prlimit does not grant.
Result<FileLimit> LinuxDescriptors::Limit(const ProcessId& id) {
  const std::string limits = ReadFile(Directory(id) + "/limits");
  const std::optional<FileLimit> limit = ParseFileLimit(limits);
  if (!limit || !Lives(id)) return Gone(id);
  return *limit;
}

Result<void> LinuxDescriptors::SetSoft(const ProcessId& id, std::uint64_t soft) {
  const Result<FileLimit> now = Limit(id);
  if (!now) return now.error();
  const rlimit limit{soft, now->hard};
  if (prlimit(id.pid, RLIMIT_NOFILE, &limit, nullptr) == 0) return {};
  if (errno == ESRCH) return Gone(id);
  return Denied(id, "changing the limit of open files of", errno);
}

std::vector<Accepting> LinuxDescriptors::Listeners(const ProcessId& id) {
  std::set<std::uint64_t> own;
  bool seen = false;  // root's files, for root without its capabilities, are numbers alone
  ForEachOpen(id, [&](const std::string& path, int number) {
    char link[64] = {};
    if (readlink((path + "/" + std::to_string(number)).c_str(), link, sizeof link - 1) <= 0) return;
    seen = true;
    constexpr std::string_view kSocket = "socket:[";
    const std::string_view text(link);
    std::uint64_t inode = 0;
    if (!text.starts_with(kSocket)) return;
    std::from_chars(link + kSocket.size(), link + text.size(), inode);
    own.insert(inode);
  });
  std::vector<Accepting> listeners;
  Result<std::vector<Accepting>> all = sockets_.Listeners();
  if (!all) return listeners;
  for (Accepting& one : *all) {
    if (seen && !own.contains(one.inode)) continue;
    one.sure = seen;
    const auto& bytes = one.at.address.bytes;
    const bool any = std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
    // A pod may have no IPv6 on its loopback; who is bound to [::] accepts IPv4 as well.
    if (any) {
      one.at.address = {};
      one.at.address.bytes[0] = 127;
      one.at.address.bytes[3] = 1;
    }
    listeners.push_back(one);
  }
  std::sort(listeners.begin(), listeners.end(),
            [](const Accepting& a, const Accepting& b) { return a.at.port < b.at.port; });
  return listeners;
}

std::optional<std::uint32_t> LinuxDescriptors::Waiting(std::uint64_t inode) {
  const Result<std::vector<Accepting>> all = sockets_.Listeners();
  if (!all) return std::nullopt;
  for (const Accepting& one : *all) {
    if (one.inode == inode) return one.waiting;
  }
  return std::nullopt;
}

}  // namespace chaos::inject
