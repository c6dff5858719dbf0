// A hive is online from the first event of its stream until the stream ends or is silent for too
// long. The attempts to come back are new connections, one a second: packets that flow again are
// noticed within about two seconds.
#include "tests/rbee-sim/queen_hives.h"

#include <nlohmann/json.hpp>

#include "tests/rbee-sim/log.h"

namespace rbee_sim {
namespace {

using Json = nlohmann::ordered_json;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{50};
constexpr milliseconds kOpenTimeout{1000};
constexpr milliseconds kRetry{1000};
constexpr milliseconds kBlindReopen{
    10000};  // a blind queen still needs a stream that works one day
constexpr std::size_t kMaxHives = 64;
constexpr int kMaxRepeats = 8;

std::string TextOf(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<KnownWorker> WorkersIn(const Json& event, const std::string& hive_id,
                                   steady_clock::time_point now) {
  std::vector<KnownWorker> workers;
  const auto list = event.find("workers");
  if (list == event.end() || !list->is_array()) return workers;
  for (const Json& item : *list) {
    if (!item.is_object()) continue;
    KnownWorker worker{TextOf(item, "group") + "-" + TextOf(item, "instance"),
                       TextOf(item, "url"),
                       TextOf(item, "model"),
                       hive_id,
                       false,
                       now};
    const auto silent = item.find("silent_ms");
    if (silent != item.end() && silent->is_number_unsigned())
      worker.heard -= milliseconds(silent->get<std::uint32_t>());
    const auto busy = item.find("gpu_util_pct");
    worker.busy = busy != item.end() && busy->is_number() && busy->get<double>() > 0;
    if (!worker.url.empty()) workers.push_back(std::move(worker));
  }
  return workers;
}

}  // namespace

Hives::Hives(boost::asio::io_context& io, const Options& options, Handlers handlers)
    : io_(io), options_(options), handlers_(std::move(handlers)), timer_(io), roster_(options) {}

void Hives::Start() { Tick(); }

bool Hives::Ready(const std::string& id, const std::string& url) {
  if (!hives_.contains(id) && hives_.size() >= kMaxHives) return false;
  auto& hive = hives_[id];
  if (!hive) hive = std::make_unique<Hive>();
  const auto now = steady_clock::now();
  if (hive->url == url && hive->stream && now - hive->last_event < kOpenTimeout) return true;
  if (hive->url != url) Log("hive_ready", {{"hive_id", id}, {"url", url}});
  hive->id = id;
  hive->url = url;
  Open(*hive);
  return true;
}

void Hives::Open(Hive& hive) {
  if (hive.stream) {
    hive.stream->Close();
    closed_.push_back(std::move(hive.stream));
  }
  hive.last_event = steady_clock::now();
  hive.next_try = hive.last_event + kRetry;
  Hive* self = &hive;  // hives are never forgotten
  hive.stream = std::make_unique<EventSource>(
      io_, hive.url + "/v1/heartbeats/stream?subscriber=queen", kOpenTimeout,
      EventSource::Handlers{[this, self](std::string_view data) { Event(*self, data); },
                            [this, self](const std::string& reason) {
                              closed_.push_back(std::move(self->stream));
                              Lose(*self, reason.empty() ? "stream ended" : reason);
                            }});
}

void Hives::Event(Hive& hive, std::string_view data) {
  const Json event = Json::parse(data, nullptr, false);
  if (!event.is_object() || TextOf(event, "type") != "telemetry") return;
  hive.last_event = steady_clock::now();
  const bool came = !hive.online;
  if (came) Log(hive.ever ? "hive_back" : "hive_online", {{"hive_id", hive.id}});
  if (came && hive.ever) ++hive.returns;
  hive.online = hive.ever = true;
  const auto listed = WorkersIn(event, hive.id, hive.last_event);
  const bool moved = roster_.Heard(hive.id, listed, hive.last_event);
  if (came || moved) Changed(hive);
  const Json forwarded = {{"type", "hive_telemetry"},
                          {"hive_id", hive.id},
                          {"timestamp", event.value("timestamp", "")},
                          {"workers", event.value("workers", Json::array())}};
  // The real queen subscribes once more at each return, and forgets no subscription.
  const int times = options_.repeat_telemetry ? std::min(1 + hive.returns, kMaxRepeats) : 1;
  if (came && times > 1) Log("telemetry_repeated", {{"times", std::to_string(times)}});
  for (int i = 0; i < times; ++i) handlers_.on_telemetry(forwarded.dump());
}

void Hives::Changed(const Hive& hive) {
  Log("workers", {{"hive_id", hive.id}, {"count", std::to_string(roster_.Of(hive.id).size())}});
  handlers_.on_change();
}

void Hives::Lose(Hive& hive, const std::string& reason) {
  if (!hive.online || options_.blind) return;
  hive.online = false;
  Log("hive_lost", {{"hive_id", hive.id}, {"reason", reason}});
  handlers_.on_change();
}

void Hives::Tick() {
  closed_.clear();
  const auto now = steady_clock::now();
  const milliseconds limit = options_.blind ? kBlindReopen : options_.detect_after;
  for (auto& [id, hive] : hives_) {
    const auto silence = std::chrono::duration_cast<milliseconds>(now - hive->last_event);
    if (hive->stream && silence > limit) {
      Lose(*hive, "silent for " + std::to_string(silence.count()) + " ms");
      Open(*hive);
    } else if (!hive->stream && now >= hive->next_try) {
      Open(*hive);
    }
  }
  if (roster_.Drop(now)) {
    for (const auto& [id, hive] : hives_) Changed(*hive);
  }
  timer_.expires_after(kTick);
  timer_.async_wait([this](error_code) { Tick(); });
}

std::vector<std::string> Hives::OnlineHives() const {
  std::vector<std::string> ids;
  for (const auto& [id, hive] : hives_) {
    if (hive->online) ids.push_back(id);
  }
  return ids;
}

std::vector<KnownWorker> Hives::OnlineWorkers() const {
  std::vector<KnownWorker> all;
  for (const auto& [id, hive] : hives_) {
    if (!hive->online) continue;
    const auto some = roster_.Of(id);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void Hives::Broke(const std::string& worker_id, const std::string& why) {
  roster_.Suspect(worker_id, why, steady_clock::now());
}

void Hives::Served(const std::string& worker_id) { roster_.Served(worker_id, steady_clock::now()); }

const KnownWorker* Hives::Pick(const std::string& model, const std::set<std::string>& without) {
  std::vector<KnownWorker> fit = OnlineWorkers();
  std::erase_if(fit, [&](const KnownWorker& worker) {
    return worker.model != model || without.contains(worker.id);
  });
  if (fit.empty()) return nullptr;
  picked_ = fit[turn_++ % fit.size()];
  return &picked_;
}

}  // namespace rbee_sim
