// Any body of an answer, any ERROR event of a watch: a reason and a bounded wait, never a crash.
#include <cstdlib>
#include <string>

#include "operator/kube/api_error.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  static constexpr int kCodes[] = {301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 504};
  const chaos::Error error =
      chaos::kube::ErrorFromResponse({kCodes[data[0] % std::size(kCodes)], body, {}});
  if (error.detail.empty() || error.retry_after.count() < 0 ||
      error.retry_after > std::chrono::hours(24))
    std::abort();
  const chaos::Error event = chaos::kube::ErrorFromStatusText(body);
  if (event.detail.empty() || event.reason == chaos::Reason::kUnknownOutcome) std::abort();
  return 0;
}
