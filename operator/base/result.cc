#include "operator/base/result.h"

#include <cstdio>
#include <cstdlib>

namespace chaos {

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "CHECK failed: %s at %s:%d\n", condition, file, line);
  std::abort();
}

std::string_view Name(Reason reason) {
  switch (reason) {
    case Reason::kNotFound:
      return "NotFound";
    case Reason::kConflict:
      return "Conflict";
    case Reason::kGone:
      return "Gone";
    case Reason::kThrottled:
      return "Throttled";
    case Reason::kDenied:
      return "Denied";
    case Reason::kInvalid:
      return "Invalid";
    case Reason::kUnavailable:
      return "Unavailable";
    case Reason::kUnknownOutcome:
      return "UnknownOutcome";
    case Reason::kCancelled:
      return "Cancelled";
  }
  CHECK(false);
}

}  // namespace chaos
