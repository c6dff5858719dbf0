#include "injectors/protocol/load.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "injectors/protocol/field_reader.h"

namespace chaos::protocol {
namespace {

constexpr std::size_t kMaxPivots = 64;

Json ToJson(const Executor& executor) {
  Json stages = Json::array();
  for (const Stage& stage : executor.stages)
    stages.push_back({{"duration", PrintDuration(stage.duration)}, {"target", stage.target}});
  Json json = {{"startVUs", executor.start_vus},
               {"stages", stages},
               {"gracefulRampDown", PrintDuration(executor.graceful_ramp_down)},
               {"gracefulStop", PrintDuration(executor.graceful_stop)}};
  if (!executor.DealsIterations()) return json;
  json["type"] = Name(executor.type);
  if (executor.HasRate()) {
    json["startRate"] = executor.start_rate;
    json["timeUnit"] = PrintDuration(executor.time_unit);
    json["maxVUs"] = executor.max_vus;
  } else {
    json["iterations"] = executor.iterations;
  }
  return json;
}

Json ToJson(const LoadRequest& request) {
  Json json = {{"protocol", request.protocol},
               {"url", request.url},
               {"timeout", PrintDuration(request.timeout)},
               {"connectTimeout", PrintDuration(request.connect_timeout)},
               {"firstTokenTimeout", PrintDuration(request.first_token_timeout)},
               {"idleTimeout", PrintDuration(request.idle_timeout)}};
  PutUnlessEmpty(json, "model", request.model);
  if (!request.prompts.empty()) json["prompts"] = request.prompts;
  json["maxTokens"] = request.max_tokens;
  json["expectTokens"] = request.expect_tokens;
  json["method"] = request.method;
  PutUnlessEmpty(json, "body", request.body);
  PutUnlessEmpty(json, "contentType", request.content_type);
  if (!request.status_in.empty()) json["statusIn"] = request.status_in;
  PutUnlessEmpty(json, "bodyContains", request.body_contains);
  return json;
}

// What executors that deal out iterations have beside VUs and stages.
void ReadDealing(FieldReader& reader, Executor& executor) {
  std::string type(Name(executor.type));
  reader.Read("type", type);
  bool known = false;
  for (const ExecutorType candidate :
       {ExecutorType::kVus, ExecutorType::kPerVuIterations, ExecutorType::kSharedIterations,
        ExecutorType::kConstantArrivalRate, ExecutorType::kRampingArrivalRate}) {
    if (type != Name(candidate)) continue;
    executor.type = candidate;
    known = true;
  }
  if (!known) reader.Fail("type", "the name of one of k6's executors");
  reader.Read("iterations", executor.iterations);
  reader.Read("startRate", executor.start_rate);
  reader.Read("timeUnit", executor.time_unit);
  reader.Read("maxVUs", executor.max_vus);
  if (executor.iterations < 1 || executor.iterations > kMaxLoadIterations)
    reader.Fail("iterations", "1 to 1000000000");
  const bool constant = executor.type == ExecutorType::kConstantArrivalRate;
  if (executor.start_rate < (constant ? 1 : 0) || executor.start_rate > kMaxLoadVus)
    reader.Fail("startRate", "0 to 1000000, and above 0 where it is constant");
  if (executor.time_unit < milliseconds(1) || executor.time_unit > kMaxLoadLength)
    reader.Fail("timeUnit", "1ms to 48h");
  if (executor.max_vus < (executor.HasRate() ? std::max(1, executor.start_vus) : 0) ||
      executor.max_vus > kMaxLoadVus)
    reader.Fail("maxVUs", "no less than startVUs, and 1 to 1000000");
}

std::string ReadExecutor(const Json& json, Executor& executor) {
  FieldReader reader(json, "executor");
  reader.Read("startVUs", executor.start_vus, true);
  reader.Read("gracefulRampDown", executor.graceful_ramp_down);
  reader.Read("gracefulStop", executor.graceful_stop);
  std::string bad;
  if (const Json* stages = reader.Take("stages", true)) {
    if (!stages->is_array() || stages->empty() || stages->size() > 100)
      reader.Fail("stages", "a list of 1 to 100 stages");
    else
      for (const Json& item : *stages) {
        Stage stage;
        FieldReader r(item, "stages[" + std::to_string(executor.stages.size()) + "]");
        r.Read("duration", stage.duration, true);
        r.Read("target", stage.target, true);
        if (stage.target < 0 || stage.target > kMaxLoadVus) r.Fail("target", "0 to 1000000");
        if (bad.empty()) bad = r.Finish();
        executor.stages.push_back(stage);
      }
  }
  if (executor.start_vus < 0 || executor.start_vus > kMaxLoadVus)
    reader.Fail("startVUs", "0 to 1000000 VUs");
  ReadDealing(reader, executor);
  if (executor.DealsIterations() && !executor.HasRate() && executor.start_vus < 1)
    reader.Fail("startVUs", "above 0");
  if (Length(executor) > kMaxLoadLength) reader.Fail("stages", "no longer than 48h together");
  const std::string error = reader.Finish();
  return error.empty() ? bad : error;
}

std::string ReadRequest(const Json& json, LoadRequest& request) {
  FieldReader reader(json, "request");
  reader.Read("protocol", request.protocol, true);
  reader.Read("url", request.url, true);
  reader.Read("timeout", request.timeout);
  reader.Read("connectTimeout", request.connect_timeout);
  reader.Read("firstTokenTimeout", request.first_token_timeout);
  reader.Read("idleTimeout", request.idle_timeout);
  reader.Read("model", request.model);
  reader.Read("prompts", request.prompts, "a list of texts");
  reader.Read("maxTokens", request.max_tokens);
  if (const Json* expect = reader.Take("expectTokens", false)) {
    if (expect->is_boolean())
      request.expect_tokens = expect->get<bool>();
    else
      reader.Fail("expectTokens", "true or false");
  }
  reader.Read("method", request.method);
  reader.Read("body", request.body);
  reader.Read("contentType", request.content_type);
  std::vector<std::uint16_t> codes;
  reader.Read("statusIn", codes, "a list of status codes");
  request.status_in.assign(codes.begin(), codes.end());
  reader.Read("bodyContains", request.body_contains);
  if (request.protocol != "rbee" && request.protocol != "http")
    reader.Fail("protocol", "rbee or http");
  if (request.url.empty()) reader.Fail("url", "an address such as http://10.0.0.1:7833");
  if (request.timeout <= milliseconds(0)) reader.Fail("timeout", "above 0");
  if (request.protocol == "rbee" && request.prompts.empty())
    reader.Fail("prompts", "a list with at least one prompt");
  if (request.max_tokens < 1) reader.Fail("maxTokens", "above 0");
  return reader.Finish();
}

std::string ReadPivots(const Json& list, std::vector<Pivot>& pivots) {
  if (!list.is_array() || list.size() > kMaxPivots) return "pivots must be a list of at most 64";
  for (const Json& item : list) {
    Pivot pivot;
    std::string trend;
    FieldReader reader(item, "pivots[" + std::to_string(pivots.size()) + "]");
    reader.Read("trend", trend, true);
    reader.Read("us", pivot.at_us, true);
    const Metric* metric = FindMetric(trend);
    if (metric == nullptr || !metric->trend)
      reader.Fail("trend", "the name of a trend such as ttft");
    else
      pivot.trend = *metric->trend;
    if (std::string error = reader.Finish(); !error.empty()) return error;
    pivots.push_back(pivot);
  }
  return "";
}

}  // namespace

Json ToJson(const LoadArguments& a) {
  Json json = {{"v", 1},
               {"run", a.run},
               {"pods", a.pods},
               {"start", PrintTime(a.start)},
               {"executor", ToJson(a.executor)},
               {"request", ToJson(a.request)},
               {"thinkMin", PrintDuration(a.think_min)},
               {"thinkMax", PrintDuration(a.think_max)},
               {"seed", a.seed},
               {"linger", PrintDuration(a.linger)}};
  if (a.until_stopped) json["untilStopped"] = true;
  if (a.pivots.empty()) return json;
  json["pivots"] = Json::array();
  for (const Pivot& pivot : a.pivots)
    json["pivots"].push_back({{"trend", Name(pivot.trend)}, {"us", pivot.at_us}});
  return json;
}

Result<LoadArguments> LoadFromJson(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return json.error();
  LoadArguments a;
  FieldReader reader(*json, "arguments");
  int version = 0;
  reader.Read("v", version, true);
  if (version != 1) reader.Fail("v", "1: the load image is of another version than the operator");
  reader.Read("run", a.run, true);
  reader.Read("pods", a.pods, true);
  reader.Read("start", a.start);
  reader.Read("thinkMin", a.think_min);
  reader.Read("thinkMax", a.think_max);
  reader.Read("seed", a.seed, true);
  reader.Read("linger", a.linger);
  if (const Json* until = reader.Take("untilStopped", false)) {
    if (until->is_boolean())
      a.until_stopped = until->get<bool>();
    else
      reader.Fail("untilStopped", "true or false");
  }
  std::array<std::string, 3> inner;
  if (const Json* executor = reader.Take("executor", true))
    inner[0] = ReadExecutor(*executor, a.executor);
  if (const Json* request = reader.Take("request", true))
    inner[1] = ReadRequest(*request, a.request);
  if (const Json* pivots = reader.Take("pivots", false)) inner[2] = ReadPivots(*pivots, a.pivots);
  if (!IsHex(a.run, 10)) reader.Fail("run", "10 hex digits");
  if (a.pods < 1 || a.pods > kMaxLoadPods) reader.Fail("pods", "1 to 64");
  if (inner[0].empty() && a.executor.DealsIterations() && a.pods > MaxVus(a.executor))
    reader.Fail("pods", "no more than there are VUs");
  if (a.think_min > a.think_max) reader.Fail("thinkMax", "no less than thinkMin");
  if (std::string error = reader.Finish(); !error.empty()) return Invalid(error);
  for (const std::string& error : inner) {
    if (!error.empty()) return Invalid(error);
  }
  return a;
}

}  // namespace chaos::protocol
