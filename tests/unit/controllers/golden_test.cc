// What makes a run of our samples is the same in every version of the operator: a hash that changed
// would run finished experiments again after an upgrade. A sample that changes gets a new hash here
// on purpose; a hash that changes without its sample is a mistake.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "controllers/chaosexperiment/spec_hash.h"

namespace chaos::experiment {
namespace {

const std::map<std::string, std::string> kGolden = {
    {"nf-001-partition-queen-hive", "8b5ff69a11dcb830"},
    {"pod-001-evict-worker", "92d23d2cc89c6311"},
    {"re-004-no-file-descriptors", "ec1a288a757d001d"},
    {"st-004-queen-without-descriptors", "fb300aefee9666e9"},
    {"sf-001-slow-and-failing-worker", "eb1bc451b314f848"},
    {"sf-002-cut-token-streams", "96c6a3994e31893d"},
    {"wc-001-kill-worker-during-inference", "a828563e6a29b44c"},
    {"wc-002-kill-worker-during-registration", "3dbb014bca592b53"},
    {"wc-004-terminate-worker", "4f972bfa06446256"},
    {"wc-005-kill-half-of-the-workers", "9d490ee1cce9f5b0"},
};

std::map<std::string, std::string> HashesOfSamples() {
  std::ifstream file(SAMPLES_JSON);
  const Json samples = Json::parse(file);
  std::map<std::string, std::string> hashes;
  for (const auto& [name, object] : samples.items()) {
    if (object["kind"] == "ChaosExperiment") hashes[name] = SpecHash(object["spec"]);
  }
  return hashes;
}

TEST(SpecHash, OfEverySampleIsTheOneThatItAlwaysWas) { EXPECT_EQ(kGolden, HashesOfSamples()); }

}  // namespace
}  // namespace chaos::experiment
