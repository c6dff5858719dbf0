// Schema as measured on the real worker, without its two bugs: `t` is one token and not the last
// two, and there are exactly max_tokens of them. A job waits for its turn from its creation on, but
// runs only once somebody listens.
#include "tests/rbee-sim/worker.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "tests/rbee-sim/http_client.h"
#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;

constexpr std::size_t kMaxJobs = 10000;
constexpr std::chrono::seconds kReportEvery{1};

std::uint64_t Hash(std::string_view text) {
  std::uint64_t h = 14695981039346656037ull;  // FNV-1a
  for (const unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  return h;
}

}  // namespace

std::string Token(const std::string& prompt, int i) {
  int a = 0, b = 0;
  char end = 0;
  if (i == 0 && std::sscanf(prompt.c_str(), "%9d+%9d%c", &a, &b, &end) == 3 && end == '=')
    return std::to_string(a + b);
  std::array<char, 16> text{};
  const auto word = static_cast<unsigned>(Hash(prompt + "/" + std::to_string(i)) % 256);
  std::snprintf(text.data(), text.size(), i == 0 ? "w%03u" : " w%03u", word);
  return text.data();
}

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

// Tells the hive each second that it lives; the hive forgets workers that fall silent.
void Worker::Report() {
  const Json body = {{"worker_id", "llm-" + options_.instance},
                     {"instance", options_.instance},
                     {"url", "http://" + options_.advertise + ":" + std::to_string(options_.port)},
                     {"model_ref", options_.model},
                     {"busy", running_ >= options_.parallel}};
  Fetch(io_, "POST", options_.hive_url + "/v1/workers/ready", body.dump(), kReportEvery,
        [](const Answer&) {});
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
    NextToken(job);
  }
}

void Worker::NextToken(const std::shared_ptr<Job>& job) {
  if (job->over) return;
  if (job->sent == job->max_tokens) {
    job->reader->Send("[DONE]");
    job->reader->CloseStream();
    return Finish(job, "done");
  }
  // Against a fixed schedule, so that the rate is the one asked for.
  job->due += std::chrono::microseconds(static_cast<long>(1e6 / options_.token_rate));
  job->timer.expires_at(job->due);
  job->timer.async_wait([this, job](error_code ec) {
    if (ec || job->over) return;
    const Json token = {{"type", "token"}, {"t", Token(job->prompt, job->sent)}, {"i", job->sent}};
    ++job->sent;
    job->reader->Send(token.dump());
    NextToken(job);
  });
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
