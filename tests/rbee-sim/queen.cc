// Interface of the real queen (ports, paths, events), traps included: unknown paths are 200 with a
// web page, a job is accepted unseen, runs when its stream is read, and can be read once.
#include "tests/rbee-sim/queen.h"

#include <nlohmann/json.hpp>
#include <random>

#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;

constexpr std::chrono::milliseconds kBeat{2500};
constexpr std::size_t kMaxPending = 10000;  // the oldest is forgotten first
constexpr std::size_t kMaxSubscribers = 256;
constexpr std::string_view kJobs = "/v1/jobs/";

// Random, so that the ids of two lives of a queen never meet.
std::string NewJobId(std::uint64_t count) {
  static std::mt19937_64 random{std::random_device{}()};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "job-%016llx-%06llu",
                static_cast<unsigned long long>(random()), static_cast<unsigned long long>(count));
  return text.data();
}

}  // namespace

Queen::Queen(boost::asio::io_context& io, const Options& options)
    : io_(io),
      options_(options),
      hives_(io, options,
             {[this] { Publish(State()); }, [this](const std::string& event) { Publish(event); }}),
      server_(io, [this](const Request& r, const std::shared_ptr<Exchange>& e) { Handle(r, e); }),
      beat_timer_(io) {}

std::string Queen::Start() {
  const std::string error = server_.Listen(options_.port);
  if (!error.empty()) return error;
  Log("listening",
      {{"port", std::to_string(options_.port)}, {"blind", options_.blind ? "true" : "false"}});
  hives_.Start();
  Beat();
  return "";
}

void Queen::Handle(const Request& request, const std::shared_ptr<Exchange>& exchange) {
  const std::string& path = request.path;
  const bool get = request.method == "GET", post = request.method == "POST";
  if (get && path == "/health") return exchange->Answer(200, "", "");
  if (get && path == "/v1/info") {
    const Json info = {
        {"base_url", "http://" + options_.advertise + ":" + std::to_string(options_.port)},
        {"port", options_.port},
        {"version", "0.1.0"},
        {"features", Json::array()},
        {"build_timestamp", "unknown"}};
    return exchange->Answer(200, "application/json", info.dump());
  }
  if (get && path == "/v1/heartbeats/stream") return Subscribe(exchange);
  if (post && path == "/v1/hive/ready") return HiveReady(request, *exchange);
  if (post && path == "/v1/jobs") return CreateJob(request, *exchange);
  if (path.starts_with(kJobs)) {
    const std::string id = path.substr(kJobs.size());
    if (get && id.ends_with("/stream")) return StreamJob(id.substr(0, id.size() - 7), exchange);
    if (request.method == "DELETE") return DeleteJob(id, *exchange);
  }
  Log("web_page", {{"path", path}});
  exchange->Answer(200, "text/html", kWebPage);
}

void Queen::HiveReady(const Request& request, Exchange& exchange) {
  const Json body = Json::parse(request.body, nullptr, false);
  Url url;
  const bool fine = body.is_object() && body.contains("hive_id") && body["hive_id"].is_string() &&
                    body.contains("hive_url") && body["hive_url"].is_string() &&
                    ParseUrl(body["hive_url"].get<std::string>(), url);
  if (!fine)
    return exchange.Answer(400, "text/plain; charset=utf-8", "hive_id and hive_url are needed");
  if (!hives_.Ready(body["hive_id"], body["hive_url"]))
    return exchange.Answer(500, "text/plain", "too many hives");
  exchange.Answer(200, "application/json", R"({"status":"ok","message":"Subscribed to hive"})");
}

void Queen::CreateJob(const Request& request, Exchange& exchange) {
  if (Json::parse(request.body, nullptr, false).is_discarded()) {
    return exchange.Answer(400, "text/plain; charset=utf-8",
                           "Failed to parse the request body as JSON");
  }
  const std::string id = NewJobId(++made_);
  pending_[id] = request.body;
  pending_order_.push_back(id);
  if (pending_order_.size() > kMaxPending) {
    pending_.erase(pending_order_.front());
    pending_order_.pop_front();
  }
  const Json answer = {{"job_id", id}, {"sse_url", std::string(kJobs) + id + "/stream"}};
  exchange.Answer(200, "application/json", answer.dump());
}

void Queen::StreamJob(const std::string& id, const std::shared_ptr<Exchange>& exchange) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) {  // no [DONE] follows, as measured
    exchange->OpenStream();
    exchange->Send(
        "ERROR: Job channel not found. This may be a race condition or job creation failed.");
    return exchange->CloseStream();
  }
  const auto job = std::make_shared<QueenJob>(io_, options_, hives_, id, found->second, exchange,
                                              [this, id] { running_.erase(id); });
  pending_.erase(found);
  running_[id] = job;
  job->Run();
}

void Queen::DeleteJob(const std::string& id, Exchange& exchange) {
  const auto running = running_.find(id);
  if (pending_.erase(id) == 0 && running == running_.end()) {
    return exchange.Answer(404, "text/plain; charset=utf-8", "Job not found");
  }
  if (running != running_.end()) std::shared_ptr(running->second)->Cancel("cancelled");
  exchange.Answer(200, "application/json", Json({{"job_id", id}, {"status", "cancelled"}}).dump());
}

void Queen::Subscribe(const std::shared_ptr<Exchange>& exchange) {
  if (subscribers_.size() >= kMaxSubscribers)
    return exchange->Answer(500, "text/plain", "too many subscribers");
  exchange->OpenStream();
  exchange->on_close = [this, raw = exchange.get()] {
    subscribers_.remove_if([raw](const auto& s) { return s.get() == raw; });
  };
  subscribers_.push_back(exchange);
  exchange->Send("heartbeat", State());
}

void Queen::Publish(const std::string& event) {
  const auto all = subscribers_;  // a copy: a reader that is cut off leaves the list
  for (const auto& subscriber : all) subscriber->Send("heartbeat", event);
}

void Queen::Beat() {
  Publish(State());
  beat_timer_.expires_after(kBeat);
  beat_timer_.async_wait([this](error_code) { Beat(); });
}

// The real queen counts hives where it says workers; here the figures are what their names say.
std::string Queen::State() const {
  const auto hives = hives_.OnlineHives();
  const auto workers = hives_.OnlineWorkers();
  std::size_t idle = 0;
  Json ids = Json::array();
  for (const KnownWorker& worker : workers) {
    idle += worker.busy ? 0 : 1;
    ids.push_back(worker.id);
  }
  const Json event = {{"type", "queen"},
                      {"workers_online", workers.size()},
                      {"workers_available", idle},
                      {"hives_online", hives.size()},
                      {"hives_available", hives.size()},
                      {"worker_ids", ids},
                      {"hive_ids", hives},
                      {"timestamp", TimeStamp()}};
  return event.dump();
}

}  // namespace rbee_sim
