// Narration as measured on the real queen. Where that one prints tokens to its own stdout, this one
// sends them to the client, in the shape that its contract has for it:
// {"type":"data","action":"token","payload":{…}}.
#include "tests/rbee-sim/queen_job.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;

constexpr std::chrono::milliseconds kPostTimeout{1000};

std::string Print(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string TextOf(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return "";
  return object[key];
}

}  // namespace

QueenJob::QueenJob(boost::asio::io_context& io, const Options& options, std::string id,
                   std::string operation, std::shared_ptr<Exchange> client,
                   std::function<void()> on_end)
    : io_(io),
      options_(options),
      id_(std::move(id)),
      operation_(std::move(operation)),
      client_(std::move(client)),
      on_end_(std::move(on_end)),
      idle_(io) {}

void QueenJob::Run(Hives& hives) {
  client_->on_close = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Cancel("client gone");
  };
  client_->OpenStream();
  Log("job_start", {{"job_id", id_}});
  const Json operation = Json::parse(operation_, nullptr, false);
  const std::string name = TextOf(operation, "operation");
  Narrate("job_server", "execute", "Executing job " + id_);
  if (name.empty()) return Fail("Failed to parse operation: missing field `operation`");
  Narrate("queen_rbee", "route_job", "Executing operation: " + name);
  if (name == "status") return Succeed();
  if (name != "infer") return Fail("Operation '" + name + "' is not served here");
  for (const char* field : {"model", "prompt"}) {
    if (TextOf(operation, field).empty())
      return Fail(std::string("Failed to parse operation: missing field `") + field + "`");
  }
  Infer(hives, TextOf(operation, "model"), TextOf(operation, "prompt"), operation_);
}

void QueenJob::Narrate(const char* actor, const char* action, const std::string& human) {
  const std::string formatted =
      std::string("\x1b[1m[") + actor + "]\x1b[0m " + action + "\n" + human + "\n";
  client_->Send(Print({{"type", "narration"},
                       {"formatted", formatted},
                       {"actor", actor},
                       {"action", action},
                       {"target", action},
                       {"human", human},
                       {"job_id", id_}}));
  if (!over_) WatchIdle();
}

void QueenJob::Infer(Hives& hives, const std::string& model, const std::string& prompt,
                     const std::string& body) {
  Narrate("queen_rbee", "infer_start",
          "🤖 Starting inference: model=" + model + ", prompt=" + prompt);
  Narrate("queen_rbee_scheduler", "infer_schedule", "🔍 Finding worker for model '" + model + "'");
  const KnownWorker* worker = hives.Pick(model);
  if (worker == nullptr) {
    Narrate("queen_rbee_scheduler", "infer_no_worker",
            "❌ No available worker found for model '" + model + "'");
    return Fail("Scheduling failed: No available worker found for model '" + model +
                "'. Make sure a worker is running and has sent heartbeats to queen.");
  }
  Narrate("queen_rbee_scheduler", "infer_worker_sel",
          "✅ Selected worker '" + worker->id + "' for model '" + model + "' at " + worker->url);
  PostToWorker(*worker, body);
}

void QueenJob::PostToWorker(const KnownWorker& worker, const std::string& body) {
  Narrate("queen_rbee_scheduler", "infer_post_start",
          "📤 Sending inference request to worker at " + worker.url);
  Fetch(io_, "POST", worker.url + "/v1/jobs", body, kPostTimeout,
        [self = shared_from_this(), url = worker.url](const Answer& answer) {
          if (self->over_) return;
          std::string problem = answer.error;
          if (problem.empty() && answer.status != 200) {
            problem = "Worker returned error " + std::to_string(answer.status) + ": " + answer.body;
          }
          const Json json = Json::parse(answer.body, nullptr, false);
          const std::string path = TextOf(json, "sse_url");
          if (problem.empty() && path.empty()) problem = "Worker answer has no sse_url";
          if (!problem.empty()) {
            self->Narrate("queen_rbee_scheduler", "infer_post_err", "❌ " + problem);
            return self->Fail("Job execution failed: " + problem);
          }
          self->Narrate("queen_rbee_scheduler", "infer_job_created",
                        "✅ Worker job created: " + TextOf(json, "job_id"));
          self->StreamFromWorker(url, path);
        });
}

void QueenJob::StreamFromWorker(const std::string& url, const std::string& path) {
  Narrate("queen_rbee_scheduler", "infer_stream_conn",
          "🔗 Connecting to worker SSE stream: " + url + path);
  const std::weak_ptr<QueenJob> weak = weak_from_this();
  worker_ = std::make_unique<EventSource>(
      io_, url + path, kPostTimeout,
      EventSource::Handlers{[weak](std::string_view data) {
                              if (const auto self = weak.lock()) self->WorkerEvent(data);
                            },
                            [weak](const std::string& reason) {
                              const auto self = weak.lock();
                              if (!self || self->over_) return;
                              self->Fail(
                                  "Job execution failed: Worker stream ended without [DONE]" +
                                  (reason.empty() ? "" : " (" + reason + ")"));
                            }});
  Narrate("queen_rbee_scheduler", "infer_streaming", "📡 Streaming tokens from worker...");
}

void QueenJob::WorkerEvent(std::string_view data) {
  if (over_) return;
  if (data == "[DONE]") {
    Narrate("queen_rbee_scheduler", "infer_complete", "✅ Inference complete");
    return Succeed();
  }
  const Json event = Json::parse(data, nullptr, false);
  if (TextOf(event, "type") != "token") return;
  ++tokens_;
  client_->Send(Print({{"type", "data"}, {"action", "token"}, {"payload", event}}));
  if (!over_) WatchIdle();
}

void QueenJob::Succeed() {
  Narrate("queen_rbee", "infer_success", "✅ Inference complete");
  End("success");
}

void QueenJob::Fail(const std::string& why) {
  Narrate("job_server", "failed", "Job " + id_ + " failed: " + why);
  End("failed");
}

void QueenJob::Cancel(const char* outcome) { End(outcome); }

// Every way out leads through here.
void QueenJob::End(const char* outcome) {
  if (over_) return;
  over_ = true;
  const auto self = shared_from_this();
  idle_.cancel();
  if (worker_) worker_->Close();
  // Not at once: we may be inside one of its handlers.
  boost::asio::post(io_, [self] { self->worker_.reset(); });
  client_->Send("[DONE]");
  client_->CloseStream();
  Log("job_end", {{"job_id", id_}, {"outcome", outcome}, {"tokens", std::to_string(tokens_)}});
  on_end_();
}

void QueenJob::WatchIdle() {
  if (options_.idle_cut.count() == 0) return;
  idle_.expires_after(options_.idle_cut);
  idle_.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->End("idle cut");
  });
}

}  // namespace rbee_sim
