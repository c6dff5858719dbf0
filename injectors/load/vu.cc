// A wait for readiness and one buffer for all VUs, instead of a buffer for each: an idle stream
// costs its socket and its parsers. Every operation carries the number of its connection, so what
// comes late for a connection that is gone is not heard.
#include "injectors/load/vu.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <utility>

#include "injectors/load/deadlines.h"
#include "injectors/load/verdict.h"

namespace chaos::load {
namespace {

using boost::asio::ip::tcp;
using protocol::Ending;
namespace error = boost::asio::error;

constexpr std::size_t kMaxAnswer = 64 << 10, kMaxBody = 1 << 20, kKeptCapacity = 16 << 10;
// After [DONE] the end of the body must follow so soon, or the connection is not used again.
constexpr milliseconds kDrain{100};

bool OurFault(const boost::system::error_code& ec) {
  return ec == error::no_descriptors || ec == boost::system::errc::too_many_files_open_in_system ||
         ec == boost::system::errc::address_not_available || ec == error::no_buffer_space ||
         ec == error::no_memory;
}

}  // namespace

Vu::Vu(VuHost& host, int index, int number)
    : host_(host), index_(index), number_(number), socket_(host.io()) {}

void Vu::Begin(std::string_view opener) {
  iteration_ = {};
  iteration_.start = host_.Now();
  stream_ = {};
  answered_ = false;
  phase_ = host_.plan().rbee ? Phase::kCreate : Phase::kSingle;
  StartExchange(opener);
}

void Vu::StartExchange(std::string_view request) {
  ++exchange_;
  request_ = request;
  exchange_start_ = host_.Now();
  exchange_sent_.reset();
  response_.Reset(host_.plan().bodiless);
  retried_ = heard_ = head_seen_ = streaming_ = over_full_ = false;
  body_.clear();
  if (!connected_) return Connect();
  reused_ = true;
  Send();
}

void Vu::Connect() {
  state_ = State::kConnecting;
  reused_ = false;
  const nanoseconds now = host_.Now();
  connect_by_ = now + host_.plan().request.connect_timeout;
  RenewDeadline();
  host_.addresses().Get(
      [this, link = ++link_](error_code ec, const Addresses::Endpoints& endpoints) {
        if (link != link_) return;
        if (ec) return NoConnection(ec, "looking up the host: ");
        Dial(endpoints, 0);
      });
}

// VUs are dealt over the addresses of a name; one that refuses is left for the next.
void Vu::Dial(const Addresses::Endpoints& endpoints, std::size_t tried) {
  const auto first = static_cast<std::size_t>(number_ - 1);
  const tcp::endpoint endpoint = endpoints[(first + tried) % endpoints.size()];
  error_code ec;
  socket_.close(ec);
  socket_.open(endpoint.protocol(), ec);
  if (ec) return NoConnection(ec, "");
  Addresses::Endpoints rest;  // an allocation only where there is a choice
  if (tried + 1 < endpoints.size()) rest = endpoints;
  socket_.async_connect(endpoint,
                        [this, link = link_, rest = std::move(rest), tried](error_code failed) {
                          if (link != link_) return;
                          if (failed && !OurFault(failed) && !rest.empty())
                            return Dial(rest, tried + 1);
                          if (failed) return NoConnection(failed, "");
                          error_code ignored;
                          socket_.set_option(tcp::no_delay(true), ignored);
                          socket_.non_blocking(true, ignored);
                          connected_ = true;
                          Send();
                        });
}

void Vu::NoConnection(const error_code& ec, std::string_view doing) {
  const Ending ending = OurFault(ec)             ? Ending::kGeneratorFault
                        : ec == error::timed_out ? Ending::kConnectTimeout
                                                 : Ending::kConnectError;
  Broken(ending, std::string(doing) + ec.message(), host_.Now());
}

void Vu::Send() {
  state_ = State::kWaiting;
  written_ = 0;
  const nanoseconds now = host_.Now();  // read here and not before: this is where waiting begins
  if (!exchange_sent_) exchange_sent_ = now;
  if (!iteration_.sent) iteration_.sent = now;
  last_read_ = now;
  RenewDeadline();
  Write();
}

void Vu::Write() {
  while (written_ < request_.size()) {
    error_code ec;
    const std::string_view rest = request_.substr(written_);
    written_ += socket_.write_some(boost::asio::buffer(rest.data(), rest.size()), ec);
    if (ec == error::would_block) {
      return socket_.async_wait(tcp::socket::wait_write, [this, link = link_](error_code failed) {
        if (link == link_ && !failed) Write();
      });
    }
    // A server may answer and hang up before it has read everything: what it said still counts.
    if (ec == error::broken_pipe || ec == error::connection_reset) break;
    if (ec) return Broken(Ending::kTruncated, "send: " + ec.message(), host_.Now());
  }
  AwaitBytes();
}

void Vu::AwaitBytes() {
  socket_.async_wait(tcp::socket::wait_read, [this, link = link_](error_code ec) {
    if (link == link_ && !ec) Read();
  });
}

void Vu::Read() {
  const std::uint32_t exchange = exchange_;
  for (;;) {
    const std::span<char> buffer = host_.buffer();
    error_code ec;
    const std::size_t n = socket_.read_some(boost::asio::buffer(buffer.data(), buffer.size()), ec);
    const nanoseconds now = host_.Now();  // once per read, before anything is looked at
    if (ec == error::would_block) return AwaitBytes();
    if (ec) return OnClosed(ec, now);
    Digest({buffer.data(), n}, now);
    if (exchange_ != exchange) return;
    if (n < buffer.size()) return AwaitBytes();
  }
}

void Vu::Digest(std::string_view bytes, nanoseconds now) {
  heard_ = answered_ = true;
  last_read_ = now;
  std::string& body = host_.decoded();
  body.clear();
  over_full_ = response_.Feed(bytes, body) < bytes.size();
  if (state_ == State::kDraining) {
    if (response_.done() || response_.failed()) Release();
    return;
  }
  if (!head_seen_ && response_.head_done()) {
    head_seen_ = true;
    streaming_ = phase_ == Phase::kStream && response_.status() >= 200 &&
                 response_.status() <= 299 && response_.content_type() == "text/event-stream";
    if (streaming_) events_ = SseParser();
  }
  if (streaming_) {
    const bool fine = events_.Feed(
        body, [this, now](std::string_view, std::string_view data) { OnEvent(data, now); });
    if (stream_.over) return OnAnswer(now);
    if (!fine) return Broken(Ending::kProtocolError, "an event that is too long", now);
    if (response_.failed()) return Broken(Ending::kProtocolError, response_.error(), now);
  } else if (response_.failed()) {  // after what came before it
    return Broken(Ending::kProtocolError, response_.error(), now);
  } else if (body_.size() < kMaxBody) {
    body_ += body;
    if (phase_ != Phase::kSingle && body_.size() > kMaxAnswer) return OnAnswer(now);
  }
  if (response_.done()) return OnAnswer(now);
  if (streaming_) RenewDeadline();
}

void Vu::OnEvent(std::string_view data, nanoseconds now) {
  if (!stream_.OnEvent(data)) return;
  if (iteration_.last_token) host_.recorder().Gap(now, now - *iteration_.last_token);
  if (!iteration_.first_token) iteration_.first_token = now;
  iteration_.last_token = now;
}

void Vu::OnClosed(const error_code& ec, nanoseconds now) {
  if (state_ == State::kDraining) {
    Close();
    return Release();
  }
  // The server closed a connection that it had kept before it knew of this request: no error.
  if (reused_ && !heard_ && !retried_) {
    retried_ = true;
    Close();
    return Connect();
  }
  if (ec == error::eof) response_.Finish();
  if (ec == error::eof && response_.done()) return OnAnswer(now);
  Broken(Ending::kTruncated, ec == error::eof ? response_.error() : ec.message(), now);
}

// The answer is whole, or so much of it that its fate is known.
void Vu::OnAnswer(nanoseconds now) {
  const protocol::LoadRequest& request = host_.plan().request;
  if (phase_ == Phase::kCreate) return OnCreated(now);
  Judgement judgement;
  bool failed = false;
  if (phase_ == Phase::kSingle) {
    judgement = JudgeAnswer(response_.status(), response_.content_type(), body_, request.status_in,
                            request.body_contains);
    failed = !Accepted(response_.status(), request.status_in);
  } else if (!streaming_) {
    judgement = JudgeNoStream(response_.status(), response_.content_type());
    failed = judgement.ending == Ending::kHttpError;
  } else {
    if (!stream_.over)
      events_.Finish([this, now](std::string_view, std::string_view data) { OnEvent(data, now); });
    judgement = JudgeStream(stream_, request.max_tokens, request.expect_tokens, {});
  }
  EndExchange(now, failed);
  Finish(judgement, now);
}

void Vu::OnCreated(nanoseconds now) {
  std::string sse_url;
  Judgement judgement = JudgeCreated(response_.status(), response_.content_type(), body_, sse_url);
  EndExchange(now, judgement.ending == Ending::kHttpError);
  if (judgement.ending == Ending::kOk) {
    const Result<Url> url = Follow(host_.plan().base, sse_url);
    if (!url) judgement = {Ending::kProtocolError, "sse_url: " + url.error().detail};
    if (url) host_.plan().RenderStream(url->target, get_);
  }
  if (judgement.ending != Ending::kOk) return Finish(judgement, now);
  if (!response_.done() || !response_.keep_alive() || over_full_) Close();
  phase_ = Phase::kStream;
  StartExchange(get_);
}

// No more of the answer is read.
void Vu::Broken(Ending ending, std::string why, nanoseconds now) {
  if (ending != Ending::kInterrupted && ending != Ending::kGeneratorFault) EndExchange(now, true);
  const protocol::LoadRequest& request = host_.plan().request;
  Judgement judgement{ending, why};
  if (phase_ == Phase::kStream)
    judgement = JudgeStream(stream_, request.max_tokens, request.expect_tokens,
                            Break{ending, std::move(why)});
  Close();
  Finish(judgement, now);
}

void Vu::EndExchange(nanoseconds now, bool failed) {
  host_.recorder().Exchange(exchange_start_, now, exchange_sent_, failed);
}

void Vu::Finish(const Judgement& judgement, nanoseconds now) {
  iteration_.ending = judgement.ending;
  iteration_.end = now;
  iteration_.tokens = stream_.tokens;
  host_.recorder().Finish(iteration_);
  verdict_ = judgement;
  if (connected_ && streaming_ && !response_.done() && response_.keep_alive()) {
    state_ = State::kDraining;  // the answer was judged; only its connection is waited for
    return host_.SetDeadline(index_, now + kDrain);
  }
  Release();
}

void Vu::Release() {
  ++exchange_;
  if (connected_ && (!response_.done() || !response_.keep_alive() || over_full_)) Close();
  if (body_.capacity() > kKeptCapacity) body_ = {};
  state_ = State::kIdle;
  host_.SetDeadline(index_, Deadlines::kNone);
  const Judgement judgement = std::move(verdict_);
  host_.Ended(index_, judgement, answered_);  // may begin the next iteration
}

void Vu::Close() {
  ++link_;
  connected_ = false;
  error_code ignored;
  socket_.close(ignored);
}

void Vu::Interrupt() {
  if (state_ == State::kIdle) return;
  if (state_ == State::kDraining) {
    Close();
    return Release();
  }
  Broken(Ending::kInterrupted, "the schedule ended it", host_.Now());
}

void Vu::RenewDeadline() {
  const protocol::LoadRequest& request = host_.plan().request;
  nanoseconds at = iteration_.start + request.timeout;
  if (state_ == State::kConnecting) at = std::min(at, connect_by_);
  const bool no_token = phase_ != Phase::kSingle && !iteration_.first_token && iteration_.sent;
  if (no_token && request.first_token_timeout.count() > 0)
    at = std::min(at, *iteration_.sent + request.first_token_timeout);
  if (streaming_ && request.idle_timeout.count() > 0)
    at = std::min(at, last_read_ + request.idle_timeout);
  host_.SetDeadline(index_, at);
}

void Vu::OnDeadline() {
  const protocol::LoadRequest& request = host_.plan().request;
  const nanoseconds now = host_.Now();
  if (state_ == State::kIdle) return;
  if (state_ == State::kDraining) {
    Close();
    return Release();
  }
  if (now >= iteration_.start + request.timeout)
    return Broken(Ending::kTotalTimeout, "no end within the timeout", now);
  if (state_ == State::kConnecting && now >= connect_by_)
    return Broken(Ending::kConnectTimeout, "no connection within the connect timeout", now);
  if (streaming_ && request.idle_timeout.count() > 0 && now >= last_read_ + request.idle_timeout)
    return Broken(Ending::kIdleTimeout, "the stream fell silent", now);
  const bool no_token = phase_ != Phase::kSingle && !iteration_.first_token && iteration_.sent;
  if (no_token && request.first_token_timeout.count() > 0 &&
      now >= *iteration_.sent + request.first_token_timeout)
    return Broken(Ending::kFirstTokenTimeout, "no token within the first token timeout", now);
  RenewDeadline();
}

}  // namespace chaos::load
