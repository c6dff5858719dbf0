// The one channel back: JSON lines on stdout, read through pods/log; and the short record in the
// termination message.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "operator/base/clock.h"
#include "operator/base/result.h"

namespace chaos::protocol {

// Injector: preflight, journal, armed, triggered, aboutTo (before each step that may end the
// injector together with its victim: if it was the last word, ask the kubelet what came of it),
// applied, verified, alive (every 5 s), reverting, stopRefused; and exactly one of these as its
// last: reverted (was on, is gone), done (happened, and the injector outlived it), stopped (ended
// before anything was applied), failed. Probe pod: started, sample, alive (every 5 s), interrupted,
// failed, ended. `interrupted` is a sample without a verdict, to be counted neither way: the probe
// itself was stopped or held up.
// {"v":1,"seq":3,"at":"…Z","event":"verified","requested":{…},"measured":{…}}
struct Event {
  std::int64_t seq = 0;  // from 1, no gaps
  TimePoint at{};        // the writer's wall clock
  std::string event;
  std::map<std::string, std::string> requested;  // what was asked for, in words of the fault
  std::map<std::string, std::string>
      measured;         // what was found, under the same words where both exist
  std::string reason;   // with failed: one of the reasons below; with reverted and stopped:
                        // "stopped" or "terminated" (SIGTERM), empty at the deadline
  std::string message;  // a sentence for people
  // with sample of a probe pod: `at` is the intended start on the fixed schedule
  std::string probe;
  bool ok = false;
  milliseconds took{0};
};

std::string PrintEvent(const Event& event);  // one line without its end
Result<Event> ParseEvent(
    std::string_view line);  // tolerant of unknown fields: N reads what N-1 and N+1 write

// Reasons with which an injector fails; the operator passes them on as the verdict's reason.
//   ClockSkew           outside of not_before/not_after by the injector's clock
//   SteadyStateNotMet   no peer could be reached before the fault, so nothing could be proved
//   NoEffect            the rules are in, but what worked before still works
//   PartialEffect       some peers are cut off, others are not
//   WrongDose           it has an effect, and not as strong as was asked for
//   Refused             a capability, kernel feature or argument is missing; the message names it
//   AlreadyThere        another injector of this run holds the lock
//   TriggerNeverFired   what was waited for did not happen in time; nothing was applied
//   TargetGone          the process ended by itself before the fault; nothing was applied
//   RevertFailed        it could not be taken back; the record says what is left to undo
inline constexpr std::string_view kClockSkew = "ClockSkew";
inline constexpr std::string_view kSteadyStateNotMet = "SteadyStateNotMet";
inline constexpr std::string_view kNoEffect = "NoEffect";
inline constexpr std::string_view kPartialEffect = "PartialEffect";
inline constexpr std::string_view kWrongDose = "WrongDose";
inline constexpr std::string_view kRefused = "Refused";
inline constexpr std::string_view kAlreadyThere = "AlreadyThere";
inline constexpr std::string_view kTriggerNeverFired = "TriggerNeverFired";
inline constexpr std::string_view kTargetGone = "TargetGone";
inline constexpr std::string_view kRevertFailed = "RevertFailed";

// The record in the termination message: at most 300 bytes, most important first, readable when cut
// anywhere. "v1 reverted ok run=0123456789 applied=…Z verified=…Z reverted=…Z control=ok
// packetsDropped=412 peersCut=1/1 ." The dot says that nothing was cut off; without it the last
// word is not to be trusted.
struct Record {
  std::string state;  // starting | armed | triggered | aboutTo | applied | verified | reverting |
                      // reverted | done | failed
  std::string code;   // ok | stopped | terminated | a reason from above
  std::string run;
  std::string undo;  // what a fresh injector has to undo if this one is no more; no blanks
  std::optional<TimePoint> applied, verified, reverted;  // with aboutTo, `applied` is its moment
  std::map<std::string, std::string>
      figures;  // the few most telling ones of `measured`, under the same keys
};

std::string PrintRecord(const Record& record);  // never more than 300 bytes
std::optional<Record> ParseRecord(
    std::string_view);  // reads as much as there is; nullopt when not even the state is

}  // namespace chaos::protocol
