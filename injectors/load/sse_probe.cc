// sse: one stream is kept open for the whole life of the probe; each sample asks what the stream
// last said.
#include <utility>
#include <vector>

#include "injectors/load/http_call.h"
#include "injectors/load/http_judge.h"
#include "injectors/load/probe.h"
#include "injectors/load/sse.h"
#include "injectors/load/sse_watch.h"

namespace chaos::load {
namespace {

using boost::system::error_code;

constexpr milliseconds kOpenTimeout{
    1000};  // a fresh connection each second finds a link that works again soonest
constexpr milliseconds kRetry{250};

class SseProbe final : public Probe {
 public:
  SseProbe(const ProbeContext& context, const protocol::ProbeArguments& arguments, Url url)
      : Probe(context, arguments),
        url_(std::move(url)),
        watch_(arguments),
        retry_(context.io),
        silence_(context.io) {}
  ~SseProbe() override {
    if (call_) call_->Cancel();
  }

 private:
  void Begin() override { Open(); }

  // Before the first event there is nothing to judge: such samples wait for it, until their
  // timeout.
  void Launch(const std::shared_ptr<Sample>& sample) override {
    if (watch_.HasEvent()) return sample->Finish(watch_.Judge(context().clock.SinceBoot()));
    std::erase_if(waiting_, [](const auto& waiting) { return waiting->over(); });
    waiting_.push_back(sample);
  }

  Verdict TimedOut(const Sample&) override {
    const Verdict verdict = watch_.Judge(context().clock.SinceBoot());
    return watch_.open() ? verdict : Bad(verdict.message + ": " + call_->stage());
  }

  void Open() {
    parser_ = SseParser();
    HttpCall::Handlers handlers;
    handlers.on_head = [this](const ResponseParser& head) {
      if (const std::string problem = NotAStream(head.status(), head.content_type());
          !problem.empty()) {
        return Lose(problem);
      }
      watch_.OnOpen();
      WatchSilence();
    };
    handlers.on_body = [this](std::string_view bytes) {
      WatchSilence();
      const bool fine =
          parser_.Feed(bytes, [this](std::string_view, std::string_view data) { OnEvent(data); });
      if (!fine) Lose("an event that is too long");
    };
    handlers.on_end = [this](const std::string& problem) {
      Lose(problem.empty() ? "the stream ended" : problem);
    };
    const milliseconds open_timeout = std::min(kOpenTimeout, arguments().timeout);
    call_ = HttpCall::Start(
        context().io,
        {.url = url_, .body = "", .accept = "text/event-stream", .open_timeout = open_timeout},
        std::move(handlers));
  }

  void OnEvent(std::string_view data) {
    const nanoseconds now = context().clock.SinceBoot();
    watch_.OnEvent(data, now);
    if (!watch_.HasEvent() || waiting_.empty()) return;
    for (const auto& sample : std::exchange(waiting_, {})) sample->Finish(watch_.Judge(now));
  }

  void Lose(const std::string& why) {
    watch_.OnLost(why);
    silence_.cancel();
    call_->Cancel();
    retry_.expires_after(kRetry);
    retry_.async_wait([this](error_code ec) {
      if (!ec) Open();
    });
  }

  // A stream on which nothing comes at all may be dead without knowing it: a new one is opened.
  void WatchSilence() {
    if (arguments().max_silence.count() == 0) return;
    silence_.expires_after(arguments().max_silence);
    silence_.async_wait([this](error_code ec) {
      if (!ec) Lose("the stream fell silent");
    });
  }

  Url url_;
  SseWatch watch_;
  SseParser parser_;
  std::shared_ptr<HttpCall> call_;
  boost::asio::steady_timer retry_, silence_;
  std::vector<std::shared_ptr<Sample>> waiting_;
};

}  // namespace

std::unique_ptr<Probe> MakeSseProbe(const ProbeContext& context,
                                    const protocol::ProbeArguments& arguments) {
  return std::make_unique<SseProbe>(context, arguments, *ParseUrl(arguments.url));
}

}  // namespace chaos::load
