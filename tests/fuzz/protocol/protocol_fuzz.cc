// Every parser of the protocol on any bytes: no crash, and what is read prints to something that
// reads the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "injectors/address.h"
#include "injectors/protocol/arguments.h"
#include "injectors/protocol/events.h"
#include "operator/base/check.h"

namespace {

using namespace chaos;  // NOLINT: a single file of tests

template <class Parse>
void RoundTrip(std::string_view text, Parse parse) {
  const auto once = parse(text);
  if (!once) return;
  const std::string printed = PrintJson(protocol::ToJson(*once));
  const auto twice = parse(printed);
  CHECK(twice && PrintJson(protocol::ToJson(*twice)) == printed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  RoundTrip(text, protocol::InjectFromJson);
  RoundTrip(text, protocol::StopFromJson);
  RoundTrip(text, protocol::ProbePodFromJson);
  if (const auto event = protocol::ParseEvent(text)) {
    const std::string line = protocol::PrintEvent(*event);
    const auto again = protocol::ParseEvent(line);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(again && protocol::PrintEvent(*again) == line);
  }
  if (const auto record = protocol::ParseRecord(text))
    CHECK(protocol::PrintRecord(*record).size() <= 300);
  if (const auto network = inject::ParseNetwork(text)) {
    CHECK(*inject::ParseNetwork(inject::Print(*network)) == *network);
    CHECK(network->Contains(inject::First(*network)) && network->Contains(inject::Last(*network)));
  }
  return 0;
}
