// What makes a run of our samples is the same in every version of the operator: a hash that changed
// would run finished experiments again after an upgrade. A sample that changes gets a new hash here
// on purpose; a hash that changes without its sample is a mistake.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "controllers/loadtest/workload.h"

namespace chaos::loadtest {
namespace {

const std::map<std::string, std::string> kGolden = {
    {"lt-ramp", "f76890c6190044af"},
    {"lt-rate", "f9d48ed704ada926"},
    {"lt-spike", "d78d127efc6234d8"},
    {"lt-stress", "36d856b2c67d5662"},
};

std::map<std::string, std::string> HashesOfSamples() {
  std::ifstream file(SAMPLES_JSON);
  const Json samples = Json::parse(file);
  std::map<std::string, std::string> hashes;
  for (const auto& [name, object] : samples.items()) {
    if (object["kind"] == "LoadTest") hashes[name] = SpecHash(object["spec"]);
  }
  return hashes;
}

TEST(LoadSpecHash, OfEverySampleIsTheOneThatItAlwaysWas) { EXPECT_EQ(kGolden, HashesOfSamples()); }

TEST(Workload, OfEverySampleCanBeWorkedOut) {
  std::ifstream file(SAMPLES_JSON);
  const Json samples = Json::parse(file);
  for (const auto& [name, object] : samples.items()) {
    if (object["kind"] != "LoadTest") continue;
    const Result<LoadTest> test = LoadTest::FromJson(object);
    ASSERT_TRUE(test) << name;
    const Result<Workload> workload = WorkOut(*test);
    EXPECT_TRUE(workload) << name << ": " << workload.error().detail;
  }
}

}  // namespace
}  // namespace chaos::loadtest
