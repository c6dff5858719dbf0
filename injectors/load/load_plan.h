// What is the same for every request of a load: checked once, rendered once. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "injectors/load/url.h"
#include "injectors/protocol/load.h"

namespace chaos::load {

struct LoadPlan {
  protocol::LoadRequest request;
  bool rbee = true;
  bool bodiless = false;  // HEAD: an answer without its body
  Url base;
  std::vector<std::string> openers;  // the first request of an iteration; with rbee one per prompt
  // The request for a job's stream, put into `out`.
  void RenderStream(std::string_view target, std::string& out) const;

 private:
  friend Result<LoadPlan> MakeLoadPlan(const protocol::LoadArguments& arguments);
  std::string stream_tail_;
};

// The error is a sentence that names the field.
Result<LoadPlan> MakeLoadPlan(const protocol::LoadArguments& arguments);

// The pod's own number from JOB_COMPLETION_INDEX; nullptr is 0. Error: not one of 0 to pods - 1.
Result<int> PodIndex(const char* text, int pods);

// How long this container was throttled by its CPU limit since it started, from cpu.stat of cgroup
// v2 (throttled_usec) or v1 (throttled_time); 0 when it does not say.
milliseconds Throttled(std::string_view cpu_stat);

}  // namespace chaos::load
