// Arguments of faults on requests: they round-trip byte for byte, and bad ones are refused with the
// field's name.
#include "injectors/protocol/requests.h"

#include <gtest/gtest.h>

namespace chaos::protocol {
namespace {

std::string Read(const std::string& text, Http& http) {
  const Result<Json> json = ParseJson(text);
  EXPECT_TRUE(json) << text;
  return ReadHttp(*json, http);
}

TEST(HttpArguments, RoundTripByteForByte) {
  for (
      const std::string text :
      {R"({"delay":{"jitter":"0s","latency":"500ms"},"match":{"ports":[8080],"share":100},"seed":0})",
       R"({"abort":503,"match":{"kubeletProbes":true,"method":"POST","path":"/v1/*","ports":[80,8080],"share":30},"seed":281474976710655})",
       R"({"abort":429,"delay":{"jitter":"20ms","latency":"1s500ms"},"match":{"ports":[1],"share":1},"seed":7})"}) {
    Http http;
    EXPECT_EQ(Read(text, http), "");
    EXPECT_EQ(PrintJson(ToJson(http)), text);
  }
}

TEST(HttpArguments, BadOnesAreRefusedWithTheFieldThatIsWrong) {
  const std::string match = R"("match":{"ports":[80],"share":100})";
  const struct {
    std::string text, says;
  } rows[] = {
      {R"({"abort":503})", "http.match must be present"},
      {"{" + match + "}", "http must be given a delay or an abort"},
      {R"({"abort":200,)" + match + "}", "http.abort must be a status from 400 to 599"},
      {R"({"abort":503,"match":{"share":100}})",
       "http.match.ports must be the ports on which the target serves"},
      {R"({"abort":503,"match":{"ports":[0],"share":100}})",
       "http.match.ports must be from 1 to 65535"},
      {R"({"abort":503,"match":{"ports":[80]}})", "http.match.share must be present"},
      {R"({"abort":503,"match":{"ports":[80],"share":0}})",
       "http.match.share must be from 1 to 100 percent"},
      {R"({"abort":503,"match":{"ports":[80],"share":5,"kubeletProbes":1}})",
       "http.match.kubeletProbes must be true or false"},
      {R"({"abort":503,"match":{"ports":[80],"share":5,"host":"a"}})",
       "http.match has an unknown field \"host\""},
      {R"({"abort":503,"match":{"ports":[80],"share":5,"method":"AAAAAAAAAAAAAAAAA"}})",
       "http.match.method must be at most 16 bytes"},
      {R"({"delay":{"jitter":"1s"},)" + match + "}", "http.delay.latency must be present"},
      {R"({"delay":{"latency":"11m"},)" + match + "}", "http.delay.latency must be from 0s to 10m"},
      {R"({"delay":{"latency":"1s","jitter":"2s"},)" + match + "}",
       "http.delay.jitter must be at most the latency"},
      {R"({"abort":503,"speed":1,)" + match + "}", "http has an unknown field \"speed\""},
  };
  for (const auto& row : rows) {
    Http http;
    EXPECT_EQ(Read(row.text, http), row.says) << row.text;
  }
}

std::string ReadOf(const std::string& text, Stream& stream) {
  const Result<Json> json = ParseJson(text);
  EXPECT_TRUE(json) << text;
  return ReadStream(*json, stream);
}

TEST(StreamArguments, RoundTripByteForByte) {
  const std::string rest = R"("match":{"ports":[8080],"share":100},)";
  for (
      const std::string& text :
      {R"({"firstTokenDelay":{"jitter":"0s","latency":"2s"},)" + rest + R"("seed":0})",
       R"({"cancelAfter":0,)" + rest + R"("seed":0})",
       R"({"errorAfter":3,"errorData":"{}",)" + rest + R"("seed":0})",
       R"({"end":"Reset",)" + rest + R"("seed":0,"truncateAfter":5})",
       R"({"corrupt":5,"corruption":"BadUtf8","drop":3,"dropDone":true,"duplicate":4,)" + rest +
           R"("reorder":100,"seed":9,"stallAfter":7,"tokenDelay":{"jitter":"1ms","latency":"50ms"}})"}) {
    Stream stream;
    EXPECT_EQ(ReadOf(text, stream), "");
    EXPECT_EQ(PrintJson(ToJson(stream)), text);
  }
}

TEST(StreamArguments, BadOnesAreRefusedWithTheFieldThatIsWrong) {
  const std::string match = R"(,"match":{"ports":[80],"share":100}})";
  const struct {
    std::string text, says;
  } rows[] = {
      {R"({"stallAfter":1})", "stream.match must be present"},
      {R"({"seed":1)" + match, "stream must be given something to do"},
      {R"({"stallAfter":1,"cancelAfter":1)" + match, "stream must be given one end at most"},
      {R"({"stallAfter":-1)" + match, "stream.stallAfter must be from 0 to 1000000"},
      {R"({"truncateAfter":1)" + match, "stream.end must be present"},
      {R"({"truncateAfter":1,"end":"Slow")" + match, "stream.end must be a known word"},
      {R"({"stallAfter":1,"end":"Fin")" + match, "stream has an unknown field \"end\""},
      {R"({"errorAfter":1)" + match, "stream.errorData must be present"},
      {R"({"errorAfter":1,"errorData":"a\nb")" + match,
       "stream.errorData must be one line of at most 1024 bytes"},
      {R"({"corrupt":1)" + match, "stream.corruption must be present"},
      {R"({"drop":0)" + match, "stream.drop must be from 1 to 100 percent"},
      {R"({"dropDone":"yes")" + match, "stream.dropDone must be true or false"},
      {R"({"tokenDelay":{"latency":"1s","jitter":"2s"})" + match,
       "stream.tokenDelay.jitter must be at most the latency"},
  };
  for (const auto& row : rows) {
    Stream stream;
    EXPECT_EQ(ReadOf(row.text, stream), row.says) << row.text;
  }
}

}  // namespace
}  // namespace chaos::protocol
