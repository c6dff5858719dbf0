#include "injectors/agent/proc_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>

namespace chaos::inject {
namespace {

std::string_view Word(std::string_view& text) {
  const std::size_t start = text.find_first_not_of(" \t\n");
  if (start == std::string_view::npos) return text = {};
  text.remove_prefix(start);
  const std::string_view word = text.substr(0, text.find_first_of(" \t\n"));
  text.remove_prefix(word.size());
  return word;
}

template <class Number>
Number Parse(std::string_view word, int base = 10) {
  Number number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number, base);
  return number;
}

}  // namespace

std::optional<ProcStat> ParseStat(std::string_view text) {
  const std::size_t name_ends = text.rfind(')');
  if (name_ends == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_ends + 1);
  ProcStat stat;
  for (int field = 3; field <= 22; ++field) {  // numbered as in proc(5)
    const std::string_view word = Word(text);
    if (word.empty()) return std::nullopt;
    if (field == 3) stat.state = word[0];
    if (field == 14 || field == 15) stat.cpu_ticks += Parse<std::uint64_t>(word);
    if (field == 22) stat.start = Parse<std::uint64_t>(word);
  }
  return stat;
}

ProcStatus ParseStatus(std::string_view text) {
  ProcStatus status;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::string_view key = Word(line);
    if (key == "Uid:" || key == "Gid:") {
      for (std::uint32_t& id : key == "Uid:" ? status.uid : status.gid)
        id = Parse<std::uint32_t>(Word(line));
    } else if (key == "TracerPid:") {
      status.tracer = Parse<int>(Word(line));
    } else if (key == "SigBlk:") {
      status.blocked = Parse<std::uint64_t>(Word(line), 16);
    } else if (key == "SigIgn:") {
      status.ignored = Parse<std::uint64_t>(Word(line), 16);
    } else if (key == "SigCgt:") {
      status.caught = Parse<std::uint64_t>(Word(line), 16);
    } else if (key == "CapEff:") {
      status.effective = Parse<std::uint64_t>(Word(line), 16);
    } else if (key == "CapPrm:") {
      status.permitted = Parse<std::uint64_t>(Word(line), 16);
    } else if (key == "voluntary_ctxt_switches:" || key == "nonvoluntary_ctxt_switches:") {
      status.switches += Parse<std::uint64_t>(Word(line));
    }
  }
  return status;
}

std::optional<FileLimit> ParseFileLimit(std::string_view text) {
  constexpr std::string_view kKey = "Max open files";
  const std::size_t at = text.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kKey.size());
  FileLimit limit;
  for (std::uint64_t* out : {&limit.soft, &limit.hard}) {
    const std::string_view word = Word(text);
    if (word.empty()) return std::nullopt;
    *out = word == "unlimited" ? RLIM_INFINITY : Parse<std::uint64_t>(word);
  }
  return limit;
}

// By hand: a stream throws when the process goes while it is read.
std::string ReadFile(const std::string& path) {
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  close(fd);
  return text;
}

}  // namespace chaos::inject
