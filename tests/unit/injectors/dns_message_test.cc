// What a DNS server may send us: the addresses of the name that was asked for, or nothing.
#include "injectors/dns_message.h"

#include <gtest/gtest.h>

#include <string>

namespace chaos::inject {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr const char* kName = "rbc-0123456789-peers.rbee.svc.cluster.local";

// An answer to the question: its own words, then records as they are given.
Bytes Answer(const Bytes& question, int records, const Bytes& rest, std::uint8_t flags_high = 0x85,
             std::uint8_t code = 0) {
  Bytes answer(question.begin(), question.end() - 11);
  answer[2] = flags_high;
  answer[3] = code;
  answer[7] = static_cast<std::uint8_t>(records);
  answer[11] = 0;
  answer.insert(answer.end(), rest.begin(), rest.end());
  return answer;
}

Bytes Record(std::uint8_t type, const Bytes& data, const Bytes& name = {0xc0, 12}) {
  Bytes record = name;
  record.insert(record.end(),
                {0, type, 0, 1, 0, 0, 0, 5, 0, static_cast<std::uint8_t>(data.size())});
  record.insert(record.end(), data.begin(), data.end());
  return record;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::string Read(const Bytes& message, const Bytes& question) {
  const std::optional<DnsAnswer> answer = ReadDnsAnswer(message, question);
  if (!answer) return "nothing";
  std::string text = std::to_string(answer->code) + (answer->cut_short ? " cut short:" : ":");
  for (const Address& address : answer->addresses) text += " " + Print(address);
  return text;
}

TEST(DnsQuestion, IsWhatTheStandardSays) {
  const Bytes expected = {0x12, 0x34, 1, 0, 0, 1, 0, 0,  0,    0, 0, 1, 1, 'a', 2, 'b', 'c',
                          0,    0,    1, 0, 1, 0, 0, 41, 0x10, 0, 0, 0, 0, 0,   0, 0};
  EXPECT_EQ(DnsQuestion(0x1234, "a.bc", /*v6=*/false), expected);
  EXPECT_EQ(DnsQuestion(0x1234, "a.bc.", /*v6=*/false), expected);
  EXPECT_EQ(DnsQuestion(0x1234, "a.bc", /*v6=*/true)[19], 28);
  for (const std::string& name : {std::string(), std::string("a..b"), std::string(64, 'x'),
                                  std::string(".a"), std::string(250, 'a') + ".bcd"})
    EXPECT_TRUE(DnsQuestion(1, name, false).empty()) << name;
}

TEST(DnsAnswer, HoldsTheAddressesOfTheFamilyThatWasAskedFor) {
  const Bytes four = DnsQuestion(7, kName, false), six = DnsQuestion(8, kName, true);
  const Bytes v6 = {0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
  const Bytes records = Record(1, {10, 9, 0, 2}) + Record(28, v6) +
                        Record(1, {10, 9, 0, 4}, {3, 'w', 'w', 'w', 0}) + Record(5, {0xc0, 12}) +
                        Record(1, {1, 2, 3});
  EXPECT_EQ(Read(Answer(four, 5, records), four), "0: 10.9.0.2 10.9.0.4");
  EXPECT_EQ(Read(Answer(six, 5, records), six), "0: fd09::2");
  EXPECT_EQ(Read(Answer(four, 0, {}), four), "0:");
  EXPECT_EQ(Read(Answer(four, 0, {}, 0x85, 3), four), "3:");
  EXPECT_EQ(Read(Answer(four, 9, Record(1, {10, 9, 0, 2}), 0x87), four), "0 cut short: 10.9.0.2");
}

TEST(DnsAnswer, ToAnotherQuestionIsNone) {
  const Bytes question = DnsQuestion(7, kName, false);
  const Bytes record = Record(1, {10, 9, 0, 2});
  EXPECT_EQ(Read(Answer(question, 1, record), question), "0: 10.9.0.2");
  EXPECT_EQ(Read(Answer(DnsQuestion(9, kName, false), 1, record), question), "nothing");
  EXPECT_EQ(Read(Answer(DnsQuestion(7, kName, true), 1, record), question), "nothing");
  EXPECT_EQ(Read(Answer(DnsQuestion(7, "x" + std::string(kName), false), 1, record), question),
            "nothing");
  EXPECT_EQ(Read(Answer(question, 1, record, 0x05), question), "nothing") << "a question itself";
  // An id differs in a bit that makes letters large.
  EXPECT_EQ(
      Read(Answer(DnsQuestion(0x4100, kName, false), 1, record), DnsQuestion(0x6100, kName, false)),
      "nothing");
  EXPECT_EQ(
      Read(Answer(DnsQuestion(7, "RBC-0123456789-peers.rbee.SVC.cluster.local", false), 1, record),
           question),
      "0: 10.9.0.2")
      << "names have no case";
}

TEST(DnsAnswer, ThatEndsAnywhereIsNone) {
  const Bytes question = DnsQuestion(7, kName, false);
  const Bytes whole = Answer(question, 2, Record(1, {10, 9, 0, 2}) + Record(1, {10, 9, 0, 3}));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(
        Read(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), question),
        "nothing")
        << length;
  EXPECT_EQ(Read(whole, {}), "nothing");
}

}  // namespace
}  // namespace chaos::inject
