// Every response is parsed whole, byte by byte, and split once at each place: the outcome must be
// the same.
#include "injectors/load/http_response.h"

#include <gtest/gtest.h>

#include <vector>

namespace chaos::load {
namespace {

// Everything a caller can see, as text.
std::string Parse(const std::vector<std::string_view>& pieces, ResponseLimits limits = {}) {
  ResponseParser parser(limits);
  std::string body;
  bool all_used = true;
  for (const std::string_view piece : pieces) {
    if (parser.Feed(piece, body) != piece.size()) all_used = false;
  }
  parser.Finish();
  std::string seen =
      std::to_string(parser.status()) + " " + parser.content_type() + " [" + body + "]";
  if (parser.failed()) return seen + " failed: " + parser.error();
  return seen + (all_used ? "" : " with a rest") + (parser.keep_alive() ? " keep-alive" : " close");
}

// The outcome of the whole, after making sure that no split changes it.
std::string ParseAnyHow(const std::string& text, ResponseLimits limits = {}) {
  const std::string_view all = text;
  const std::string whole = Parse({all}, limits);
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_EQ(Parse({all.substr(0, i), all.substr(i)}, limits), whole)
        << "split at " << i << " of " << text;
  }
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
  EXPECT_EQ(Parse(bytes, limits), whole) << "byte by byte: " << text;
  return whole;
}

TEST(HttpResponse, IsTheSameHoweverItIsSplit) {
  EXPECT_EQ(ParseAnyHow("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: Text/Plain; "
                        "charset=x\r\n\r\nhello"),
            "200 text/plain [hello] keep-alive");
  EXPECT_EQ(ParseAnyHow("HTTP/1.1 200 OK\r\ntransfer-encoding: "
                        "Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n"
                        "Trailer: t\r\n\r\n"),
            "200  [abc0123456789] keep-alive");
  EXPECT_EQ(ParseAnyHow("HTTP/1.0 404 Not Found\nServer: old\n\nuntil the end"),
            "404  [until the end] close");
  EXPECT_EQ(ParseAnyHow("HTTP/1.1 204\r\n\r\n"), "204  [] keep-alive");
  EXPECT_EQ(ParseAnyHow("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            "200  [] close");
}

TEST(HttpResponse, InterimAnswersAreSkipped) {
  EXPECT_EQ(
      ParseAnyHow("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
      "200  [x] keep-alive");
}

TEST(HttpResponse, LeavesWhatBelongsToTheNextOne) {
  ResponseParser parser;
  std::string body;
  const std::string one = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  EXPECT_EQ(parser.Feed(one + "HTTP/1.1 500", body), one.size());
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(body, "ok");
}

TEST(HttpResponse, ThatIsBrokenFailsWithTheReason) {
  struct Row {
    std::string text, why;
  };
  for (const Row& row :
       {Row{"", "closed without an answer"}, Row{"HTTP/1.1 200 OK\r\nA: b", "cut off in the head"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "cut off in the body"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "cut off in the body"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "a chunk size that is not a number"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
            "a chunk size that is not a number"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "chunk size that is not"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            "a chunk that is longer than its size"},
        Row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "a transfer coding other than chunked"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "two different Content-Lengths"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "a Content-Length that is not a number"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "Content-Length that is not a number"},
        Row{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "a header line without a name"},
        Row{"HTTP/1.1 101 Switching\r\n\r\n", "an answer that changes the protocol"},
        Row{"HTTP/2 200\r\n\r\n", "not an HTTP/1.1 answer"},
        Row{"HTTP/1.1 2x0 OK\r\n\r\n", "not an HTTP/1.1 answer"},
        Row{"HTTP/1.1 2000\r\n\r\n", "not an HTTP/1.1 answer"},
        Row{"SSH-2.0-OpenSSH\r\n", "not an HTTP/1.1 answer"}}) {
    const std::string outcome = ParseAnyHow(row.text);
    EXPECT_NE(outcome.find("failed: "), std::string::npos) << outcome;
    EXPECT_NE(outcome.find(row.why), std::string::npos) << outcome;
  }
}

TEST(HttpResponse, HasALimitOnWhatIsNotBody) {
  const ResponseLimits limits{.head = 40, .chunk_line = 8};
  EXPECT_NE(ParseAnyHow("HTTP/1.1 200 OK\r\nA: " + std::string(40, 'a') + "\r\n\r\n", limits)
                .find("a head that is too long"),
            std::string::npos);
  EXPECT_NE(ParseAnyHow("HTTP/1.1 100\r\n\r\nHTTP/1.1 100\r\n\r\nHTTP/1.1 100\r\n\r\n", limits)
                .find("too long"),
            std::string::npos);
  const ResponseLimits chunk{.head = 200, .chunk_line = 8};
  EXPECT_NE(ParseAnyHow("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" +
                            std::string(20, 'x') + "\r\na\r\n",
                        chunk)
                .find("a chunk size line without end"),
            std::string::npos);
}

}  // namespace
}  // namespace chaos::load
