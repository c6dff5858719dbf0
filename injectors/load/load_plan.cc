#include "injectors/load/load_plan.h"

#include <algorithm>
#include <charconv>

#include "injectors/load/rbee_job.h"

namespace chaos::load {
namespace {

constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

std::string Render(const std::string& method, const Url& url, std::string_view accept,
                   const std::string& type, const std::string& body) {
  std::string text = method + " " + url.target + " HTTP/1.1\r\nHost: " + url.Authority() +
                     "\r\nUser-Agent: rbee-chaos-load\r\nAccept: " + std::string(accept) + "\r\n";
  if (!type.empty()) text += "Content-Type: " + type + "\r\n";
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

bool IsHeaderText(const std::string& text) {
  return text.size() <= 256 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c != 0x7f; });
}

}  // namespace

void LoadPlan::RenderStream(std::string_view target, std::string& out) const {
  out.assign("GET ").append(target).append(stream_tail_);
}

Result<LoadPlan> MakeLoadPlan(const protocol::LoadArguments& arguments) {
  LoadPlan plan;
  plan.request = arguments.request;
  const protocol::LoadRequest& request = plan.request;
  Result<Url> url = ParseUrl(request.url);
  if (!url) return Invalid("request.url: " + url.error().detail);
  plan.base = *url;
  plan.rbee = request.protocol == "rbee";
  if (arguments.executor.stages.empty())
    return Invalid("executor.stages: at least one stage is needed");
  if (request.connect_timeout.count() <= 0) return Invalid("request.connectTimeout: above 0");
  if (!plan.rbee) {
    const auto& method = request.method;
    if (std::find(std::begin(kMethods), std::end(kMethods), method) == std::end(kMethods))
      return Invalid("request.method: GET, HEAD, POST, PUT, PATCH or DELETE");
    if (!IsHeaderText(request.content_type))
      return Invalid("request.contentType: at most 256 plain characters");
    plan.bodiless = method == "HEAD";
    plan.openers = {Render(method, plan.base, "*/*", request.content_type, request.body)};
    return plan;
  }
  if (request.model.empty()) return Invalid("request.model: the name of the model is needed");
  const std::string root = plan.base.target == "/" ? "" : plan.base.target;
  Url jobs = plan.base;
  jobs.target = root + "/v1/jobs";
  for (const std::string& prompt : request.prompts) {
    plan.openers.push_back(Render("POST", jobs, "*/*", "application/json",
                                  RbeeJobRequest(request.model, prompt, request.max_tokens)));
  }
  plan.stream_tail_ = " HTTP/1.1\r\nHost: " + plan.base.Authority() +
                      "\r\nUser-Agent: rbee-chaos-load\r\nAccept: text/event-stream\r\n\r\n";
  return plan;
}

Result<int> PodIndex(const char* text, int pods) {
  if (text == nullptr) return 0;
  const std::string_view digits(text);
  int pod = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pod);
  if (error != std::errc() || end != digits.data() + digits.size() || pod < 0 || pod >= pods)
    return Invalid("JOB_COMPLETION_INDEX is \"" + std::string(digits.substr(0, 20)) +
                   "\", wanted 0 to " + std::to_string(pods - 1));
  return pod;
}

milliseconds Throttled(std::string_view cpu_stat) {
  while (!cpu_stat.empty()) {
    const std::string_view line = cpu_stat.substr(0, cpu_stat.find('\n'));
    cpu_stat.remove_prefix(std::min(cpu_stat.size(), line.size() + 1));
    for (const auto& [name, per_ms] :
         {std::pair<std::string_view, std::int64_t>("throttled_usec ", 1'000),
          {"throttled_time ", 1'000'000}}) {
      if (!line.starts_with(name)) continue;
      std::int64_t value = 0;
      std::from_chars(line.data() + name.size(), line.data() + line.size(), value);
      return milliseconds(value / per_ms);
    }
  }
  return milliseconds(0);
}

}  // namespace chaos::load
