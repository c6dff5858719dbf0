// fileDescriptors under the supervisor, with the open files of a process in memory; and the word
// from which a second injector undoes it.
#include "injectors/file_descriptors.h"

#include <gtest/gtest.h>

#include "injectors/agent/proc_files.h"
#include "injectors/agent/supervisor.h"
#include "tests/unit/injectors/fake_node.h"
#include "tests/unit/injectors/fake_processes.h"

namespace chaos::inject::test {
namespace {

using Names = std::vector<std::string>;
constexpr ProcessId kVictim{1, 100};

// A server that takes a connection whenever it may open one more file.
class FakeDescriptors final : public Descriptors {
 public:
  explicit FakeDescriptors(FakeNode& node) : node_(node) {}
  Result<std::vector<int>> Open(const ProcessId&) override { return open; }
  Result<FileLimit> Limit(const ProcessId& id) override {
    const auto found = limits.find(id.pid);
    if (found == limits.end()) return Error{Reason::kNotFound, "gone", {}, 0};
    return found->second;
  }
  Result<void> SetSoft(const ProcessId& id, std::uint64_t soft) override {
    if (!denied.empty()) return Error{Reason::kDenied, denied, {}, 0};
    if (!deaf) limits.at(id.pid).soft = soft;
    ++set;
    return {};
  }
  std::vector<Accepting> Listeners(const ProcessId&) override { return listeners; }
  std::optional<std::uint32_t> Waiting(std::uint64_t) override {
    const int dialled = node_.dials - taken_;
    const bool may = another_accepts || FirstFree() < limits.at(1).soft;
    if (dialled == 0) return 0;
    if (!may) return dialled;
    taken_ = node_.dials;
    if (!another_accepts) open.push_back(static_cast<int>(FirstFree()));
    std::sort(open.begin(), open.end());
    return 0;
  }
  std::uint64_t FirstFree() const {
    std::uint64_t first = 0;
    while (std::find(open.begin(), open.end(), static_cast<int>(first)) != open.end()) ++first;
    return first;
  }

  std::vector<int> open = {0, 1, 2, 4, 5};
  std::map<int, FileLimit> limits = {{1, {1024, 4096}}};
  std::vector<Accepting> listeners = {{77, {*ParseAddress("127.0.0.1"), 8081}, 0, true}};
  std::string denied;
  bool deaf = false, another_accepts = false;
  int set = 0;

 private:
  FakeNode& node_;
  int taken_ = 0;
};

class FileDescriptorsTest : public ::testing::Test, public Output {
 protected:
  void Line(const protocol::Event& event) override { events_.push_back(event); }
  void Record(const std::string& text) override { records_.push_back(text); }
  void Answer(int, const std::string&) override {}

  void Run(const protocol::FileDescriptors& fault, const std::string& until = "") {
    arguments_.run = "0123456789";
    arguments_.nonce = "00112233445566778899aabbccddeeff";
    arguments_.not_before = clock_.wall - seconds(30);
    arguments_.not_after = clock_.wall + seconds(60);
    arguments_.duration = seconds(30);
    arguments_.fault = fault;
    fault_ = std::make_unique<FileDescriptors>(arguments_, processes_, descriptors_);
    supervisor_ = std::make_unique<Supervisor>(arguments_, *fault_, node_, clock_, *this);
    Go(until);
  }
  void Go(const std::string& until = "") {
    for (int steps = 0; steps < 10'000; ++steps) {
      const auto wake = supervisor_->Step({});
      if (!wake || events_.back().event == until) return;
      if (*wake > clock_.boot) clock_.Advance(*wake - clock_.boot);
    }
    FAIL() << "it does not end";
  }
  const protocol::Event& Last() const { return events_.back(); }
  protocol::Record LastRecord() const { return *protocol::ParseRecord(records_.back()); }

