// Server-sent events (WHATWG HTML, "Interpreting an event stream"), byte by byte: any split gives
// the same events.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace chaos::load {

struct SseLimits {
  std::size_t line = 256 << 10;  // one line
  std::size_t event = 1 << 20;   // the data of one event
};

class SseParser {
 public:
  // Called once per event; the views live as long as the call. `name` is empty for the default
  // event.
  using Sink = std::function<void(std::string_view name, std::string_view data)>;
  explicit SseParser(SseLimits limits = {}) : limits_(limits) {}

  // False once a limit was broken; nothing more is read then.
  bool Feed(std::string_view bytes, const Sink& sink);
  // The same up to the end of one block: its lines and the blank one. What comes behind that is not
  // read. (Of a CRLF that ends a block, the LF is read with the next one.)
  struct Fed {
    std::size_t used = 0;
    bool block = false;  // one has ended here; it was an event exactly if the sink was called
  };
  Fed FeedBlock(std::string_view bytes, const Sink& sink);
  // Only after an orderly end of the body: delivers a last event whose blank line is missing. (The
  // standard drops it; servers exist that end with "data: [DONE]\n".) After a cut, do not call:
  // half an event is none.
  void Finish(const Sink& sink);
  bool failed() const { return failed_; }

 private:
  void Line(std::string_view line, const Sink& sink);
  void Dispatch(const Sink& sink);
  bool SkipBom(std::string_view& bytes);

  SseLimits limits_;
  std::string line_, name_, data_;
  std::size_t bom_ = 0;    // bytes of a byte order mark seen; 3 = past it
  bool after_cr_ = false;  // a LF that comes next belongs to the CR before
  bool has_data_ = false;
  bool failed_ = false;
};

}  // namespace chaos::load
