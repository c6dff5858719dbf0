// inference: one whole job per sample, in rbee's two steps; what it said is judged by RbeeJob.
#include <utility>

#include "injectors/load/http_call.h"
#include "injectors/load/http_judge.h"
#include "injectors/load/probe.h"
#include "injectors/load/rbee_job.h"
#include "injectors/load/sse.h"
#include "operator/base/time_text.h"

namespace chaos::load {
namespace {

constexpr std::size_t kMaxAnswer = 64 << 10;

// One job on its way. Lives as long as its sample; a handler that is called late finds the sample
// over.
class Job : public std::enable_shared_from_this<Job> {
 public:
  Job(const ProbeContext& context, std::shared_ptr<Sample> sample, Url base, RbeeJob judge)
      : context_(context),
        sample_(std::move(sample)),
        base_(std::move(base)),
        judge_(std::move(judge)) {}

  void Post(std::string body) {
    Url url = base_;
    url.target = (url.target == "/" ? "" : url.target) + "/v1/jobs";
    HttpCall::Handlers handlers;
    handlers.on_head = [self = shared_from_this()](const ResponseParser& head) {
      self->status_ = head.status();
      self->type_ = head.content_type();
    };
    handlers.on_body = [self = shared_from_this()](std::string_view bytes) {
      if (self->answer_.size() < kMaxAnswer) self->answer_ += bytes;
    };
    handlers.on_end = [self = shared_from_this()](const std::string& problem) {
      self->Created(problem);
    };
    call_ = HttpCall::Start(context_.io, {.url = url, .method = "POST", .body = std::move(body)},
                            std::move(handlers));
  }

  void Cancel() {
    if (call_) call_->Cancel();
    sample_.reset();
  }
  std::string Where() const {
    return streaming_ ? judge_.Waiting() : "POST /v1/jobs, " + call_->stage();
  }

 private:
  void Created(const std::string& problem) {
    if (!problem.empty()) return Finish(Bad("POST /v1/jobs: " + problem));
    const Result<std::string> stream = RbeeStreamOf(status_, type_, answer_);
    if (!stream) return Finish(Bad(stream.error().detail));
    const Result<Url> url = Follow(base_, *stream);
    if (!url) return Finish(Bad("sse_url: " + url.error().detail));
    OpenStream(*url);
  }

  void OpenStream(const Url& url) {
    streaming_ = true;
    HttpCall::Handlers handlers;
    handlers.on_head = [self = shared_from_this()](const ResponseParser& head) {
      const std::string problem = NotAStream(head.status(), head.content_type());
      if (!problem.empty()) self->Finish(Bad("stream: " + problem));
    };
    handlers.on_body = [self = shared_from_this()](std::string_view bytes) {
      const bool fine = self->parser_.Feed(
          bytes, [&](auto, std::string_view data) { self->judge_.OnEvent(data); });
      if (self->judge_.over())
        self->Finish(self->judge_.Judge());
      else if (!fine)
        self->Finish(self->judge_.Judge("an event that is too long"));
    };
    handlers.on_end = [self = shared_from_this()](const std::string& problem) {
      if (problem.empty())
        self->parser_.Finish([&](auto, std::string_view data) { self->judge_.OnEvent(data); });
      self->Finish(self->judge_.Judge(problem));
    };
    call_ = HttpCall::Start(context_.io, {.url = url, .body = "", .accept = "text/event-stream"},
                            std::move(handlers));
  }

  void Finish(const Verdict& verdict) {
    const auto sample = sample_;
    if (sample) sample->Finish(verdict);
  }

  ProbeContext context_;
  std::shared_ptr<Sample> sample_;
  Url base_;
  RbeeJob judge_;
  SseParser parser_;
  std::shared_ptr<HttpCall> call_;
  int status_ = 0;
  std::string type_, answer_;
  bool streaming_ = false;
};

class InferenceProbe final : public Probe {
 public:
  InferenceProbe(const ProbeContext& context, const protocol::ProbeArguments& arguments, Url base,
                 std::optional<Pattern> wanted)
      : Probe(context, arguments), base_(std::move(base)), wanted_(std::move(wanted)) {}

 private:
  void Launch(const std::shared_ptr<Sample>& sample) override {
    const auto job = std::make_shared<Job>(context(), sample, base_,
                                           RbeeJob(arguments().expect_min_tokens, wanted_));
    sample->where = [job] { return job->Where(); };
    sample->release = [job] { job->Cancel(); };
    job->Post(RbeeJobRequest(arguments().model, arguments().prompt, arguments().max_tokens));
  }

  Url base_;
  std::optional<Pattern> wanted_;
};

}  // namespace

std::unique_ptr<Probe> MakeInferenceProbe(const ProbeContext& context,
                                          const protocol::ProbeArguments& arguments) {
  std::optional<Pattern> wanted;
  if (!arguments.expect_matches.empty()) wanted = *Pattern::Compile(arguments.expect_matches);
  return std::make_unique<InferenceProbe>(context, arguments, *ParseUrl(arguments.url),
                                          std::move(wanted));
}

}  // namespace chaos::load
