#include "operator/kube/informer.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/manual_clock.h"
#include "tests/unit/kube/scripted_transport.h"
#include "tests/unit/kube/thing.h"

namespace chaos::kube {
namespace {

std::string ListBody(const std::vector<Json>& items, const std::string& version) {
  return PrintJson({{"metadata", {{"resourceVersion", version}}}, {"items", items}});
}
std::string EventLine(const std::string& type, const Json& object) {
  return PrintJson({{"type", type}, {"object", object}});
}

struct Noting final : WatchObserver {
  void Heard(std::string_view, TimePoint) override { ++heard; }
  void Restarted(std::string_view kind, std::string_view why, std::string_view) override {
    restarts += std::string(kind) + ":" + std::string(why) + " ";
  }
  void Unreadable(std::string_view, std::string_view object, std::string_view) override {
    unreadable += object;
  }
  int heard = 0;
  std::string restarts;
  std::string unreadable;
};

class InformerTest : public testing::Test {
 protected:
  InformerTest() {
    transport_.answer = [this](const Request&) {
      return Response{list_status_, ListBody(items_, version_), {}};
    };
  }
  milliseconds Step() {
    return informer_.Step([this] { ++wakes_; });
  }
  void Start() {
    Step();
    Step();
    transport_.last().Open();
    Step();
  }
  std::string Take() { return std::exchange(changes_, ""); }
  void Tell(const Informer<Thing>::Pointer& before, const Informer<Thing>::Pointer& after) {
    const auto one = [](const auto& thing) {
      return thing ? thing->meta.key.name + std::to_string(thing->size) : std::string("-");
    };
    changes_ += one(before) + ">" + one(after) + " ";
  }

