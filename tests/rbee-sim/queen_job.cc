// Narration as measured on the real queen. Where that one prints tokens to its own stdout, this one
// sends them to the client, in the shape that its contract has for it:
// {"type":"data","action":"token","payload":{…}}. With --hide-tokens it prints them too.
#include "tests/rbee-sim/queen_job.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;

constexpr std::chrono::milliseconds kPostTimeout{1000};
constexpr std::chrono::minutes kListenAfterCut{2};  // whatever the worker does

std::string Print(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string TextOf(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string()) return "";
  return object[key];
}

}  // namespace

QueenJob::QueenJob(boost::asio::io_context& io, const Options& options, Hives& hives,
                   std::string id, std::string operation, std::shared_ptr<Exchange> client,
                   std::function<void()> on_end)
    : io_(io),
      options_(options),
      hives_(hives),
      id_(std::move(id)),
      operation_(std::move(operation)),
      client_(std::move(client)),
      on_end_(std::move(on_end)),
      idle_(io) {}

void QueenJob::Run() {
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
  model_ = TextOf(operation, "model");
  Narrate("queen_rbee", "infer_start",
          "🤖 Starting inference: model=" + model_ + ", prompt=" + TextOf(operation, "prompt"));
  Schedule();
}

void QueenJob::Narrate(const char* actor, const char* action, const std::string& human) {
  const std::string formatted =
      std::string("\x1b[1m[") + actor + "]\x1b[0m " + action + "\n" + human + "\n";
  if (cut_) return;
  client_->Send(Print({{"type", "narration"},
                       {"formatted", formatted},
                       {"actor", actor},
                       {"action", action},
                       {"target", action},
                       {"human", human},
                       {"job_id", id_}}));
  if (!over_) WatchIdle();
}

void QueenJob::Schedule() {
  Narrate("queen_rbee_scheduler", "infer_schedule", "🔍 Finding worker for model '" + model_ + "'");
  const KnownWorker* worker = hives_.Pick(model_, tried_);
  if (worker == nullptr) {
    Narrate("queen_rbee_scheduler", "infer_no_worker",
            "❌ No available worker found for model '" + model_ + "'");
    return Fail("Scheduling failed: No available worker found for model '" + model_ +
                "'. Make sure a worker is running and has sent heartbeats to queen.");
  }
  worker_ = *worker;
  Narrate("queen_rbee_scheduler", "infer_worker_sel",
          "✅ Selected worker '" + worker_.id + "' for model '" + model_ + "' at " + worker_.url);
  PostToWorker();
}

void QueenJob::PostToWorker() {
  Narrate("queen_rbee_scheduler", "infer_post_start",
          "📤 Sending inference request to worker at " + worker_.url);
  Fetch(io_, "POST", worker_.url + "/v1/jobs", operation_, kPostTimeout,
        [self = shared_from_this()](const Answer& answer) {
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
            if (!answer.error.empty()) return self->WorkerBroke(problem);
            return self->Fail("Job execution failed: " + problem);
          }
          self->Narrate("queen_rbee_scheduler", "infer_job_created",
                        "✅ Worker job created: " + TextOf(json, "job_id"));
          self->StreamFromWorker(path);
        });
}

void QueenJob::StreamFromWorker(const std::string& path) {
  Narrate("queen_rbee_scheduler", "infer_stream_conn",
          "🔗 Connecting to worker SSE stream: " + worker_.url + path);
  skip_ = tokens_;
  const std::weak_ptr<QueenJob> weak = weak_from_this();
  stream_ = std::make_unique<EventSource>(
      io_, worker_.url + path, kPostTimeout,
      EventSource::Handlers{[weak](std::string_view data) {
                              if (const auto self = weak.lock()) self->WorkerEvent(data);
                            },
                            [weak](const std::string& reason) {
                              const auto self = weak.lock();
                              if (!self || self->over_) return;
                              self->WorkerBroke("Worker stream ended without [DONE]" +
                                                (reason.empty() ? "" : " (" + reason + ")"));
                            }});
  Narrate("queen_rbee_scheduler", "infer_streaming", "📡 Streaming tokens from worker...");
}

void QueenJob::WorkerEvent(std::string_view data) {
  if (over_) return;
  if (data == "[DONE]") {
    hives_.Served(worker_.id);
    Narrate("queen_rbee_scheduler", "infer_complete", "✅ Inference complete");
    return Succeed();
  }
  const Json event = Json::parse(data, nullptr, false);
  const std::string type = TextOf(event, "type");
  if (type == "error") {
    return Fail("Job execution failed: " + TextOf(event, "code") + ": " + TextOf(event, "message"));
  }
  if (type != "token") return;
  if (!options_.hide_tokens && !cut_) WatchIdle();
  if (skip_ > 0) {  // another worker's was passed on: the same prompt has the same answer
    --skip_;
    return;
  }
  ++tokens_;
  if (options_.hide_tokens) return Log("token", {{"job_id", id_}, {"t", TextOf(event, "t")}});
  if (!cut_) client_->Send(Print({{"type", "data"}, {"action", "token"}, {"payload", event}}));
}

// The worker cannot be reached, or its stream broke off.
void QueenJob::WorkerBroke(const std::string& why) {
  hives_.Broke(worker_.id, why);
  tried_.insert(worker_.id);
  if (cut_ || tried_.size() > static_cast<std::size_t>(options_.retries))
    return Fail("Job execution failed: " + why);
  Log("job_retry", {{"job_id", id_}, {"from", worker_.id}, {"tokens", std::to_string(tokens_)}});
  Narrate("queen_rbee_scheduler", "infer_retry",
          "🔁 Worker '" + worker_.id + "' broke off, trying another: " + why);
  Schedule();
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
  if (stream_) stream_->Close();
  // Not at once: we may be inside one of its handlers.
  boost::asio::post(io_, [self] { self->stream_.reset(); });
  CloseClient();
  Log("job_end", {{"job_id", id_},
                  {"outcome", cut_ ? "idle cut" : outcome},
                  {"worker_id", worker_.id},
                  {"tokens", std::to_string(tokens_)}});
  on_end_();
}

void QueenJob::CloseClient() {
  if (cut_) return;
  client_->Send("[DONE]");
  client_->CloseStream();
}

void QueenJob::WatchIdle() {
  if (options_.idle_cut.count() == 0) return;
  idle_.expires_after(options_.idle_cut);
  idle_.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->IdleCut();
  });
}

void QueenJob::IdleCut() {
  Log("idle_cut", {{"job_id", id_}, {"tokens", std::to_string(tokens_)}});
  CloseClient();
  cut_ = true;
  if (!stream_) return End("");
  idle_.expires_after(kListenAfterCut);
  idle_.async_wait([weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (!ec && self) self->End("");
  });
}

}  // namespace rbee_sim
