#include "injectors/proxy/relay.h"

#include <utility>

namespace chaos::inject {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};
constexpr Phrase kPhrases[] = {{400, "Bad Request"},
                               {401, "Unauthorized"},
                               {403, "Forbidden"},
                               {404, "Not Found"},
                               {408, "Request Timeout"},
                               {413, "Content Too Large"},
                               {422, "Unprocessable Content"},
                               {429, "Too Many Requests"},
                               {500, "Internal Server Error"},
                               {502, "Bad Gateway"},
                               {503, "Service Unavailable"},
                               {504, "Gateway Timeout"},
                               {507, "Insufficient Storage"}};

// An answer in the target's place. It says who it is from, so that nobody looks for the fault
// there.
std::string Answer(int status, bool bodiless, bool last) {
  constexpr std::string_view kBody = "this answer was injected by a chaos experiment\n";
  std::string_view phrase = "Injected";
  for (const Phrase& known : kPhrases) {
    if (known.status == status) phrase = known.text;
  }
  std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " " + std::string(phrase) +
      "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(kBody.size()) + "\r\n";
  if (last) answer += "Connection: close\r\n";
  answer += "\r\n";
  if (!bodiless) answer += kBody;
  return answer;
}

// A request whose answer is to be read must not ask for one that is compressed.
std::string WithoutEncodings(std::string_view head) {
  std::string kept;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find('\n') + 1);
    if (load::LowerCase(line.substr(0, 16)) != "accept-encoding:") kept += line;
    head.remove_prefix(line.size());
  }
  return kept;
}

// No request begins like this, and whoever does may wait for an answer to less than a line.
bool LooksBinary(std::string_view bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x7f || (byte < 0x20 && c != '\r' && c != '\n' && c != '\t');
  });
}

}  // namespace

void Relay::FromClient(std::string_view bytes, nanoseconds now) {
  while (!bytes.empty()) {
    if (over_) return;
    if (opaque_) return to_server_.Put(bytes);
    bytes = FeedRequest(bytes, now);
  }
}

// What is left of them.
std::string_view Relay::FeedRequest(std::string_view bytes, nanoseconds now) {
  if (in_body_) {
    const std::size_t used = request_.Feed(bytes, scratch_);
    scratch_.clear();
    if (!swallow_) to_server_.Put(bytes.substr(0, used));
    if (request_.failed()) {  // its end cannot be found, so neither can the next one's beginning
      if (swallow_)
        over_ = true;
      else
        GoOpaque(Tally::Opaque::kOther);
    } else if (request_.done()) {
      EndRequest();
    }
    return bytes.substr(used);
  }
  // Line by line, so that the head ends where these bytes are split.
  const std::string_view line = bytes.substr(0, bytes.find('\n') + 1);
  const std::string_view piece = line.empty() ? bytes : line;
  const bool first_line = head_.find('\n') == std::string::npos;
  head_ += piece;
  if (!(first_line && LooksBinary(piece))) request_.Feed(piece, scratch_);
  if (request_.failed() || (first_line && LooksBinary(piece)))
    GoOpaque(WhatIsIt());
  else if (request_.head_done())
    BeginRequest(now);
  return bytes.substr(piece.size());
}

void Relay::BeginRequest(nanoseconds now) {
  const std::string head = std::exchange(head_, {});
  ever_request_ = true;
  Exchange exchange;
  exchange.head = request_.method() == "HEAD";
  const bool tunnel = request_.method() == "CONNECT";
  if (acting_ && !tunnel && script_.Fits(request_)) exchange.number = tally_.NextRequest();
  exchange.chosen = exchange.number > 0 && script_.Chosen(exchange.number);
  const protocol::Http* http = exchange.chosen ? script_.http() : nullptr;
  nanoseconds due = now;
  if (http && http->delay) due += script_.Draw(*http->delay, exchange.number, 0);
  exchange.aborted = http && http->abort_status != 0;
  exchange.since = now;
  exchange.due = due;
  // Who waits for a word before it sends the body will not send it after this one.
  exchange.last = exchange.aborted && (!request_.keep_alive() || request_.expects_continue());
  if (http && !exchange.aborted)
    to_server_.PutLater(head, now, due, {exchange.number, 0, "delayed", true});
  else if (!exchange.aborted)
    to_server_.Put(exchange.chosen ? WithoutEncodings(head) : head);
  swallow_ = exchange.aborted;
  in_body_ = true;
  exchanges_.push_back(exchange);
  if (exchanges_.size() == 1) NextExchange();
  if (tunnel) return GoOpaque(Tally::Opaque::kOther);
  if (request_.done()) EndRequest();
}

void Relay::EndRequest() {
  request_.Reset();
  in_body_ = swallow_ = false;
}