  ManualClock clock_;
  ScriptedTransport transport_;
  Client client_{transport_};
  Noting noting_;
  std::vector<Json> items_{ThingJson("a", "40", 1)};
  std::string version_ = "41";
  int list_status_ = 200;
  std::string changes_;
  int wakes_ = 0;
  Informer<Thing> informer_{client_,
                            clock_,
                            Random(1),
                            kThings,
                            "shop",
                            "app=x",
                            [this](const auto& before, const auto& after) { Tell(before, after); },
                            &noting_};
};

TEST_F(InformerTest, ListsThenWatchesFromTheListsVersion) {
  Start();
  EXPECT_EQ(Take(), "->a1 ");
  EXPECT_TRUE(informer_.store().Synced());
  ASSERT_EQ(transport_.opened().size(), 1u);
  EXPECT_NE(transport_.opened()[0].target.find("resourceVersion=41"), std::string::npos);
  EXPECT_NE(transport_.sent()[0].target.find("labelSelector=app%3Dx"), std::string::npos);
  EXPECT_GT(Step(), seconds(300)) << "nothing to do until it is woken";
}

TEST_F(InformerTest, TellsEveryChange) {
  Start();
  Take();
  transport_.last().Line(EventLine("ADDED", ThingJson("b", "42", 2)));
  transport_.last().Line(EventLine("MODIFIED", ThingJson("a", "43", 3)));
  transport_.last().Line(EventLine("DELETED", ThingJson("b", "44", 2)));
  EXPECT_EQ(wakes_, 4);
  Step();
  EXPECT_EQ(Take(), "->b2 a1>a3 b2>- ");
  EXPECT_EQ(noting_.heard, 3);
  EXPECT_EQ(informer_.state().In<Streaming>()->last_rv, "44");
}

TEST_F(InformerTest, AfterAnEndItResumesFromTheLastVersionWithoutListing) {
  Start();
  transport_.last().Line(EventLine("MODIFIED", ThingJson("a", "43", 3)));
  transport_.last().Line(EventLine("BOOKMARK", {{"metadata", {{"resourceVersion", "60"}}}}));
  transport_.last().End();
  Step();
  Step();
  ASSERT_EQ(transport_.opened().size(), 2u);
  EXPECT_NE(transport_.opened()[1].target.find("resourceVersion=60"), std::string::npos);
  EXPECT_EQ(transport_.sent().size(), 1u);
  EXPECT_EQ(noting_.restarts, "Thing:ended ");
}

TEST_F(InformerTest, AfterAnExpiryItListsTheNewestAtOnceAndTellsWhatWasMissed) {
  Start();
  Take();
  items_ = {ThingJson("c", "70", 7)};
  version_ = "71";
  Script& stream = transport_.last();
  stream.Line(EventLine("ERROR", {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}}));
  EXPECT_EQ(Step(), milliseconds(0));
  Step();
  EXPECT_EQ(Take(), "a1>- ->c7 ");
  EXPECT_EQ(transport_.sent().back().target.find("resourceVersion"), std::string::npos);
  EXPECT_EQ(noting_.restarts, "Thing:expired ");
}

TEST_F(InformerTest, AServerThatIsDownIsAskedAgainOnlyAfterAPause) {
  list_status_ = 503;
  EXPECT_EQ(Step(), milliseconds(0));
  const milliseconds pause = Step();
  EXPECT_GE(pause, milliseconds(800));
  EXPECT_LT(pause, milliseconds(1601));
  EXPECT_EQ(transport_.sent().size(), 1u);
  EXPECT_FALSE(informer_.store().Synced());
  list_status_ = 200;
  clock_.Advance(pause);
  Step();
  EXPECT_TRUE(informer_.store().Synced());
}

TEST_F(InformerTest, ASilentWatchIsGivenUpFiveSecondsAfterItsTimeout) {
  Start();
  const milliseconds left = Step();
  EXPECT_GE(left, seconds(305));
  EXPECT_LE(left, seconds(605));
  clock_.Advance(left - milliseconds(1));
  Step();
  EXPECT_EQ(noting_.restarts, "");
  clock_.Advance(milliseconds(1));
  Step();
  EXPECT_EQ(noting_.restarts, "Thing:connection ");
}

TEST_F(InformerTest, AWatchThatIsNeverAnsweredIsGivenUpAfterThirtySeconds) {
  Step();
  EXPECT_EQ(Step(), seconds(30));
  clock_.Advance(seconds(30));
  Step();
  EXPECT_EQ(noting_.restarts, "Thing:connection ");
}

TEST_F(InformerTest, WhatCannotBeReadIsReportedAndLeftOut) {
  items_.push_back({{"metadata", {{"namespace", "shop"}, {"name", "odd"}}}, {"size", "big"}});
  Start();
  EXPECT_EQ(Take(), "->a1 ");
  EXPECT_EQ(noting_.unreadable, "shop/odd");
  Json broken = ThingJson("a", "43", 3);
  broken["size"] = nullptr;
  transport_.last().Line(EventLine("MODIFIED", broken));
  Step();
  EXPECT_EQ(Take(), "a1>- ") << "better not seen than seen as it was";
  EXPECT_TRUE(informer_.state().In<Streaming>()) << "the watch goes on";
}

TEST_F(InformerTest, ACutLineReopensFromTheLastWholeOne) {
  Start();
  transport_.last().Line(EventLine("MODIFIED", ThingJson("a", "43", 3)));
  transport_.last().Line(R"({"type":"MODIFIED","object":{"metad)");
  Step();
  EXPECT_EQ(informer_.state().In<Resuming>()->from_rv, "43");
}

TEST_F(InformerTest, AnOlderEventDoesNotHideWhatWeWrote) {
  Start();
  Take();
  informer_.store().Wrote(MakeThing("a", "50", 9));
  transport_.last().Line(EventLine("MODIFIED", ThingJson("a", "45", 4)));
  Step();
  EXPECT_EQ(Take(), "");
  EXPECT_EQ(informer_.store().Get({"shop", "a"})->size, 9);
  transport_.last().Line(EventLine("MODIFIED", ThingJson("a", "50", 9)));
  Step();
  EXPECT_EQ(Take(), "a9>a9 ") << "the echo is told, so that whoever waits for it goes on";
}

TEST_F(InformerTest, AFloodIsReadInTurns) {
  Start();
  Take();
  for (int i = 0; i < 300; ++i)
    transport_.last().Line(EventLine("MODIFIED", ThingJson("a", std::to_string(100 + i), i)));
  EXPECT_EQ(Step(), milliseconds(0));
  EXPECT_LT(informer_.store().Get({"shop", "a"})->size, 299);
  Step();
  EXPECT_EQ(informer_.store().Get({"shop", "a"})->size, 299);
}

}  // namespace
}  // namespace chaos::kube
