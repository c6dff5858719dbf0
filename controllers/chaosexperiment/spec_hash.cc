#include "controllers/chaosexperiment/spec_hash.h"

#include "controllers/world/run.h"

namespace chaos::experiment {
namespace {

const std::vector<const char*>& Fields() {
  static const std::vector<const char*> kFields = {"target", "fault",  "duration", "trigger",
                                                   "load",   "probes", "detect",   "recovery",
                                                   "expect", "seed",   "newPods",  "run"};
  return kFields;
}

// Same shape as a spec; a list's only item stands for each of its items. A field equal to its
// default is left out. A default that is added to the schema later must be added here, else old
// objects would run again.
const Json& Defaults() {
  static const Json kDefaults = Json::parse(R"({
    "target": {"mode": "One"},
    "fault": {"partition": {"direction": "Both", "existing": "Drop"},
              "http": {"match": {"share": "100%", "kubeletProbes": false},
                       "delay": {"jitter": "0s"}},
              "stream": {"match": {"share": "100%", "kubeletProbes": false},
                         "firstTokenDelay": {"jitter": "0s"}, "tokenDelay": {"jitter": "0s"},
                         "drop": {"done": false}},
              "process": {"exitCode": 1, "grace": "5s", "dutyCycle": "100%"}},
    "trigger": {"afterBytes": 1, "within": "60s"},
    "load": {"run": {"scale": "100%", "timeScale": 1, "pods": "Auto",
                     "executor": {"startVUs": 1, "gracefulRampDown": "30s", "gracefulStop": "30s",
                                  "maxDuration": "10m", "timeUnit": "1s", "startRate": 0},
                     "request": {"maxTokens": 50, "expectTokens": false, "method": "GET",
                                 "timeout": "30s", "connectTimeout": "5s"},
                     "thinkTime": {"min": "0s"}},
             "thresholds": [{"abortOnFail": false, "delayAbortEval": "0s", "minSamples": 1}]},
    "probes": [{"interval": "1s", "inference": {"maxTokens": 16, "expect": {"minTokens": 1}}}],
    "detect": {"within": "60s"},
    "recovery": {"within": "60s", "stableFor": "5s"},
    "newPods": "Ignore",
    "run": 1
  })");
  return kDefaults;
}

}  // namespace

std::string SpecHash(const Json& spec) { return HashOfRun(spec, Fields(), Defaults()); }

}  // namespace chaos::experiment
