// The contract of the transports as a printed table: misbehaviour × verb, each verb through the
// transport that carries it (unary calls: each library, streams: Beast). Cells say what the caller
// is told, how often the server executed the request (e) and how often it saw it (s).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "tests/contract/misbehaviours.h"

namespace chaos::contract {
namespace {

using kube::RestLibrary;

std::string_view Expected(const Row& row, Verb verb, RestLibrary library) {
  if (library == RestLibrary::kBeast && row.beast && !Streams(verb))
    return Writes(verb) ? row.beast->writes : row.beast->reads;
  if (const auto found = row.but.find(verb); found != row.but.end()) return found->second;
  return Streams(verb) ? row.streams : Writes(verb) ? row.writes : row.reads;
}

constexpr int kNameWidth = 32, kCellWidth = 27;

// Pads by characters, not by bytes.
std::string Padded(std::string_view text, int width) {
  const auto characters =
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return std::string(text) +
         std::string(static_cast<std::size_t>(std::max<long>(0, width - characters)), ' ');
}

void PrintRow(std::string_view name, const std::vector<std::string>& cells) {
  std::string line = "| " + Padded(name, kNameWidth);
  for (const std::string& cell : cells) line += "| " + Padded(cell, kCellWidth);
  std::printf("%s|\n", line.c_str());
}

// The verbs of a row run side by side: each has its own server and its own transport.
std::vector<Outcome> RunRow(const Row& row, RestLibrary library) {
  std::vector<std::future<Outcome>> running;
  for (const Verb verb : kVerbs) {
    running.push_back(std::async(std::launch::async, [&row, verb, library] {
      return RunCell(row.misbehaviour, verb, library);
    }));
  }
  std::vector<Outcome> outcomes;
  for (std::future<Outcome>& cell : running) outcomes.push_back(cell.get());
  return outcomes;
}

class TransportContract : public testing::TestWithParam<RestLibrary> {};

TEST_P(TransportContract, EveryVerbTellsItsCallerWhatReallyHappened) {
  std::vector<std::string> header;
  for (const Verb verb : kVerbs) header.emplace_back(Name(verb));
  PrintRow("the server: ", header);
  for (const Row& row : Rows()) {
    const Misbehaviour& misbehaviour = row.misbehaviour;
    std::vector<std::string> cells;
    for (const Outcome& outcome : RunRow(row, GetParam())) {
      const Verb verb = kVerbs[cells.size()];
      EXPECT_EQ(outcome.text, Expected(row, verb, GetParam()))
          << misbehaviour.name << ", " << Name(verb) << ": " << outcome.detail;
      EXPECT_FALSE(outcome.text.empty());
      // Nobody waits much longer than the deadline, whatever the server does.
      EXPECT_LT(outcome.took, misbehaviour.deadline + std::chrono::seconds(4))
          << misbehaviour.name << Name(verb);
      cells.push_back(outcome.text);
    }
    PrintRow(misbehaviour.name, cells);
  }
}

INSTANTIATE_TEST_SUITE_P(Over, TransportContract,
                         testing::Values(RestLibrary::kCpprest, RestLibrary::kBeast),
                         [](const auto& one) {
                           return one.param == RestLibrary::kBeast ? "Beast" : "Cpprest";
                         });

}  // namespace
}  // namespace chaos::contract
