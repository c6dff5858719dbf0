// Schema as measured on the real worker. Its two bugs (`t` is the last two tokens, and there is one
// event too many) are there when asked for. A job waits for its turn from its creation on, but
// runs only once somebody listens.
#include "tests/rbee-sim/worker.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "tests/rbee-sim/http_client.h"
#include "tests/rbee-sim/log.h"
#include "tests/rbee-sim/tokens.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;

constexpr std::size_t kMaxJobs = 10000;
constexpr milliseconds kReportEvery{500};

}  // namespace

struct Worker::Job {
  explicit Job(boost::asio::io_context& io) : timer(io) {}
  std::string id, prompt;
  int max_tokens = 0, sent = 0;
  bool started = false, over = false;
  std::shared_ptr<Exchange> reader;
  std::chrono::steady_clock::time_point due;
  boost::asio::steady_timer timer;
};

Worker::Worker(boost::asio::io_context& io, const Options& options)
    : io_(io),
      options_(options),
      server_(io, [this](const Request& r, const std::shared_ptr<Exchange>& e) { Handle(r, e); }),
      timer_(io) {}

void Worker::Start() {
  Log("loading", {{"model", options_.model}});
  timer_.expires_after(options_.model_load_time);
  timer_.async_wait([this](error_code) { OpenPort(); });
}

void Worker::OpenPort() {
  if (const std::string error = server_.Listen(options_.port); !error.empty()) {
    Log("failed", {{"reason", error}});
    std::exit(1);
  }
  Log("listening", {{"port", std::to_string(options_.port)}, {"model", options_.model}});
  Report();
}

// Tells the hive again and again that it lives; the hive forgets workers that fall silent.
void Worker::Report() {
  const Json body = {{"worker_id", "llm-" + options_.instance},
                     {"instance", options_.instance},
                     {"url", "http://" + options_.advertise + ":" + std::to_string(options_.port)},
                     {"model_ref", options_.model},
                     {"busy", running_ >= options_.parallel}};
  Fetch(io_, "POST", options_.hive_url + "/v1/workers/ready", body.dump(), kReportEvery,
        [this](const Answer& answer) {
          const bool ok = answer.error.empty() && answer.status == 200;
          if (ok != told_) Log(ok ? "registered" : "hive_unreachable", {{"reason", answer.error}});
          told_ = ok;
        });
  timer_.expires_after(kReportEvery);
  timer_.async_wait([this](error_code) { Report(); });
}

void Worker::Handle(const Request& request, const std::shared_ptr<Exchange>& exchange) {
  const std::string& path = request.path;
  const bool get = request.method == "GET";
  if (get && path == "/health")
    return exchange->Answer(200, "application/json", R"({"status":"healthy"})");
  for (const std::string base : {"/v1/jobs", "/v1/inference"}) {
    if (request.method == "POST" && path == base) return Create(request, *exchange);
    if (get && path.starts_with(base + "/") && path.ends_with("/stream") &&
        path.size() > base.size() + 8) {
      return Attach(path.substr(base.size() + 1, path.size() - base.size() - 8), exchange);
    }
  }
  exchange->Answer(404, "", "");
}

void Worker::Create(const Request& request, Exchange& exchange) {
  const Json body = Json::parse(request.body, nullptr, false);
  const auto refuse = [&](const std::string& why) {
    exchange.Answer(500, "text/plain; charset=utf-8", "Failed to parse operation: " + why);
  };
  if (!body.is_object()) return refuse("not a JSON object");
  for (const char* field : {"operation", "model", "prompt"}) {
    if (!body.contains(field)) return refuse(std::string("missing field `") + field + "`");
    if (!body[field].is_string()) return refuse(std::string("field `") + field + "` is not text");
  }
  const Json tokens = body.value("max_tokens", Json());
  if (!tokens.is_number_unsigned() || tokens.get<std::uint64_t>() > 100000)
    return refuse("missing field `max_tokens`");
  if (body["operation"] != "infer") return refuse("unsupported operation");
  if (jobs_.size() >= kMaxJobs) return refuse("too many jobs");
  auto job = std::make_shared<Job>(io_);
  job->id = "job-" + options_.instance + "-" + std::to_string(++made_);
  job->prompt = body["prompt"];
  job->max_tokens = tokens.get<int>();
  jobs_[job->id] = job;
  // Who never comes to listen must not hold memory for ever.
  job->timer.expires_after(std::chrono::seconds(60));
  job->timer.async_wait([this, job](error_code ec) {
    if (!ec && !job->reader) Finish(job, "abandoned");
  });
  const Json answer = {{"job_id", job->id}, {"sse_url", "/v1/jobs/" + job->id + "/stream"}};
  exchange.Answer(200, "application/json", answer.dump());
}

