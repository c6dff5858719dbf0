// Every stream is parsed whole, byte by byte, and split once at each place: the events must be the
// same.
#include "injectors/load/sse.h"

#include <gtest/gtest.h>

#include <vector>

namespace chaos::load {
namespace {

std::string Parse(const std::vector<std::string_view>& pieces, bool finish, SseLimits limits = {}) {
  SseParser parser(limits);
  std::string seen;
  const auto sink = [&](std::string_view name, std::string_view data) {
    seen += "{" + std::string(name) + "|" + std::string(data) + "}";
  };
  for (const std::string_view piece : pieces) {
    if (!parser.Feed(piece, sink)) break;
  }
  if (finish) parser.Finish(sink);
  return seen + (parser.failed() ? " failed" : "");
}

std::string ParseAnyHow(const std::string& text, bool finish = false, SseLimits limits = {}) {
  const std::string_view all = text;
  const std::string whole = Parse({all}, finish, limits);
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(Parse({all.substr(0, i), all.substr(i)}, finish, limits), whole)
        << "split at " << i << " of " << text;
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
  EXPECT_EQ(Parse(bytes, finish, limits), whole) << "byte by byte: " << text;
  return whole;
}

TEST(Sse, EventsAreTheSameHoweverTheStreamIsSplit) {
  EXPECT_EQ(ParseAnyHow("data: a\n\ndata: b\n\n"), "{|a}{|b}");
  EXPECT_EQ(ParseAnyHow("event: heartbeat\ndata: {\"x\":1}\n\ndata: plain\n\n"),
            "{heartbeat|{\"x\":1}}{|plain}");
}

TEST(Sse, LinesEndInLfCrOrCrlf) {
  EXPECT_EQ(ParseAnyHow("data: a\r\n\r\ndata: b\r\n\r\n"), "{|a}{|b}");
  EXPECT_EQ(ParseAnyHow("data: a\r\rdata: b\r\r"), "{|a}{|b}");
  EXPECT_EQ(ParseAnyHow("data: a\r\ndata: b\r\n\r\n"), "{|a\nb}");  // one end of line, not two
  EXPECT_EQ(ParseAnyHow("data: a\rdata: b\r\r"), "{|a\nb}");
  EXPECT_EQ(ParseAnyHow("data: a\r\n\ndata: b\n\r\n"), "{|a}{|b}");
  EXPECT_EQ(ParseAnyHow("data: a\r\rdata: b\n\n"), "{|a}{|b}");
}

TEST(Sse, AnEventIsThereAtItsCarriageReturnAlready) {
  EXPECT_EQ(Parse({"data: a\r\n\r"}, false), "{|a}");
}

TEST(Sse, SeveralDataLinesAreOneEvent) {
  EXPECT_EQ(ParseAnyHow("data: a\ndata:\ndata:b\n\n"), "{|a\n\nb}");
  EXPECT_EQ(ParseAnyHow("data\n\n"), "{|}");
  EXPECT_EQ(ParseAnyHow("data:  two spaces\n\n"), "{| two spaces}");
}

TEST(Sse, CommentsUnknownFieldsAndEmptyEventsAreNothing) {
  EXPECT_EQ(ParseAnyHow(": keep-alive\n\nid: 7\nretry: 10\nevent: lost\n\nfoo: bar\ndata: a\n\n"),
            "{|a}");
}

TEST(Sse, AByteOrderMarkIsSkippedOnlyAtTheStart) {
  EXPECT_EQ(ParseAnyHow("\xEF\xBB\xBF"
                        "data: a\n\n"),
            "{|a}");
  EXPECT_EQ(ParseAnyHow("\xEF\xBB"
                        "data: a\n\ndata: b\n\n"),
            "{|b}");  // not one: an unknown field
  EXPECT_EQ(ParseAnyHow("data: a\n\n\xEF\xBB\xBF"
                        "data: b\n\ndata: c\n\n"),
            "{|a}{|c}");
}

TEST(Sse, HalfAnEventIsNoneUnlessTheStreamEndedInOrder) {
  EXPECT_EQ(ParseAnyHow("data: a\n\ndata: [DO"), "{|a}");
  EXPECT_EQ(ParseAnyHow("data: a\n\ndata: [DONE]\n", true), "{|a}{|[DONE]}");
  EXPECT_EQ(ParseAnyHow("data: a\n\ndata: [DONE]", true), "{|a}{|[DONE]}");
  EXPECT_EQ(ParseAnyHow("", true), "");
}

TEST(Sse, LinesAndEventsHaveLimits) {
  const SseLimits limits{.line = 20, .event = 30};
  EXPECT_EQ(
      ParseAnyHow("data: a\n\ndata: " + std::string(15, 'x') + "\n\ndata: c\n\n", false, limits),
      "{|a} failed");
  EXPECT_EQ(ParseAnyHow("data: " + std::string(14, 'x') + "\n\n", false, limits),
            "{|" + std::string(14, 'x') + "}");
  EXPECT_EQ(ParseAnyHow("data: 0123456789abcd\ndata: 0123456789abcd\n\n", false, limits),
            "{|0123456789abcd\n0123456789abcd}");
  EXPECT_EQ(ParseAnyHow("data: 0123456789abcd\ndata: 0123456789abcd\ndata: x\n\n", false, limits),
            " failed");
}

}  // namespace
}  // namespace chaos::load
