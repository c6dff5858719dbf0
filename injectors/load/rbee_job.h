// Judges one inference over rbee's two-step interface (POST /v1/jobs, then the stream) by what it
// says, because its status is 200 and its last word [DONE] whatever happens. Pure: no sockets, no
// clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "injectors/load/pattern.h"
#include "injectors/load/rbee_event.h"
#include "injectors/load/verdict.h"
#include "operator/base/result.h"

namespace chaos::load {

// The body of the POST.
std::string RbeeJobRequest(const std::string& model, const std::string& prompt, int max_tokens);
// Where the stream of the created job is; the error says what is wrong with the answer.
Result<std::string> RbeeStreamOf(int status, std::string_view content_type, std::string_view body);

// One job of a probe, with words for people.
class RbeeJob {
 public:
  RbeeJob(int min_tokens, std::optional<Pattern> wanted)
      : min_tokens_(min_tokens), wanted_(std::move(wanted)) {}

  void OnEvent(std::string_view data);
  // The end has been said: nothing that follows counts.
  bool over() const { return over_; }
  // `cut`: why no more events will come although the end was not said; empty = the stream ended in
  // an orderly way.
  Verdict Judge(std::string_view cut = "") const;
  // "waiting for token 4" — for a timeout.
  std::string Waiting() const;

 private:
  void OnToken(const RbeeEvent& token);
  void Fail(std::string why);
  Verdict JudgeText() const;

  int min_tokens_;
  std::optional<Pattern> wanted_;
  int tokens_ = 0;
  std::string text_;     // at most 64 KiB of what was generated
  std::string failure_;  // the first one counts
  bool started_ = false, narrated_ = false, succeeded_ = false, over_ = false;
};

}  // namespace chaos::load