void Worker::Attach(const std::string& id, const std::shared_ptr<Exchange>& exchange) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return exchange->Answer(404, "", "");
  const auto job = found->second;
  if (job->reader)
    return exchange->Answer(500, "text/plain; charset=utf-8", "receiver already taken");
  job->reader = exchange;
  job->timer.cancel();
  exchange->on_close = [this, job] { Finish(job, "client gone"); };
  exchange->OpenStream();
  waiting_.push_back(job);
  RunNext();
}

void Worker::RunNext() {
  while (running_ < options_.parallel && !waiting_.empty()) {
    const auto job = waiting_.front();
    waiting_.pop_front();
    if (job->over) continue;
    ++running_;
    job->started = true;
    job->due = std::chrono::steady_clock::now();
    Log("job_start", {{"job_id", job->id}});
    const Json started = {
        {"type", "started"},
        {"job_id", job->id},
        {"model", "model"},  // the real worker writes this word, whatever it has loaded
        {"started_at", std::to_string(std::time(nullptr))}};
    job->reader->Send(started.dump());
    job->due += options_.first_token_delay;
    NextToken(job);
  }
}

void Worker::NextToken(const std::shared_ptr<Job>& job) {
  if (job->over || Break(job)) return;
  if (job->sent == job->max_tokens + (options_.extra_token ? 1 : 0)) return Done(job, "done");
  // Against a fixed schedule, so that the rate is the one asked for.
  job->due += std::chrono::microseconds(static_cast<long>(1e6 / options_.token_rate));
  job->timer.expires_at(job->due);
  job->timer.async_wait([this, job](error_code ec) {
    if (ec || job->over) return;
    const bool repeated = options_.repeat_text || job->sent == job->max_tokens;
    const Json token = {{"type", "token"},
                        {"t", repeated ? RepeatedToken(job->prompt, job->sent, job->max_tokens)
                                       : Token(job->prompt, job->sent)},
                        {"i", job->sent}};
    ++job->sent;
    job->reader->Send(token.dump());
    if (job->sent == 1) Log("first_token", {{"job_id", job->id}});
    NextToken(job);
  });
}

// True when this job goes wrong here, in the way that was asked for.
bool Worker::Break(const std::shared_ptr<Job>& job) {
  if (options_.fail_kind.empty() || job->sent != options_.fail_after) return false;
  const std::string& kind = options_.fail_kind;
  Log("token_failure",
      {{"job_id", job->id}, {"kind", kind}, {"tokens", std::to_string(job->sent)}});
  if (kind == "cut") {
    job->reader->Cut();
    Finish(job, "cut");
  } else if (kind == "error-event") {
    job->reader->Send(
        R"({"type":"error","code":"GENERATION_ERROR","message":"CUDA error: out of memory"})");
    Done(job, "error");
  } else if (kind == "engine-error") {
    Done(job, "engine error");
  }
  return true;  // "stall": nothing more comes, for ever
}

void Worker::Done(const std::shared_ptr<Job>& job, const char* outcome) {
  job->reader->Send("[DONE]");
  job->reader->CloseStream();
  Finish(job, outcome);
}

void Worker::Finish(const std::shared_ptr<Job>& job, const char* outcome) {
  if (job->over) return;
  job->over = true;
  job->timer.cancel();
  jobs_.erase(job->id);
  Log("job_end",
      {{"job_id", job->id}, {"outcome", outcome}, {"tokens", std::to_string(job->sent)}});
  if (!job->started) return;
  --running_;
  RunNext();
}

}  // namespace rbee_sim
