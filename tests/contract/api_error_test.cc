// Every answer that is not 2xx becomes the one reason that tells the caller what to do next.
#include "operator/kube/api_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chaos::kube {
namespace {

using testing::HasSubstr;

std::string Status(int code, std::string_view reason, std::string_view more = "") {
  return R"({"kind":"Status","status":"Failure","message":"as the server says","reason":")" +
         std::string(reason) + R"(","code":)" + std::to_string(code) + std::string(more) + "}";
}

TEST(ErrorFromResponse, TurnsEveryStatusIntoWhatToDoNext) {
  const std::pair<int, Reason> kRows[] = {
      {302, Reason::kInvalid},        {400, Reason::kInvalid},
      {401, Reason::kDenied},         {403, Reason::kDenied},
      {404, Reason::kNotFound},       {405, Reason::kInvalid},
      {408, Reason::kUnknownOutcome}, {409, Reason::kConflict},
      {410, Reason::kGone},           {413, Reason::kInvalid},
      {415, Reason::kInvalid},        {422, Reason::kInvalid},
      {429, Reason::kThrottled},      {500, Reason::kUnknownOutcome},
      {502, Reason::kUnknownOutcome}, {503, Reason::kUnavailable},
      {504, Reason::kUnknownOutcome},
  };
  for (const auto& [code, reason] : kRows) {
    const Error error = ErrorFromResponse({code, Status(code, ""), {}});
    EXPECT_EQ(error.reason, reason) << code;
    EXPECT_EQ(error.http_status, code);
    EXPECT_EQ(error.detail, "as the server says");
  }
}

TEST(ErrorFromResponse, ListsAgainWhenTheVersionWasNeverReached) {
  const std::string body =
      Status(504, "Timeout", R"(,"details":{"causes":[{"reason":"ResourceVersionTooLarge"}]})");
  EXPECT_EQ(ErrorFromResponse({504, body, {}}).reason, Reason::kGone);
}

TEST(ErrorFromResponse, TakesTheLongerOfBothWaysToAskForPatience) {
  const std::string body = Status(429, "TooManyRequests", R"(,"details":{"retryAfterSeconds":3})");
  EXPECT_EQ(ErrorFromResponse({429, body, {}}).retry_after, std::chrono::seconds(3));
  EXPECT_EQ(ErrorFromResponse({429, body, std::chrono::seconds(7)}).retry_after,
            std::chrono::seconds(7));
  const std::string absurd =
      Status(429, "", R"(,"details":{"retryAfterSeconds":9223372036854775807})");
  EXPECT_EQ(ErrorFromResponse({429, absurd, {}}).retry_after, std::chrono::hours(24));
  const std::string negative = Status(429, "", R"(,"details":{"retryAfterSeconds":-5})");
  EXPECT_EQ(ErrorFromResponse({429, negative, {}}).retry_after, std::chrono::seconds(0));
}

TEST(ErrorFromResponse, QuotesABodyThatIsNoStatus) {
  const Error error = ErrorFromResponse({502, "<html>\nBad gateway" + std::string(1000, '.'), {}});
  EXPECT_THAT(error.detail, HasSubstr("the server answered HTTP 502: <html> Bad gateway"));
  EXPECT_LT(error.detail.size(), 300u);
  EXPECT_EQ(ErrorFromResponse({404, "", {}}).detail, "the server answered HTTP 404");
  for (const char* odd : {"[]", "7", "null", R"({"message":7,"details":[],"code":"x"})"}) {
    EXPECT_EQ(ErrorFromResponse({409, odd, {}}).reason, Reason::kConflict) << odd;
  }
}

TEST(ErrorFromResponse, TellsARefusalByPolicyFromAMistakeOfOurs) {
  constexpr const char* kText =
      "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'fence' with binding 'fence' denied "
      "request: not ours";
  for (const int code : {403, 422}) {
    const std::string body = R"({"message":")" +
                             std::string(
                                 "pods is forbidden: ValidatingAdmissionPolicy 'fence' "
                                 "with binding 'fence' denied request: not ours") +
                             R"(","reason":"Invalid"})";
    const Error error = ErrorFromResponse({code, body, {}});
    EXPECT_EQ(error.reason, Reason::kDenied) << code;
    EXPECT_TRUE(RefusedByPolicy(error));
  }
  EXPECT_TRUE(RefusedByPolicy(Error{Reason::kDenied, kText, {}, 403}));
  EXPECT_FALSE(
      RefusedByPolicy(Error{Reason::kDenied, "pods is forbidden: User \"x\" cannot get", {}, 403}));
}

TEST(ErrorFromStatusText, ReadsTheErrorEventsOfAWatch) {
  EXPECT_EQ(ErrorFromStatusText(Status(410, "Expired")).reason, Reason::kGone);
  EXPECT_EQ(ErrorFromStatusText(R"({"reason":"Gone"})").reason, Reason::kGone);
  EXPECT_EQ(ErrorFromStatusText(Status(429, "TooManyRequests")).reason, Reason::kThrottled);
  // A watch changes nothing: what would be unknown for a write is simply to be tried again.
  EXPECT_EQ(ErrorFromStatusText(Status(500, "InternalError")).reason, Reason::kUnavailable);
  EXPECT_EQ(ErrorFromStatusText("{}").reason, Reason::kUnavailable);
  EXPECT_EQ(ErrorFromStatusText("half a li").reason, Reason::kUnavailable);
}

}  // namespace
}  // namespace chaos::kube
