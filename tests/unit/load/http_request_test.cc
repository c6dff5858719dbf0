// Every request is parsed whole, byte by byte, and split once at each place: the outcome must be
// the same.
#include "injectors/load/http_request.h"

#include <gtest/gtest.h>

#include <vector>

namespace chaos::load {
namespace {

std::string Parse(const std::vector<std::string_view>& pieces) {
  RequestParser parser({.head = 200, .chunk_line = 16});
  std::string body;
  bool all_used = true;
  for (const std::string_view piece : pieces) {
    if (parser.Feed(piece, body) != piece.size()) all_used = false;
  }
  if (parser.failed()) return "failed: " + parser.error();
  return parser.method() + " " + parser.path() + " [" + body + "]" +
         (parser.done() ? "" : " unfinished") + (all_used ? "" : " with a rest") +
         (parser.keep_alive() ? "" : " close") + (parser.expects_continue() ? " expects" : "") +
         (parser.user_agent().empty() ? "" : " by " + parser.user_agent());
}

std::string ParseAnyHow(const std::string& text) {
  const std::string_view all = text;
  const std::string whole = Parse({all});
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(Parse({all.substr(0, i), all.substr(i)}), whole) << "split at " << i;
    bytes.push_back(all.substr(i, 1));
  }
  EXPECT_EQ(Parse(bytes), whole) << "byte by byte: " << text;
  return whole;
}

TEST(HttpRequest, IsTheSameHoweverItIsSplit) {
  EXPECT_EQ(ParseAnyHow("GET /a/b?c=d%20e HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\n\r\n"),
            "GET /a/b [] by curl/8");
  EXPECT_EQ(ParseAnyHow("POST / HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"),
            "POST / [hello] close");
  EXPECT_EQ(ParseAnyHow("\r\nPOST / HTTP/1.0\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\n"),
            "POST / [hi] close");
  EXPECT_EQ(ParseAnyHow("PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 9\r\n\r\n"),
            "PUT / [] unfinished expects");
  EXPECT_EQ(ParseAnyHow("GET / HTTP/1.1\r\n\r\nGET "), "GET / [] with a rest");
}

TEST(HttpRequest, ThatIsNoneFails) {
  for (const char* text :
       {"PRI * HTTP/2.0\r\n\r\n", "GET /\r\n", "GET  HTTP/1.1\r\n", "G(T / HTTP/1.1\r\n",
        " / HTTP/1.1\r\n", "GET / HTTP/1.2\r\n", "HTTP/1.1 200 OK\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
    EXPECT_TRUE(ParseAnyHow(text).starts_with("failed: ")) << text;
  }
  EXPECT_EQ(ParseAnyHow("GET / HTTP/1.1\r\nA: " + std::string(200, 'a')),
            "failed: a head that is too long");
}

}  // namespace
}  // namespace chaos::load
