// The pure parts of a stream: cutting bytes into lines, and the bounded box between reader and
// owner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/line_splitter.h"
#include "operator/kube/mailbox.h"

namespace chaos::kube {
namespace {

using testing::ElementsAre;

TEST(LineSplitter, GivesTheSameLinesWhereverTheBytesAreCut) {
  const std::string text = "a\r\nbc\n\n\r\n\xC3\xA9\rx\nrest";
  std::vector<std::string> whole;
  LineSplitter one(100);
  ASSERT_TRUE(one.Add(text, whole));
  EXPECT_THAT(whole, ElementsAre("a", "bc", "\xC3\xA9\rx"));
  EXPECT_TRUE(one.InsideLine());
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      std::vector<std::string> cut;
      LineSplitter splitter(100);
      for (const auto& [from, to] :
           {std::pair{std::size_t{0}, first}, {first, second}, {second, text.size()}}) {
        ASSERT_TRUE(splitter.Add(std::string_view(text).substr(from, to - from), cut));
      }
      EXPECT_EQ(cut, whole) << first << " " << second;
    }
  }
}

TEST(LineSplitter, RefusesALineBeyondItsLimitAlsoWhenItComesInPieces) {
  std::vector<std::string> lines;
  LineSplitter exact(4);
  EXPECT_TRUE(exact.Add("1234\n1234\n", lines));
  EXPECT_FALSE(exact.Add("12345", lines));
  LineSplitter pieces(4);
  EXPECT_TRUE(pieces.Add("123", lines));
  EXPECT_FALSE(pieces.Add("45\n", lines));
}

std::string Polled(Mailbox& box, bool& resume) {
  Result<LineStream::Polled> polled = box.Poll(resume);
  if (!polled) return std::string(Name(polled.error().reason));
  if (const auto* line = std::get_if<LineStream::Line>(&*polled)) return line->text;
  if (std::holds_alternative<LineStream::Opened>(*polled)) return "(opened)";
  return std::holds_alternative<LineStream::End>(*polled) ? "(end)" : "(nothing)";
}

TEST(Mailbox, StopsItsReaderWhenFullAndResumesItHalfEmpty) {
  Mailbox box([] {}, 4, 1000);
  bool resume = false;
  EXPECT_TRUE(box.PutLines({"1", "2", "3"}));
  EXPECT_FALSE(box.PutLines({"4", "5"}));
  for (const char* line : {"1", "2"}) {
    EXPECT_EQ(Polled(box, resume), line);
    EXPECT_FALSE(resume);
  }
  EXPECT_EQ(Polled(box, resume), "3");
  EXPECT_TRUE(resume);
  EXPECT_EQ(Polled(box, resume), "4");
  EXPECT_FALSE(resume) << "resumed twice";
}

TEST(Mailbox, CountsBytesToo) {
  Mailbox box([] {}, 100, 10);
  bool resume = false;
  EXPECT_FALSE(box.PutLines({"12345", "12345"}));
  EXPECT_EQ(Polled(box, resume), "12345");
  EXPECT_TRUE(resume);
  EXPECT_TRUE(box.PutLines({"1"}));
}

TEST(Mailbox, GivesWhatWasReadBeforeTheEnd) {
  Mailbox box([] {}, 4, 1000);
  bool resume = false;
  EXPECT_EQ(Polled(box, resume), "(nothing)");
  box.PutOpened();
  box.PutLines({"1"});
  box.PutEnd(Error{Reason::kUnavailable, "", {}, 0});
  box.PutEnd(std::nullopt);  // the first end counts
  EXPECT_EQ(Polled(box, resume), "(opened)");
  EXPECT_EQ(Polled(box, resume), "1");
  EXPECT_EQ(Polled(box, resume), "Unavailable");
  EXPECT_EQ(Polled(box, resume), "Unavailable");
}

TEST(Mailbox, CutDropsWhatIsUnread) {
  Mailbox box([] {}, 4, 1000);
  bool resume = false;
  box.PutOpened();
  box.PutLines({"1"});
  box.Cut(Error{Reason::kCancelled, "", {}, 0});
  EXPECT_EQ(Polled(box, resume), "Cancelled");
}

TEST(Mailbox, WakesForEveryPieceOfNewsAndNeverAfterItWasAbandoned) {
  int wakes = 0;
  Mailbox box([&] { ++wakes; }, 4, 1000);
  box.PutOpened();
  box.PutLines({"1"});
  box.PutLines({});
  EXPECT_EQ(wakes, 2);
  box.Abandon();
  box.PutLines({"2"});
  box.PutEnd(std::nullopt);
  EXPECT_EQ(wakes, 2);
}

TEST(Mailbox, MayBeAbandonedByItsOwnWake) {
  int wakes = 0;
  Mailbox* self = nullptr;
  Mailbox box(
      [&] {
        ++wakes;
        self->Abandon();
      },
      4, 1000);
  self = &box;
  box.PutOpened();
  box.PutOpened();
  EXPECT_EQ(wakes, 1);
}

}  // namespace
}  // namespace chaos::kube