  FakeClock clock_;
  FakeNode node_;
  FakeProcesses processes_;
  FakeDescriptors descriptors_{node_};
  protocol::InjectArguments arguments_;
  std::unique_ptr<FileDescriptors> fault_;
  std::unique_ptr<Supervisor> supervisor_;
  std::vector<protocol::Event> events_;
  std::vector<std::string> records_;
};

TEST_F(FileDescriptorsTest, HeadroomCountsTheNumbersThatAreFree) {
  Run({.headroom = 2}, "verified");
  ASSERT_EQ(Last().event, "verified") << Last().message;
  // The connect of before has taken 3; 6 and 7 are the two that are left.
  EXPECT_EQ(Last().measured.at("limit"), "7");
  EXPECT_EQ(Last().measured.at("accept"), "stalled");
  EXPECT_EQ(Last().measured.at("headroom"), "0");
  EXPECT_EQ(descriptors_.limits.at(1), (FileLimit{7, 4096}));
  Go();
  EXPECT_EQ(Last().event, "reverted");
  EXPECT_EQ(Last().measured.at("limitAfter"), "1024");
  EXPECT_EQ(descriptors_.limits.at(1), (FileLimit{1024, 4096}));
}

TEST_F(FileDescriptorsTest, WhatUndoesItIsInTheRecordBeforeItIsDoneAndUntilItIsUndone) {
  Run({.limit = 3}, "verified");
  const std::string undo = LastRecord().undo;
  EXPECT_TRUE(undo.starts_with("files:1:100:1024:4096:3:")) << undo;
  std::map<std::string, std::string> by_state;
  for (const std::string& record : records_)
    by_state[protocol::ParseRecord(record)->state] = protocol::ParseRecord(record)->undo;
  EXPECT_EQ(by_state.at("armed"), undo) << "before it is applied";
  EXPECT_EQ(by_state.at("applied"), undo);
  const auto journal = std::find_if(events_.begin(), events_.end(),
                                    [](const auto& e) { return e.event == "journal"; });
  EXPECT_EQ(journal->measured.at("leaves"), undo);
  Go();
  EXPECT_EQ(LastRecord().undo, "");
  EXPECT_EQ(LastRecord().state, "reverted");
}

TEST_F(FileDescriptorsTest, WithManyLeftTheLimitAloneIsTheProof) {
  Run({.headroom = 500}, "verified");
  EXPECT_EQ(Last().measured.at("accept"), "untried");
  EXPECT_EQ(Last().measured.at("headroom"), "500");
  EXPECT_EQ(node_.dials, 0);
}

TEST_F(FileDescriptorsTest, AServerThatGoesOnAcceptingIsNoEffect) {
  descriptors_.another_accepts = true;
  Run({.headroom = 0});
  EXPECT_EQ(Last().reason, "NoEffect");
  EXPECT_NE(Last().message.find("in spite of the limit"), std::string::npos) << Last().message;
  EXPECT_EQ(descriptors_.limits.at(1).soft, 1024U);
  EXPECT_EQ(LastRecord().undo, "");
}

TEST_F(FileDescriptorsTest, OneThatGoesOnAcceptingAndMayBeSomebodyElsesProvesNothing) {
  descriptors_.another_accepts = true;
  descriptors_.listeners[0].sure = false;
  Run({.headroom = 0}, "verified");
  EXPECT_EQ(Last().event, "verified") << Last().message;
  EXPECT_EQ(Last().measured.at("accept"), "untried");
}

TEST_F(FileDescriptorsTest, ALimitThatDoesNotTakeIsNoEffect) {
  descriptors_.deaf = true;
  descriptors_.listeners.clear();
  Run({.limit = 3});
  EXPECT_EQ(Last().reason, "NoEffect");
}

TEST_F(FileDescriptorsTest, ARevertThatFailsLeavesTheWordInTheRecord) {
  Run({.limit = 3}, "verified");
  descriptors_.denied = "no more";
  Go();
  EXPECT_EQ(Last().event, "failed");
  EXPECT_EQ(Last().reason, "RevertFailed");
  EXPECT_TRUE(LastRecord().undo.starts_with("files:1:100:1024:")) << records_.back();
}

TEST_F(FileDescriptorsTest, ChildrenThatHaveInheritedTheLimitGetItBackAndOthersDoNot) {
  Run({.limit = 3}, "verified");
  const auto now = static_cast<std::uint64_t>(clock_.boot / milliseconds(10));
  processes_.processes.push_back({{20, now + 1}, "child"});
  processes_.processes.push_back({{21, now + 1}, "its own limit"});
  processes_.processes.push_back({{22, 50}, "was there before, and likes 3"});
  descriptors_.limits[20] = {3, 4096};
  descriptors_.limits[21] = {64, 4096};
  descriptors_.limits[22] = {3, 4096};
  Go();
  EXPECT_EQ(descriptors_.limits[20].soft, 1024U);
  EXPECT_EQ(descriptors_.limits[21].soft, 64U);
  EXPECT_EQ(descriptors_.limits[22].soft, 3U);
  EXPECT_EQ(Last().measured.at("childrenRestored"), "1");
}

TEST_F(FileDescriptorsTest, ALimitThatTheProcessHasChangedItselfStays) {
  Run({.limit = 3}, "verified");
  descriptors_.limits[1].soft = 4096;
  Go();
  EXPECT_EQ(descriptors_.limits[1].soft, 4096U);
  EXPECT_EQ(Last().measured.at("limitAfter"), "changedByItself");
}

TEST(FileLimitUndo, IsReadAsItWasPrinted) {
  const FileLimitUndo undo{kVictim, {1024, ~0ULL}, 3, 12345};
  EXPECT_EQ(Print(undo), "files:1:100:1024:18446744073709551615:3:12345");
  const auto parsed = ParseFileLimitUndo(Print(undo));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(Print(*parsed), Print(undo));
  for (const char* bad :
       {"", "files", "files:", "files:1", "files:1:2:3:4:5", "files:1:2:3:4:5:6:7",
        "files:0:2:3:4:5:6", "files:-1:2:3:4:5:6", "files:5000000:2:3:4:5:6", "files:1:2:3:4:5:x",
        "file:1:2:3:4:5:6", "files:1:2:3:4:5:99999999999999999999"})
    EXPECT_FALSE(ParseFileLimitUndo(bad)) << bad;
}

TEST(ParseFileLimit, ReadsTheKernelsTable) {
  EXPECT_EQ(ParseFileLimit("Limit   Soft   Hard   Units\nMax processes  1 2 processes\n"
                           "Max open files            1024                 unlimited   files\n"),
            (FileLimit{1024, ~0ULL}));
  for (const char* bad : {"", "Max open files", "Max open files   1024"})
    EXPECT_FALSE(ParseFileLimit(bad));
}

}  // namespace
}  // namespace chaos::inject::test
