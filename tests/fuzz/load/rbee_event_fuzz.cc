// Any event: never a crash, and where the quick way sees a token the slow way sees the same one.
#include <cstdlib>

#include "injectors/load/load_judge.h"
#include "injectors/load/rbee_event.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size > 65536) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto quick = chaos::load::ReadQuickToken(text);
  const chaos::load::RbeeEvent event = chaos::load::ReadRbeeEvent(text);
  if (quick) {
    if (event.kind != chaos::load::RbeeEvent::Kind::kToken || event.number != quick->index ||
        event.from_worker != quick->from_worker)
      std::abort();
  }
  if ((event.kind == chaos::load::RbeeEvent::Kind::kFailed) && event.text.empty()) std::abort();
  chaos::load::RbeeStream stream;
  if (stream.OnEvent(text) != (event.kind == chaos::load::RbeeEvent::Kind::kToken)) std::abort();
  const auto judgement = chaos::load::JudgeStream(stream, 1, true, {});
  if (judgement.ending == chaos::protocol::Ending::kOk && !event.over && !stream.ended)
    std::abort();
  return 0;
}
