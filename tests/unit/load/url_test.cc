// What is a URL that can be probed, and where an answer may lead us.
#include "injectors/load/url.h"

#include <gtest/gtest.h>

namespace chaos::load {
namespace {

TEST(Url, IsTakenApart) {
  struct Row {
    std::string text, host;
    int port;
    std::string target;
  };
  for (const Row& row :
       {Row{"http://queen:7833/v1/x?a=b", "queen", 7833, "/v1/x?a=b"},
        Row{"http://10.0.0.7", "10.0.0.7", 80, "/"},
        Row{"http://10.0.0.7?q=1", "10.0.0.7", 80, "/?q=1"},
        Row{"http://[fd00::7]:8080/", "fd00::7", 8080, "/"}, Row{"http://[::1]", "::1", 80, "/"},
        Row{"http://a-b.c_d.svc:65535/%20", "a-b.c_d.svc", 65535, "/%20"}}) {
    const Result<Url> url = ParseUrl(row.text);
    ASSERT_TRUE(url) << row.text << ": " << url.error().detail;
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->port, row.port) << row.text;
    EXPECT_EQ(url->target, row.target) << row.text;
    const Result<Url> again = ParseUrl(url->Print());
    ASSERT_TRUE(again) << url->Print();
    EXPECT_EQ(again->Print(), url->Print());
  }
}

TEST(Url, ThatCouldMeanSomethingElseIsRefusedWithTheReason) {
  struct Row {
    std::string text, why;
  };
  for (const Row& row :
       {Row{"", "must begin with http://"}, Row{"https://queen/", "https is not supported"},
        Row{"ftp://queen/", "must begin with http://"}, Row{"http://", "host is missing"},
        Row{"http://:80/", "host is missing"}, Row{"http://queen:0/", "port must be 1 to 65535"},
        Row{"http://queen:65536/", "port must be 1 to 65535"},
        Row{"http://queen:/", "port must be 1 to 65535"},
        Row{"http://queen:80x/", "port must be 1 to 65535"}, Row{"http://me@queen/", "user names"},
        Row{"http://queen/a b", "must be written as %XX"},
        Row{"http://queen/a\r\nX: y", "must be written as %XX"},
        Row{"http://queen/a#b", "#fragment"}, Row{"http://qu een/", "not a name"},
        Row{"http://[::1/", "bracket"}, Row{"http://[queen]/", "not an IPv6 address"},
        Row{"http://[::1]80/", "only :port"},
        Row{"http://queen/" + std::string(2048, 'a'), "longer than 2048"}}) {
    const Result<Url> url = ParseUrl(row.text);
    ASSERT_FALSE(url) << row.text;
    EXPECT_NE(url.error().detail.find(row.why), std::string::npos) << url.error().detail;
    EXPECT_EQ(url.error().detail.find('\r'), std::string::npos);
  }
}

TEST(Url, OfAnAnswerMayNotLeadToAnotherHost) {
  const Url base = *ParseUrl("http://queen:7833/base");
  EXPECT_EQ(Follow(base, "/v1/jobs/1/stream")->Print(), "http://queen:7833/v1/jobs/1/stream");
  EXPECT_EQ(Follow(base, "http://queen:7833/x")->Print(), "http://queen:7833/x");
  for (const char* away : {"http://other:7833/x", "http://queen:1/x", "//other/x", "x", ""}) {
    EXPECT_FALSE(Follow(base, away)) << away;
  }
  const Result<Url> away = Follow(base, "http://other:7833/x");
  ASSERT_FALSE(away);
  EXPECT_NE(away.error().detail.find("leads away from queen:7833"), std::string::npos);
}

}  // namespace
}  // namespace chaos::load
