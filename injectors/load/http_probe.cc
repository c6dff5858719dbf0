// http: one GET per sample over a new connection, judged by status and body.
#include <utility>

#include "injectors/load/http_call.h"
#include "injectors/load/http_judge.h"
#include "injectors/load/probe.h"
#include "operator/base/time_text.h"

namespace chaos::load {
namespace {

struct Attempt {
  std::shared_ptr<HttpCall> call;
  int status = 0;
  std::string body;
};

class HttpProbe final : public Probe {
 public:
  HttpProbe(const ProbeContext& context, const protocol::ProbeArguments& arguments, Url url)
      : Probe(context, arguments), url_(std::move(url)) {}

 private:
  void Launch(const std::shared_ptr<Sample>& sample) override {
    const auto attempt = std::make_shared<Attempt>();
    HttpCall::Handlers handlers;
    handlers.on_head = [attempt](const ResponseParser& head) { attempt->status = head.status(); };
    handlers.on_body = [this, attempt, sample](std::string_view bytes) {
      attempt->body += bytes;
      // Enough is enough: an endless body is judged by its beginning.
      if (attempt->body.size() > kMaxProbeBody)
        sample->Finish(JudgeHttp(arguments(), attempt->status, attempt->body));
    };
    handlers.on_end = [this, attempt, sample](const std::string& problem) {
      sample->Finish(problem.empty() ? JudgeHttp(arguments(), attempt->status, attempt->body)
                                     : Bad(problem));
    };
    attempt->call = HttpCall::Start(context().io, {.url = url_, .body = ""}, std::move(handlers));
    sample->where = [attempt] { return attempt->call->stage(); };
    sample->release = [attempt] { attempt->call->Cancel(); };
  }

  Url url_;
};

}  // namespace

std::unique_ptr<Probe> MakeHttpProbe(const ProbeContext& context,
                                     const protocol::ProbeArguments& arguments) {
  return std::make_unique<HttpProbe>(context, arguments, *ParseUrl(arguments.url));
}

}  // namespace chaos::load
