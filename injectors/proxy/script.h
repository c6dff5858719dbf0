// Which requests are acted on, and by how much: the same seed makes the same choices. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "injectors/load/http_request.h"
#include "injectors/protocol/requests.h"
#include "operator/base/clock.h"

namespace chaos::inject {

class Script {
 public:
  explicit Script(protocol::Http http)
      : match_(http.match), seed_(http.seed), http_(std::move(http)) {}
  explicit Script(protocol::Stream stream)
      : match_(stream.match), seed_(stream.seed), stream_(std::move(stream)) {}

  const protocol::RequestMatch& match() const { return match_; }
  // Exactly one of them.
  const protocol::Http* http() const { return http_ ? &*http_ : nullptr; }
  const protocol::Stream* stream() const { return stream_ ? &*stream_ : nullptr; }

  // Requires: its head is done.
  bool Fits(const load::RequestParser& request) const;
  // Whether this one belongs to the share.
  bool Chosen(std::int64_t request) const;
  // Of one request (event 0) or of one event of its answer.
  nanoseconds Draw(const protocol::Lag& lag, std::int64_t request, std::int64_t event) const;
  // Whether `share` percent hit this event; `use` keeps one purpose from another.
  bool Hit(int share, std::int64_t request, std::int64_t event, std::uint64_t use) const;

 private:
  protocol::RequestMatch match_;
  std::uint64_t seed_ = 0;
  std::optional<protocol::Http> http_;
  std::optional<protocol::Stream> stream_;
};

// * stands for any text, also for none.
bool GlobFits(std::string_view pattern, std::string_view text);

}  // namespace chaos::inject
