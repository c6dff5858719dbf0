// Tokens and CAs are replaced under a running operator: it follows, and never falls back to
// nothing.
#include "operator/kube/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/contract/certificates.h"
#include "tests/contract/scratch.h"

namespace chaos::kube {
namespace {

using contract::Authority;
using contract::Identity;
using contract::Scratch;
using testing::HasSubstr;

class HandClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(seconds(1'700'000'000)); }
  nanoseconds SinceBoot() const override { return since_boot; }
  nanoseconds since_boot{seconds(1000)};
};

const Authority& Ca() {
  static const Authority ca("ours");
  return ca;
}

class CredentialsTest : public testing::Test {
 protected:
  Config FromFiles() {
    Config config;
    config.host = config.server_name = "127.0.0.1";
    config.ca.file = scratch_.File("ca.crt");
    config.token.file = scratch_.File("token");
    config.origin = "the test";
    scratch_.Write("ca.crt", Ca().certificate());
    scratch_.Write("token", "first\n");
    return config;
  }

  std::unique_ptr<Credentials> Make(Config config) {
    auto made = Credentials::Make(std::move(config), clock_);
    if (!made) ADD_FAILURE() << made.error().detail;
    return made ? std::move(*made) : nullptr;
  }

  Scratch scratch_;
  HandClock clock_;
};

TEST_F(CredentialsTest, ReadTheTokenAgainAfterAMinute) {
  const auto credentials = Make(FromFiles());
  EXPECT_EQ(credentials->Token(), "first");
  scratch_.Write("token", "second");
  clock_.since_boot += seconds(59);
  EXPECT_EQ(credentials->Token(), "first");
  clock_.since_boot += seconds(1);
  EXPECT_EQ(credentials->Token(), "second");
}

TEST_F(CredentialsTest, KeepTheLastTokenWhenTheFileIsGoneEmptyOrWrong) {
  const auto credentials = Make(FromFiles());
  scratch_.Remove("token");
  clock_.since_boot += seconds(60);
  EXPECT_EQ(credentials->Token(), "first");
  for (const char* text : {"", "\n", "two words", "line\nInjected: header"}) {
    scratch_.Write("token", text);
    clock_.since_boot += seconds(60);
    EXPECT_EQ(credentials->Token(), "first") << text;
  }
}

TEST_F(CredentialsTest, AreWorthASecondTryOnlyWithAnotherToken) {
  const auto credentials = Make(FromFiles());
  EXPECT_FALSE(credentials->Renew("first"));
  scratch_.Write("token", "second");
  EXPECT_TRUE(credentials->Renew("first"));
  EXPECT_EQ(credentials->Token(), "second");
  // Somebody else renewed meanwhile.
  EXPECT_TRUE(credentials->Renew("first"));
}

TEST_F(CredentialsTest, FollowANewCaAndKeepTheOldOneWhileTheNewOneIsNotWhole) {
  const auto credentials = Make(FromFiles());
  const auto first = credentials->Tls();
  EXPECT_EQ(credentials->Tls(), first);
  scratch_.Write("ca.crt", Ca().certificate().substr(0, 100));
  EXPECT_EQ(credentials->Tls(), first);
  scratch_.Remove("ca.crt");
  EXPECT_EQ(credentials->Tls(), first);
  scratch_.Write("ca.crt", Authority("another").certificate());
  const auto second = credentials->Tls();
  EXPECT_NE(second, first);
  EXPECT_EQ(credentials->Tls(), second);
}

TEST_F(CredentialsTest, FollowANewClientCertificateOnlyWithItsKey) {
  const Identity one = Ca().Issue("one", "", true), two = Ca().Issue("two", "", true);
  Config config = FromFiles();
  config.client_certificate.file = scratch_.File("tls.crt");
  config.client_key.file = scratch_.File("tls.key");
  scratch_.Write("tls.crt", one.certificate);
  scratch_.Write("tls.key", one.key);
  const auto credentials = Make(config);
  const auto first = credentials->Tls();
  scratch_.Write("tls.crt", two.certificate);
  EXPECT_EQ(credentials->Tls(), first) << "the key is still the old one";
  scratch_.Write("tls.key", two.key);
  EXPECT_NE(credentials->Tls(), first);
}

TEST_F(CredentialsTest, SayWhichTextIsWrong) {
  const Identity one = Ca().Issue("one", "", true), two = Ca().Issue("two", "", true);
  struct Row {
    const char* sentence;
    std::function<void(Config&)> spoil;
  };
  const Row kRows[] = {
      {"the certificate authority holds no PEM certificate",
       [](Config& c) {
         c.ca = {"not PEM", ""};
       }},
      {"the client certificate holds no PEM certificate",
       [&](Config& c) { c.client_certificate.data = "x", c.client_key.data = one.key; }},
      {"the client key holds no PEM private key",
       [&](Config& c) { c.client_certificate.data = one.certificate, c.client_key.data = "x"; }},
      {"the client key does not belong to the client certificate",
       [&](Config& c) {
         c.client_certificate.data = one.certificate, c.client_key.data = two.key;
       }},
      {"gone cannot be read", [](Config& c) { c.token.file = "/gone"; }},
      {"the token is empty",
       [](Config& c) {
         c.token = {"\n", ""};
       }},
      {"the token holds a character that no token has",
       [](Config& c) {
         c.token = {"a\r\nb", ""};
       }},
  };
  for (const Row& row : kRows) {
    Config config = FromFiles();
    row.spoil(config);
    const auto made = Credentials::Make(config, clock_);
    ASSERT_FALSE(made) << row.sentence;
    EXPECT_THAT(made.error().detail, HasSubstr("the test: "));
    EXPECT_THAT(made.error().detail, HasSubstr(row.sentence));
  }
}

}  // namespace
}  // namespace chaos::kube
