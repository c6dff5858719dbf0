// Any events, one per line: never a crash, and never success without a word of the end.
#include <cstdlib>

#include "injectors/load/rbee_job.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size > 65536) return 0;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  chaos::load::RbeeJob job(1, {});
  bool end_said = false;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    job.OnEvent(line);
    end_said |= line == "[DONE]" || line.find("done") != std::string_view::npos ||
                line.find('\\') != std::string_view::npos;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  const chaos::load::Verdict verdict = job.Judge();
  if (verdict.ok && !end_said) std::abort();
  if (verdict.ok != verdict.message.empty()) std::abort();
  (void)chaos::load::RbeeStreamOf(200, "application/json",
                                  {reinterpret_cast<const char*>(data), size});
  return 0;
}
