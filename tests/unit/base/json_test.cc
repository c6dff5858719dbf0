#include "operator/base/json.h"

#include <gtest/gtest.h>

namespace chaos {
namespace {

TEST(ParseJson, RefusesWhatIsNotJsonAndQuotesItsStart) {
  for (const char* bad : {"", "{", "[1,]", "{'a':1}", "nul", "\xff\xfe"}) {
    const Result<Json> parsed = ParseJson(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().reason, Reason::kInvalid);
  }
  EXPECT_EQ(ParseJson("hello " + std::string(200, 'x')).error().detail,
            "not JSON: hello " + std::string(74, 'x') + "…");
}

TEST(PrintJson, GivesTheSameBytesForTheSameValue) {
  EXPECT_EQ(PrintJson(*ParseJson(R"({ "b": 1, "a": [true, null, "é"] })")),
            R"({"a":[true,null,"é"],"b":1})");
  EXPECT_EQ(PrintJson(Json("bad \xff byte")), "\"bad \xEF\xBF\xBD byte\"") << "never throws";
}

TEST(Find, ReadsWithAFallbackWhateverComes) {
  const Json value = *ParseJson(
      R"({"a":{"text":"x","number":7,"flag":true,"list":["p",1,"q"],"none":null,"big":1.5}})");
  EXPECT_EQ(Text(value, {"a", "text"}), "x");
  EXPECT_EQ(Text(value, {"a", "number"}, "fallback"), "fallback");
  EXPECT_EQ(Text(value, {"a", "text", "deeper"}, "fallback"), "fallback");
  EXPECT_EQ(Integer(value, {"a", "number"}), 7);
  EXPECT_EQ(Integer(value, {"a", "big"}, -1), -1);
  EXPECT_EQ(Integer(value, {"a", "none"}, -1), -1);
  EXPECT_TRUE(Flag(value, {"a", "flag"}));
  EXPECT_TRUE(Flag(value, {"a", "missing"}, true));
  EXPECT_EQ(Texts(value, {"a", "list"}), (std::vector<std::string>{"p", "q"}));
  EXPECT_TRUE(Texts(value, {"a", "text"}).empty());
  EXPECT_EQ(Find(Json::array(), {"a"}), nullptr);
}

}  // namespace
}  // namespace chaos
