#include "operator/kube/store.h"

#include <gtest/gtest.h>

#include "tests/unit/kube/thing.h"

namespace chaos::kube {
namespace {

const Key kA{"shop", "a"};

std::string Print(const Store<Thing>& store) {
  std::string text;
  for (const auto& thing : store.List()) {
    text += (text.empty() ? "" : " ") + thing->meta.key.name + "=" + std::to_string(thing->size);
  }
  return text;
}

std::string Print(const Store<Thing>::Change& change) {
  const auto one = [](const auto& thing) {
    return thing ? thing->meta.key.name + "=" + std::to_string(thing->size) : std::string("-");
  };
  return one(change.before) + ">" + one(change.after);
}

TEST(Store, IsSyncedOnlyAfterAFullList) {
  Store<Thing> store;
  EXPECT_FALSE(store.Synced());
  store.Wrote(MakeThing("a", "5", 1));
  EXPECT_FALSE(store.Synced());
  store.Replace({}, "4");
  EXPECT_TRUE(store.Synced());
}

TEST(Store, ARelistIsOneStepInWhichTheDeletedDisappear) {
  Store<Thing> store;
  store.Replace({MakeThing("b", "2", 2), MakeThing("a", "1", 1), MakeThing("c", "3", 3)}, "9");
  EXPECT_EQ(Print(store), "a=1 b=2 c=3");
  const auto changes = store.Replace(
      {MakeThing("c", "11", 33), MakeThing("a", "1", 1), MakeThing("d", "10", 4)}, "12");
  EXPECT_EQ(Print(store), "a=1 c=33 d=4");
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(Print(changes[0]), "b=2>-");
  EXPECT_EQ(Print(changes[1]), "c=3>c=33");
  EXPECT_EQ(Print(changes[2]), "->d=4");
}

TEST(Store, ListsOneNamespaceOrAll) {
  Store<Thing> store;
  Thing other = MakeThing("a", "1", 7);
  other.meta.key.ns = "other";
  store.Replace({MakeThing("a", "1", 1), other}, "9");
  EXPECT_EQ(store.List("other").size(), 1u);
  EXPECT_EQ(store.List().size(), 2u);
  EXPECT_EQ(store.List().front()->meta.key.ns, "other") << "sorted by key";
  EXPECT_TRUE(store.List("nobody").empty());
}

TEST(Store, WhatWeWroteIsSeenAtOnceAndNeverHiddenByAnOlderEvent) {
  Store<Thing> store;
  store.Replace({MakeThing("a", "10", 1)}, "10");
  store.Wrote(MakeThing("a", "15", 5));
  EXPECT_EQ(store.Get(kA)->size, 5);
  EXPECT_EQ(Print(store), "a=5");
  const auto hidden = store.Put(MakeThing("a", "12", 2));
  EXPECT_EQ(hidden.before, hidden.after) << "readers saw no change";
  EXPECT_EQ(store.Get(kA)->size, 5);
  store.Put(MakeThing("a", "15", 5));
  store.Put(MakeThing("a", "16", 6));
  EXPECT_EQ(store.Get(kA)->size, 6) << "the watch has caught up: it leads again";
}

TEST(Store, AnAnswerThatComesAfterItsOwnEventChangesNothing) {
  Store<Thing> store;
  store.Replace({MakeThing("a", "10", 1)}, "10");
  store.Put(MakeThing("a", "17", 7));
  store.Wrote(MakeThing("a", "15", 5));
  EXPECT_EQ(store.Get(kA)->size, 7);
  store.Delete(MakeThing("a", "18", 7).meta);
  store.Wrote(MakeThing("a", "16", 6));
  EXPECT_EQ(store.Get(kA), nullptr) << "deleted is deleted";
}

TEST(Store, TwoAnswersOutOfOrderKeepTheNewer) {
  Store<Thing> store;
  store.Replace({MakeThing("a", "10", 1)}, "10");
  store.Wrote(MakeThing("a", "15", 5));
  store.Wrote(MakeThing("a", "14", 4));
  EXPECT_EQ(store.Get(kA)->size, 5);
}

TEST(Store, DeletionOfAnotherUidDoesNotTakeWhatWeMadeAfterwards) {
  Store<Thing> store;
  store.Replace({MakeThing("a", "10", 1, "old")}, "10");
  store.Wrote(MakeThing("a", "15", 5, "new"));
  store.Delete(MakeThing("a", "13", 1, "old").meta);
  ASSERT_NE(store.Get(kA), nullptr);
  EXPECT_EQ(store.Get(kA)->meta.uid, "new");
  const auto gone = store.Delete(MakeThing("a", "14", 5, "new").meta);
  EXPECT_EQ(Print(gone), "a=5>-") << "a uid never comes back";
}

TEST(Store, ARelistKeepsWhatItCannotHaveSeenAndDropsWhatItMust) {
  Store<Thing> store;
  store.Replace({}, "10");
  store.Wrote(MakeThing("a", "15", 5));
  store.Replace({}, "12");
  EXPECT_EQ(Print(store), "a=5") << "the list is from before the write";
  const auto changes = store.Replace({}, "20");
  EXPECT_EQ(Print(store), "") << "somebody deleted it";
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(Print(changes[0]), "a=5>-");
}

TEST(Store, WithVersionsThatCannotBeComparedTheListWins) {
  Store<Thing> store;
  store.Replace({MakeThing("a", "p", 1)}, "q");
  store.Wrote(MakeThing("a", "r", 5));
  store.Put(MakeThing("a", "x", 2));
  EXPECT_EQ(store.Get(kA)->size, 5) << "not surely newer";
  store.Put(MakeThing("a", "r", 5));
  store.Put(MakeThing("a", "s", 6));
  EXPECT_EQ(store.Get(kA)->size, 6) << "equality showed it";
  store.Wrote(MakeThing("a", "t", 7));
  store.Replace({MakeThing("a", "v", 8)}, "w");
  EXPECT_EQ(store.Get(kA)->size, 8);
}

}  // namespace
}  // namespace chaos::kube
