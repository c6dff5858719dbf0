#include "injectors/undo.h"

#include <array>
#include <charconv>

namespace chaos::inject {
namespace {

constexpr std::string_view kFileLimit = "files:";

}  // namespace

std::string Print(const FileLimitUndo& undo) {
  std::string word(kFileLimit);
  word += std::to_string(undo.id.pid);
  for (const std::uint64_t number :
       {undo.id.start, undo.before.soft, undo.before.hard, undo.lowered, undo.since})
    word += ":" + std::to_string(number);
  return word;
}

Result<FileLimitUndo> ParseFileLimitUndo(std::string_view word) {
  const auto bad = [&] { return Invalid("\"" + std::string(word) + "\" says not what to undo"); };
  if (!word.starts_with(kFileLimit)) return bad();
  std::array<std::uint64_t, 6> numbers{};
  const char* at = word.data() + kFileLimit.size();
  const char* const end = word.data() + word.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && (at == end || *at++ != ':')) return bad();
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc()) return bad();
    at = next;
  }
  constexpr std::uint64_t kMostPid = 1 << 22;  // the kernel's own limit
  if (at != end || numbers[0] == 0 || numbers[0] > kMostPid) return bad();
  return FileLimitUndo{
      {static_cast<int>(numbers[0]), numbers[1]}, {numbers[2], numbers[3]}, numbers[4], numbers[5]};
}

Result<Figures> Undo(const FileLimitUndo& undo, Processes& processes, Descriptors& descriptors) {
  Figures figures;
  int restored = 0;
  // True: this one was as the fault left it.
  const auto restore = [&](const ProcessId& id) -> Result<bool> {
    const Result<FileLimit> now = descriptors.Limit(id);
    if (!now) return now.error();
    if (now->soft != undo.lowered || now->hard != undo.before.hard) return false;
    if (const Result<void> done = descriptors.SetSoft(id, undo.before.soft); !done)
      return done.error();
    ++restored;
    return true;
  };
  const Result<bool> victim = restore(undo.id);
  if (!victim && victim.error().reason != Reason::kNotFound) return victim.error();
  figures["limitAfter"] = !victim    ? "gone"
                          : !*victim ? "changedByItself"
                                     : std::to_string(undo.before.soft);
  const Result<std::vector<ProcessEntry>> all = processes.List();
  if (!all) return all.error();
  for (const ProcessEntry& child : *all) {
    if (child.id == undo.id || child.id.start < undo.since) continue;
    const Result<bool> done = restore(child.id);
    if (!done && done.error().reason != Reason::kNotFound) return done.error();
  }
  const int children = restored - (victim && *victim ? 1 : 0);
  if (children > 0) figures["childrenRestored"] = std::to_string(children);
  return figures;
}

}  // namespace chaos::inject
