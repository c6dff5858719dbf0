// Any text: refused, or a URL that prints to itself and cannot smuggle anything into a request.
#include <cstdlib>

#include "injectors/load/url.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const chaos::Result<chaos::load::Url> url = chaos::load::ParseUrl(text);
  if (!url) {
    if (url.error().detail.empty()) std::abort();
    return 0;
  }
  const std::string printed = url->Print();
  for (const char c : printed) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) std::abort();
  }
  const chaos::Result<chaos::load::Url> again = chaos::load::ParseUrl(printed);
  if (!again || again->Print() != printed || again->host != url->host || again->port != url->port)
    std::abort();
  return 0;
}
