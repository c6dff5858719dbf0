// Unlike the real hive, which gives up after five tries, it announces itself for ever while nobody
// is subscribed: a system that cannot recover would be no measure for a recovery.
#include "tests/rbee-sim/hive.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/rbee-sim/http_client.h"
#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBeat{1000};
constexpr milliseconds kForget{3500};  // a worker that missed three reports
constexpr milliseconds kReadyTimeout{1000};
constexpr milliseconds kFirstBackOff{250};
constexpr milliseconds kMaxBackOff{1000};
constexpr std::size_t kMaxWorkers = 256;
constexpr std::size_t kMaxSubscribers = 32;

constexpr std::string_view kCapabilities =
    R"({"devices":[{"id":"CPU-0","name":"sim","device_type":"cpu","vram_gb":0,"compute_capability":null}]})";

std::uint64_t Millis(steady_clock::duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(d).count());
}

}  // namespace

Hive::Hive(boost::asio::io_context& io, const Options& options)
    : io_(io),
      options_(options),
      server_(io, [this](const Request& r, const std::shared_ptr<Exchange>& e) { Handle(r, e); }),
      beat_timer_(io),
      ready_timer_(io) {}

std::string Hive::Start() {
  const std::string error = server_.Listen(options_.port);
  if (!error.empty()) return error;
  Log("listening", {{"port", std::to_string(options_.port)}, {"hive_id", options_.hive_id}});
  Beat();
  TellQueen();
  return "";
}

void Hive::Handle(const Request& request, const std::shared_ptr<Exchange>& exchange) {
  const bool get = request.method == "GET";
  if (get && request.path == "/health")
    return exchange->Answer(200, "text/plain; charset=utf-8", "ok");
  if (get && (request.path == "/v1/capabilities" || request.path == "/capabilities")) {
    return exchange->Answer(200, "application/json", kCapabilities);
  }
  if (get && request.path == "/v1/heartbeats/stream") return Subscribe(request, exchange);
  if (request.method == "POST" && request.path == "/v1/workers/ready")
    return Remember(request, *exchange);
  Log("web_page", {{"path", request.path}});
  exchange->Answer(200, "text/html", kWebPage);
}

void Hive::Remember(const Request& request, Exchange& exchange) {
  const Json body = Json::parse(request.body, nullptr, false);
  for (const char* field : {"worker_id", "instance", "url", "model_ref"}) {
    if (!body.is_object() || !body.contains(field) || !body[field].is_string()) {
      return exchange.Answer(400, "text/plain; charset=utf-8",
                             std::string("missing field `") + field + "`");
    }
  }
  const std::string id = body["worker_id"];
  const bool fresh = !workers_.contains(id);
  if (fresh && workers_.size() >= kMaxWorkers)
    return exchange.Answer(500, "text/plain", "too many workers");
  Known& worker = workers_[id];
  worker.instance = body["instance"];
  worker.url = body["url"];
  worker.model = body["model_ref"];
  worker.busy = body.value("busy", false);
  worker.seen = steady_clock::now();
  exchange.Answer(200, "application/json", R"({"message":"Worker registered"})");
  if (!fresh) return;
  worker.since = worker.seen;
  Log("worker_online", {{"worker_id", id}, {"url", worker.url}});
  Publish();
}

void Hive::Publish() {
  const std::string telemetry = Telemetry();
  const auto all = subscribers_;  // a copy: a reader that is cut off leaves the list
  for (const auto& subscriber : all) subscriber.exchange->Send("heartbeat", telemetry);
}

void Hive::Subscribe(const Request& request, const std::shared_ptr<Exchange>& exchange) {
  if (subscribers_.size() >= kMaxSubscribers)
    return exchange->Answer(500, "text/plain", "too many subscribers");
  exchange->OpenStream();
  exchange->on_close = [this, raw = exchange.get()] {
    subscribers_.remove_if([raw](const auto& s) { return s.exchange.get() == raw; });
    Log("subscriber_gone");
  };
  const bool is_queen = request.query == "subscriber=queen";
  subscribers_.push_back({exchange, is_queen});
  Log("subscribed", {{"by", is_queen ? "queen" : "other"}});
  exchange->Send("heartbeat", Telemetry());
}

void Hive::Beat() {
  const auto now = steady_clock::now();
  std::erase_if(workers_, [now](const auto& entry) {
    const bool gone = now - entry.second.seen > kForget;
    if (gone) Log("worker_lost", {{"worker_id", entry.first}});
    return gone;
  });
  Publish();
  beat_timer_.expires_after(kBeat);
  beat_timer_.async_wait([this](error_code) { Beat(); });
}

// Says who we are until the queen has subscribed, and again whenever its subscription is gone.
void Hive::TellQueen() {
  const auto again = [this](milliseconds delay) {
    ready_timer_.expires_after(delay);
    ready_timer_.async_wait([this](error_code) { TellQueen(); });
  };
  if (std::any_of(subscribers_.begin(), subscribers_.end(),
                  [](const auto& s) { return s.is_queen; })) {
    back_off_ = milliseconds(0);
    return again(kFirstBackOff);
  }
  const Json body = {
      {"hive_id", options_.hive_id},
      {"hive_url", "http://" + options_.advertise + ":" + std::to_string(options_.port)}};
  Fetch(io_, "POST", options_.queen_url + "/v1/hive/ready", body.dump(), kReadyTimeout,
        [this, again](const Answer& answer) {
          const bool ok = answer.error.empty() && answer.status == 200;
          if (!ok && told_ != ok) Log("queen_unreachable", {{"reason", answer.error}});
          if (ok && told_ != ok) Log("queen_told");
          told_ = ok;
          back_off_ = std::clamp(back_off_ * 2, kFirstBackOff, kMaxBackOff);
          again(back_off_);
        });
}

std::string Hive::Telemetry() const {
  Json workers = Json::array();
  const auto now = steady_clock::now();
  for (const auto& [id, w] : workers_) {
    workers.push_back({{"pid", 1},
                       {"group", "llm"},
                       {"instance", w.instance},
                       {"cpu_pct", 0.0},
                       {"rss_mb", 8},
                       {"io_r_mb_s", 0.0},
                       {"io_w_mb_s", 0.0},
                       {"uptime_s", Millis(now - w.since) / 1000},
                       {"gpu_util_pct", w.busy ? 95.0 : 0.0},
                       {"vram_mb", 0},
                       {"total_vram_mb", 24576},
                       {"model", w.model},
                       {"url", w.url},
                       {"silent_ms", Millis(now - w.seen)}});
  }
  const Json event = {{"type", "telemetry"},
                      {"hive_id", options_.hive_id},
                      {"hive_info",
                       {{"id", options_.hive_id},
                        {"hostname", options_.advertise},
                        {"port", options_.port},
                        {"operational_status", "ready"},
                        {"health_status", "healthy"},
                        {"version", "0.1.0"}}},
                      {"timestamp", TimeStamp()},
                      {"workers", workers}};
  return event.dump();
}

}  // namespace rbee_sim
