#include "controllers/loadtest/types.h"

#include <cstdlib>

#include "controllers/world/run.h"
#include "operator/base/time_text.h"

namespace chaos::loadtest {
namespace {

milliseconds Duration(const Json& json, std::initializer_list<std::string_view> path,
                      milliseconds fallback) {
  if (Result<milliseconds> parsed = ParseDuration(Text(json, path))) return *parsed;
  return fallback;
}

int Count(const Json& json, const char* key, std::int64_t fallback) {
  return static_cast<int>(Integer(json, {key}, fallback));
}

std::vector<protocol::Stage> ReadStages(const Json& executor) {
  std::vector<protocol::Stage> stages;
  for (const Json& stage : ListAt(executor, {"stages"}))
    stages.push_back({Duration(stage, {"duration"}, milliseconds(0)), Count(stage, "target", 0)});
  return stages;
}

std::optional<protocol::Executor> ReadExecutor(const Json& json) {
  using Type = protocol::ExecutorType;
  const Json& item = ObjectAt(json, {"executor"});
  if (item.empty()) return std::nullopt;
  const std::string type = Text(item, {"type"});
  protocol::Executor executor;
  executor.graceful_ramp_down = Duration(item, {"gracefulRampDown"}, seconds(30));
  executor.graceful_stop = Duration(item, {"gracefulStop"}, seconds(30));
  if (type == "constant-vus") {
    executor.start_vus = Count(item, "vus", 1);
    executor.stages = {{Duration(item, {"duration"}, milliseconds(0)), executor.start_vus}};
  } else if (type == Name(Type::kPerVuIterations) || type == Name(Type::kSharedIterations)) {
    executor.type =
        type == Name(Type::kPerVuIterations) ? Type::kPerVuIterations : Type::kSharedIterations;
    executor.start_vus = Count(item, "vus", 1);
    executor.iterations = Integer(item, {"iterations"}, 1);
    executor.stages = {
        {Duration(item, {"maxDuration"}, std::chrono::minutes(10)), executor.start_vus}};
  } else if (type == Name(Type::kConstantArrivalRate) || type == Name(Type::kRampingArrivalRate)) {
    executor.time_unit = Duration(item, {"timeUnit"}, seconds(1));
    executor.start_vus = Count(item, "preAllocatedVUs", 1);
    executor.max_vus = Count(item, "maxVUs", executor.start_vus);
    const bool constant = type == Name(Type::kConstantArrivalRate);
    executor.type = constant ? Type::kConstantArrivalRate : Type::kRampingArrivalRate;
    executor.start_rate = constant ? Count(item, "rate", 1) : Count(item, "startRate", 0);
    if (constant)
      executor.stages = {{Duration(item, {"duration"}, milliseconds(0)), executor.start_rate}};
    else
      executor.stages = ReadStages(item);
  } else {
    executor.start_vus = Count(item, "startVUs", 1);
    executor.stages = ReadStages(item);
  }
  return executor;
}

protocol::LoadRequest ReadRequest(const Json& json) {
  protocol::LoadRequest r;
  r.model = Text(json, {"model"});
  r.max_tokens = static_cast<int>(Integer(json, {"maxTokens"}, 50));
  r.expect_tokens = Flag(json, {"expectTokens"});
  r.method = Text(json, {"method"}, "GET");
  r.body = Text(json, {"body"});
  r.content_type = Text(json, {"contentType"});
  for (const Json& code : ListAt(json, {"statusIn"})) {
    if (code.is_number_integer()) r.status_in.push_back(code.get<int>());
  }
  r.body_contains = Text(json, {"bodyContains"});
  r.timeout = Duration(json, {"timeout"}, seconds(30));
  r.connect_timeout = Duration(json, {"connectTimeout"}, seconds(5));
  r.first_token_timeout = Duration(json, {"firstTokenTimeout"}, milliseconds(0));
  r.idle_timeout = Duration(json, {"idleTimeout"}, milliseconds(0));
  return r;
}

ThresholdSpec ReadThreshold(const Json& json) {
  return {Text(json, {"metric"}),
          Text(json, {"expression"}),
          Text(json, {"phase"}),
          Flag(json, {"abortOnFail"}),
          Duration(json, {"delayAbortEval"}, milliseconds(0)),
          Integer(json, {"minSamples"}, 1)};
}

PodTemplate ReadTemplate(const Json& json) {
  PodTemplate pod{TextMap(json, {"labels"}), TextMap(json, {"annotations"}), Json::object(),
                  ObjectAt(json, {"resources"})};
  for (const char* field : {"nodeSelector", "tolerations", "serviceAccountName", "imagePullSecrets",
                            "priorityClassName"}) {
    if (const Json* value = Find(json, {field})) pod.fields[field] = *value;
  }
  return pod;
}

Spec ReadSpec(const Json& json) {
  Spec spec;
  spec.description = Text(json, {"description"});
  spec.target = {Text(json, {"target", "component"}), Text(json, {"target", "service"}),
                 static_cast<std::uint16_t>(Integer(json, {"target", "port"}))};
  spec.protocol = Text(json, {"protocol"});
  spec.pattern = Text(json, {"pattern"});
  spec.executor = ReadExecutor(json);
  spec.scale = std::strtod(Text(json, {"scale"}, "100%").c_str(), nullptr) / 100;  // "12.5%"
  spec.time_scale = static_cast<double>(Integer(json, {"timeScale"}, 1));
  const Json& request = ObjectAt(json, {"request"});
  spec.request = ReadRequest(request);
  spec.path = Text(request, {"path"}, "/");
  spec.prompts = {Texts(request, {"prompts", "inline"}),
                  Text(request, {"prompts", "configMapKeyRef", "name"}),
                  Text(request, {"prompts", "configMapKeyRef", "key"})};
  spec.think_min = Duration(json, {"thinkTime", "min"}, milliseconds(0));
  spec.think_max = Duration(json, {"thinkTime", "max"}, spec.think_min);
  for (const Json& item : ListAt(json, {"thresholds"}))
    spec.thresholds.push_back(ReadThreshold(item));
  spec.pods = static_cast<int>(Integer(json, {"pods"}));  // "Auto" is no number
  spec.pod_template = ReadTemplate(ObjectAt(json, {"podTemplate"}));
  if (const Json* seed = Find(json, {"seed"}); seed && seed->is_number_integer())
    spec.seed = seed->get<std::int64_t>();
  spec.run = Integer(json, {"run"}, 1);
  spec.suspend = Flag(json, {"suspend"});
  spec.starting_deadline = Duration(json, {"startingDeadline"}, std::chrono::minutes(10));
  return spec;
}

std::optional<OwnerReference> ReadOwner(const Json& object) {
  for (const Json& owner : ListAt(object, {"metadata", "ownerReferences"})) {
    const bool ours = Text(owner, {"kind"}) == "ChaosExperiment" &&
                      Text(owner, {"apiVersion"}).starts_with("chaos.rbee.dev/");
    if (ours) return OwnerReference{Text(owner, {"name"}), Text(owner, {"uid"})};
  }
  return std::nullopt;
}

}  // namespace

// A field equal to its default is left out. A default that is added to the schema later must be
// added here, else old objects would run again.
std::string SpecHash(const Json& spec) {
  static const std::vector<const char*> kFields = {
      "target",    "protocol",   "pattern", "executor",    "scale", "timeScale", "request",
      "thinkTime", "thresholds", "pods",    "podTemplate", "seed",  "run"};
  static const Json kDefaults = Json::parse(R"({
    "executor": {"startVUs": 1, "gracefulRampDown": "30s", "gracefulStop": "30s", "maxDuration": "10m",
      "timeUnit": "1s", "startRate": 0},
    "scale": "100%", "timeScale": 1, "thinkTime": {"min": "0s"},
    "request": {"maxTokens": 50, "expectTokens": false, "method": "GET", "timeout": "30s", "connectTimeout": "5s"},
    "thresholds": [{"abortOnFail": false, "delayAbortEval": "0s", "minSamples": 1}],
    "pods": "Auto",
    "run": 1
  })");
  return HashOfRun(spec, kFields, kDefaults);
}

Result<LoadTest> LoadTest::FromJson(const Json& object) {
  LoadTest test;
  test.meta = kube::MetaFromJson(object);
  if (test.meta.key.name.empty()) return Invalid("a load test without a name");
  test.owner = ReadOwner(object);
  const Json& spec = ObjectAt(object, {"spec"});
  test.spec = ReadSpec(spec);
  test.spec_hash = SpecHash(spec);
  test.status = Status::FromJson(ObjectAt(object, {"status"}));
  return test;
}

}  // namespace chaos::loadtest