// Ready for the answer to the oldest request; answers those that are ours to answer.
void Relay::NextExchange() {
  while (!exchanges_.empty() && exchanges_.front().aborted) {
    const Exchange exchange = exchanges_.front();
    exchanges_.pop_front();
    to_client_.PutLater(Answer(script_.http()->abort_status, exchange.head, exchange.last),
                        exchange.since, exchange.due,
                        {exchange.number, 0, "aborted", script_.http()->delay.has_value()});
    if (!exchange.last) continue;
    over_ = true;
    exchanges_.clear();
    to_client_.Finish(Pipe::End::kFin);
    to_server_.Finish(Pipe::End::kClose);
  }
  response_.Reset(!exchanges_.empty() && exchanges_.front().head);
}

void Relay::FromServer(std::string_view bytes, nanoseconds now) {
  // Before any request it is none of ours; after the last one it is a good-bye.
  if (!opaque_ && exchanges_.empty() && !ever_request_) GoOpaque(Tally::Opaque::kOther);
  while (!bytes.empty()) {
    if (over_) return;
    if (opaque_ || exchanges_.empty()) return to_client_.Put(bytes);
    bytes = FeedResponse(bytes, now);
  }
}

// What is left of them.
std::string_view Relay::FeedResponse(std::string_view bytes, nanoseconds now) {
  const bool in_head = !response_.head_done();
  // Line by line, so that the head ends where these bytes are split.
  const std::string_view line = in_head ? bytes.substr(0, bytes.find('\n') + 1) : "";
  const std::size_t used = response_.Feed(line.empty() ? bytes : line, scratch_);
  if (acts_)
    acts_->Body(scratch_, now);
  else
    to_client_.Put(bytes.substr(0, used));
  scratch_.clear();
  if (response_.failed()) {
    acts_.reset();
    GoOpaque(response_.status() == 101 ? Tally::Opaque::kUpgraded : Tally::Opaque::kOther);
    return bytes.substr(used);
  }
  if (in_head && response_.head_done()) BeginResponse(now);
  if (acts_ && acts_->cut()) {
    over_ = true;
    to_server_.Finish(*acts_->cut());
    return {};
  }
  if (response_.done()) EndResponse();
  return bytes.substr(used);
}

// Whether it is a stream is known only now.
void Relay::BeginResponse(nanoseconds now) {
  const Exchange& exchange = exchanges_.front();
  const bool events = response_.content_type() == "text/event-stream" && !response_.done();
  if (exchange.number == 0 || script_.stream() == nullptr || !events) return;
  tally_.Stream();
  if (!exchange.chosen || !acting_) return;
  if (response_.encoded() || (response_.has_length() && !response_.chunked()))
    return tally_.Pass(Tally::Opaque::kEncoded);
  const auto framing =
      response_.chunked() ? StreamActs::Framing::kChunked : StreamActs::Framing::kUntilClose;
  acts_.emplace(script_, exchange.number, framing, to_client_, now);
}

void Relay::EndResponse() {
  if (acts_) acts_->EndOfBody();
  acts_.reset();
  exchanges_.pop_front();
  NextExchange();
}

void Relay::ClientEnded() {
  to_server_.Put(std::exchange(head_, {}));
  to_server_.Finish(Pipe::End::kFin);
}

void Relay::ServerEnded() {
  response_.Finish();
  if (acts_ && response_.done()) acts_->EndOfBody();
  to_client_.Finish(Pipe::End::kFin);
}

void Relay::ServerBroken() { to_client_.Finish(Pipe::End::kReset); }

void Relay::StopActing() {
  acting_ = false;
  if (acts_) acts_->StopActing();
  to_server_.ReleaseAll();
  to_client_.ReleaseAll();
}

bool Relay::Idle() const {
  return !opaque_ && exchanges_.empty() && !in_body_ && head_.empty() && to_server_.size() == 0 &&
         to_client_.size() == 0;
}

void Relay::GoOpaque(Tally::Opaque why) {
  opaque_ = true;
  tally_.Pass(why);
  to_server_.Put(std::exchange(head_, {}));
  // Whoever waits for an answer of ours behind one that cannot be read will not get it.
  for (const Exchange& exchange : exchanges_) {
    if (!exchange.aborted) continue;
    over_ = true;
    to_client_.Finish(Pipe::End::kClose);
    to_server_.Finish(Pipe::End::kClose);
  }
}

Tally::Opaque Relay::WhatIsIt() const {
  if (head_[0] == '\x16') return Tally::Opaque::kTls;
  return head_.starts_with("PRI ") ? Tally::Opaque::kHttp2 : Tally::Opaque::kOther;
}

std::string_view Relay::ToServer(nanoseconds now) {
  const std::string_view ready = to_server_.Ready(now);
  Tell(to_server_);
  return ready;
}

std::string_view Relay::ToClient(nanoseconds now) {
  const std::string_view ready = to_client_.Ready(now);
  Tell(to_client_);
  return ready;
}

void Relay::Tell(Pipe& pipe) {
  for (const Pipe::Passed& passed : pipe.TakePassed()) {
    const bool first = std::exchange(told_, passed.act.request) != passed.act.request;
    tally_.Did(passed.act, passed.held, first);
  }
}

}  // namespace chaos::inject
