// What became of an iteration, and in which order of precedence. The one place for it; the table is
// in tests/unit/load/load_judge_test.cc. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "injectors/protocol/ledger.h"

namespace chaos::load {

// What a job's stream has said so far.
class RbeeStream {
 public:
  // True when the event carries a token.
  bool OnEvent(std::string_view data);

  int tokens = 0;
  bool worker = false;     // a worker speaks: it has no word of success but its end
  bool succeeded = false;  // infer_success, or a worker's end
  bool ended = false;      // a worker's end
  bool over = false;       // [DONE], done, or a marker of failure: nothing that follows counts
  std::string failure;     // the first failure that was said
  // The first index that did not fit: kTokenGap or kTokenRepeated.
  std::optional<protocol::Ending> disorder;

 private:
  void OnToken(std::optional<std::int64_t> index);
  bool Slow(std::string_view data);
};

struct Judgement {
  protocol::Ending ending = protocol::Ending::kOk;
  std::string message;  // a few words, unless it is ok
};

// Why the reading stopped other than by the answer's own end.
struct Break {
  protocol::Ending ending;  // a timeout, kTruncated, kProtocolError, kInterrupted …
  std::string message;
};

// The first of these that is true:
//   1. a failure was said                kErrorEvent   seen before any cut: no stop of ours and no
//   2. a token was left out, or came     as it is      silence afterwards undoes it. Also by the
//      twice                                           worker's own count at its end, where one
//                                                      more may have come: real workers repeat
//                                                      their last token, with i = maxTokens
//   3. the reading stopped               as it says
//   4. no end was said: neither [DONE] nor, with an orderly end of the body, a worker's end
//                                        kTruncated
//   5. success was said                  kOk; kEndedShort when tokens are expected and fewer came
//   6. all tokens came                   kOk
//   7. a worker spoke                    kEndedShort   an engine error looks like that
//   8.                                   kFalseDone    the queen's idle cut
Judgement JudgeStream(const RbeeStream& stream, int max_tokens, bool expect_tokens,
                      const std::optional<Break>& stopped);

// An answer that should have been an event stream and is not: its status comes before its type.
Judgement JudgeNoStream(int status, std::string_view content_type);
// The answer to POST /v1/jobs; where the stream is goes to `target`.
Judgement JudgeCreated(int status, std::string_view content_type, std::string_view body,
                       std::string& sse_url);
// Protocol http: the status first, then the body. A web page is no answer unless bodyContains says
// what stands in it: front doors answer with 200 and their page to every path that they do not
// know.
bool Accepted(int status, const std::vector<int>& status_in);
Judgement JudgeAnswer(int status, std::string_view content_type, std::string_view body,
                      const std::vector<int>& status_in, std::string_view body_contains);

}  // namespace chaos::load
