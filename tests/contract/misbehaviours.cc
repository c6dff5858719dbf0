#include "tests/contract/misbehaviours.h"

namespace chaos::contract {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShort{250};

// Answers every request of the connection with `answer`; executed only when it is a 2xx.
std::function<void(Exchange&, Verb)> Always(std::function<std::string(Verb)> answer) {
  return [answer](Exchange& x, Verb verb) {
    while (x.ReadRequest()) {
      const std::string text = answer(verb);
      if (text.starts_with("HTTP/1.1 2")) x.Execute();
      if (!x.Send(text)) return;
    }
  };
}

std::function<void(Exchange&, Verb)> Refuses(int code, std::string_view reason,
                                             std::string_view message,
                                             std::string_view headers = "") {
  const std::string text = Answer(code, StatusBody(code, reason, message), headers);
  return Always([text](Verb) { return text; });
}

// The request is read (and executed), then `then`.
std::function<void(Exchange&, Verb)> Then(bool executes,
                                          std::function<void(Exchange&, Verb)> then) {
  return [executes, then](Exchange& x, Verb verb) {
    if (!x.ReadRequest()) return;
    if (executes) x.Execute();
    then(x, verb);
  };
}

void Rst(Exchange& x, Verb) { x.Reset(); }
void Silence(Exchange& x, Verb) { x.Hold(); }

// The first half of a good answer that ends inside a line of JSON.
std::string Half(Verb verb) {
  const std::string body = GoodBody(verb);
  return std::string(kChunkedHead) + Chunk(body.substr(0, body.size() * 3 / 5));
}

// The first request after the priming one is executed, and then the connection dies; later ones are
// fine.
std::function<void(Exchange&, Verb)> DiesOnce(std::function<void(Exchange&)> death,
                                              bool then_conflicts) {
  return [=](Exchange& x, Verb verb) {
    while (x.ReadRequest()) {
      x.Execute();
      if (x.server().executed() == 1) return death(x);
      const bool conflict = then_conflicts && Writes(verb);
      if (!x.Send(conflict ? Answer(409, StatusBody(409, "AlreadyExists", "it is there"))
                           : GoodAnswer(verb)))
        return;
    }
  };
}

void Rotates(Exchange& x, Verb verb) {
  while (x.ReadRequest()) {
    const bool known = x.request().headers.at("authorization") == "Bearer new-token";
    if (known) x.Execute();
    if (!x.Send(known ? GoodAnswer(verb)
                      : Answer(401, StatusBody(401, "Unauthorized", "Unauthorized"))))
      return;
  }
}

// Far more than the limits of the test: 4 MiB, in one line for a stream.
void Huge(Exchange& x, Verb) {
  if (!x.Send(kChunkedHead)) return;
  for (int i = 0; i < 64; ++i) {
    if (!x.Send(Chunk(std::string(65536, 'x')))) return;
  }
  x.Send(Chunk(""));
}

// Sends a good answer in pieces with pauses, so that it takes a hundred pauses in all.
std::function<void(Exchange&, Verb)> Slowly(milliseconds pause) {
  return Then(true, [pause](Exchange& x, Verb verb) {
    const std::string answer = GoodAnswer(verb);
    x.SendSlowly(answer, answer.size() / 100 + 1, pause);
  });
}

// An answer without a length: it ends where the connection does.
std::function<void(Exchange&, Verb)> UntilClose(std::function<void(Exchange&)> end) {
  return Then(true, [end](Exchange& x, Verb verb) {
    x.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + GoodBody(verb));
    end(x);
  });
}

using End = std::function<void(Exchange&)>;
const End kClose = [](Exchange& x) { x.Close(); };
const End kDrop = [](Exchange& x) { x.Drop(); };
const End kReset = [](Exchange& x) { x.Reset(); };
const End kHold = [](Exchange& x) { x.Hold(); };

// The first half of a good answer, then `end`.
std::function<void(Exchange&, Verb)> HalfThen(End end) {
  return Then(true, [end](Exchange& x, Verb verb) {
    x.Send(Half(verb));
    end(x);
  });
}

// All of the body, but the answer never says that it is complete.
void WithoutItsEnd(Exchange& x, Verb verb) {
  x.Send(std::string(kChunkedHead) + Chunk(GoodBody(verb)));
}

void ShorterThanSaid(Exchange& x, Verb verb) {
  const std::string body = GoodBody(verb);
  x.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size() + 1) + "\r\n\r\n" +
         body);
}

void LastLineHalf(Exchange& x, Verb verb) { x.Send(Half(verb) + Chunk("")); }

void CutRefusal(Exchange& x, Verb) {
  x.Send("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 500\r\n\r\n{\"kind\":");
}

// Surely not executed: nothing was sent.
std::vector<Row> BeforeTheRequest() {
  return {
      {{.name = "nobody listens", .script = Silence, .nobody_listens = true},
       "Unavailable e0 s0",
       "Unavailable e0 s0",
       "Unavailable e0 s0"},
      {{.name = "reset instead of TLS", .script = Silence, .before_tls = kReset},
       "Unavailable e0 s0",
       "Unavailable e0 s0",
       "Unavailable e0 s0"},
      // With cpprest nothing tells a write that waits for TLS from one that was sent.
      {{.name = "silent instead of TLS",
        .script = Silence,
        .before_tls = kHold,
        .deadline = kShort},
       "Unavailable e0 s0",
       "UnknownOutcome e0 s0",
       "Unavailable e0 s0",
       {},
       {{"Unavailable e0 s0", "Unavailable e0 s0"}}},
      {{.name = "certificate of another CA", .script = Silence, .trust = Trust::kOtherCa},
       "Unavailable e0 s0",
       "Unavailable e0 s0",
       "Unavailable e0 s0"},
      {{.name = "certificate of another host", .script = Silence, .trust = Trust::kOtherName},
       "Unavailable e0 s0",
       "Unavailable e0 s0",
       "Unavailable e0 s0"},
  };
}

std::vector<Row> WithoutAnswer() {
  return {
      {{.name = "reset before executing", .script = Then(false, Rst)},
       "Unavailable e0 s1",
       "UnknownOutcome e0 s1",
       "Unavailable e0 s1"},
      {{.name = "reset after executing", .script = Then(true, Rst)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "Unavailable e1 s1"},
      {{.name = "closed after executing",
        .script = Then(true, [](Exchange& x, Verb) { x.Close(); })},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "Unavailable e1 s1"},
      {{.name = "half-open after executing", .script = Then(true, Silence), .deadline = kShort},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "Unavailable e1 s1"},
      {{.name = "answer that is not HTTP",
        .script = Then(true, [](Exchange& x, Verb) { x.Send("SSH-2.0-OpenSSH_9.2\r\n\r\n"); })},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "Unavailable e1 s1"},
      {{.name = "shut down by us midway", .script = Then(true, Silence), .shut_down_midway = true},
       "Cancelled e1 s1",
       "Cancelled e1 s1",
       "Cancelled e1 s1"},
  };
}

// cpprest sends again by itself where a connection that it had used before dies: executed twice,
// reported once. Beast sends once, and the caller is told. A stream has a connection of its own.
std::vector<Row> ExecutedTwice() {
  const std::map<Verb, std::string_view> created{{Verb::kPost, "201 e2 s2"}};
  const Row::Beast once{"Unavailable e1 s1", "UnknownOutcome e1 s1"};
  return {
      {{.name = "reused, executed, closed", .script = DiesOnce(kClose, false), .primed = true},
       "200 e2 s2",
       "200 e2 s2",
       "Unavailable e1 s1",
       created,
       once},
      {{.name = "reused, executed, dropped", .script = DiesOnce(kDrop, false), .primed = true},
       "200 e2 s2",
       "200 e2 s2",
       "Unavailable e1 s1",
       created,
       once},
      {{.name = "reused, executed, reset", .script = DiesOnce(kReset, false), .primed = true},
       "200 e2 s2",
       "200 e2 s2",
       "Unavailable e1 s1",
       created,
       once},
      {{.name = "… and the second conflicts", .script = DiesOnce(kClose, true), .primed = true},
       "200 e2 s2",
       "Conflict e2 s2",
       "Unavailable e1 s1",
       {},
       once},
  };
}

std::vector<Row> BadBodies() {
  const std::map<Verb, std::string_view> created{{Verb::kPost, "201 e1 s1"}};
  return {
      {{.name = "good answer", .script = Always(GoodAnswer)},
       "200 e1 s1",
       "200 e1 s1",
       "3 lines, End e1 s1",
       created},
      {{.name = "cut in the middle of a line", .script = HalfThen(kDrop)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "1 line, Unavailable e1 s1"},
      {{.name = "closed in the middle of a line", .script = HalfThen(kClose)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "1 line, Unavailable e1 s1"},
      {{.name = "half-open in a line", .script = HalfThen(kHold), .deadline = kShort},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "1 line, Unavailable e1 s1"},
      {{.name = "last chunk missing", .script = Then(true, WithoutItsEnd)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "3 lines, Unavailable e1 s1"},
      {{.name = "shorter than its length", .script = Then(true, ShorterThanSaid)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "3 lines, Unavailable e1 s1"},
      {{.name = "last line without its end", .script = Then(true, LastLineHalf)},
       "200, another body e1 s1",
       "200, another body e1 s1",
       "1 line, End e1 s1"},
      {{.name = "until close, closed", .script = UntilClose(kClose)},
       "200 e1 s1",
       "200 e1 s1",
       "3 lines, End e1 s1"},
      {{.name = "until close, dropped", .script = UntilClose(kDrop)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "3 lines, Unavailable e1 s1"},
      {{.name = "slow, within the deadline", .script = Slowly(milliseconds(2))},
       "200 e1 s1",
       "200 e1 s1",
       "3 lines, End e1 s1",
       created},
      // A stream may be as slow as it likes, as long as it is never silent for its limit.
      {{.name = "slow, beyond the deadline",
        .script = Slowly(milliseconds(15)),
        .deadline = milliseconds(700)},
       "Unavailable e1 s1",
       "UnknownOutcome e1 s1",
       "3 lines, End e1 s1"},
      {{.name = "more than the limit", .script = Then(true, Huge)},
       "Invalid e1 s1",
       "UnknownOutcome e1 s1",
       "Invalid e1 s1"},
  };
}

std::vector<Row> Refusals() {
  static constexpr std::string_view kPolicy =
      "ValidatingAdmissionPolicy 'author' with binding 'author' denied request: not yours";
  return {
      {{.name = "302 elsewhere", .script = Refuses(302, "", "moved", "Location: /elsewhere\r\n")},
       "Invalid e0 s1",
       "Invalid e0 s1",
       "Invalid e0 s1"},
      {{.name = "400", .script = Refuses(400, "BadRequest", "no")},
       "Invalid e0 s1",
       "Invalid e0 s1",
       "Invalid e0 s1"},
      {{.name = "401", .script = Refuses(401, "Unauthorized", "no")},
       "Denied e0 s1",
       "Denied e0 s1",
       "Denied e0 s1"},
      {{.name = "401, then the new token", .script = Rotates, .rotate_token = true},
       "200 e1 s2",
       "200 e1 s2",
       "3 lines, End e1 s2",
       {{Verb::kPost, "201 e1 s2"}}},
      {{.name = "401, the new token too",
        .script = Refuses(401, "Unauthorized", "no"),
        .rotate_token = true},
       "Denied e0 s2",
       "Denied e0 s2",
       "Denied e0 s2"},
      {{.name = "403", .script = Refuses(403, "Forbidden", "no")},
       "Denied e0 s1",
       "Denied e0 s1",
       "Denied e0 s1"},
      {{.name = "404", .script = Refuses(404, "NotFound", "no")},
       "NotFound e0 s1",
       "NotFound e0 s1",
       "NotFound e0 s1"},
      {{.name = "409", .script = Refuses(409, "Conflict", "no")},
       "Conflict e0 s1",
       "Conflict e0 s1",
       "Conflict e0 s1"},
      {{.name = "410", .script = Refuses(410, "Expired", "too old")},
       "Gone e0 s1",
       "Gone e0 s1",
       "Gone e0 s1"},
      {{.name = "422", .script = Refuses(422, "Invalid", "no")},
       "Invalid e0 s1",
       "Invalid e0 s1",
       "Invalid e0 s1"},
      {{.name = "422 of a policy", .script = Refuses(422, "Invalid", kPolicy)},
       "Denied e0 s1",
       "Denied e0 s1",
       "Denied e0 s1"},
      {{.name = "429, Retry-After: 7",
        .script = Refuses(429, "TooManyRequests", "slow", "Retry-After: 7\r\n")},
       "Throttled in 7 s e0 s1",
       "Throttled in 7 s e0 s1",
       "Throttled in 7 s e0 s1"},
      {{.name = "429, its body cut", .script = Then(false, CutRefusal)},
       "Unavailable e0 s1",
       "UnknownOutcome e0 s1",
       "Throttled in 7 s e0 s1"},
      {{.name = "500", .script = Refuses(500, "InternalError", "no")},
       "UnknownOutcome e0 s1",
       "UnknownOutcome e0 s1",
       "Unavailable e0 s1"},
      {{.name = "503, Retry-After: 1",
        .script = Refuses(503, "ServiceUnavailable", "no", "Retry-After: 1\r\n")},
       "Unavailable in 1 s e0 s1",
       "Unavailable in 1 s e0 s1",
       "Unavailable in 1 s e0 s1"},
      {{.name = "504", .script = Refuses(504, "Timeout", "no")},
       "UnknownOutcome e0 s1",
       "UnknownOutcome e0 s1",
       "Unavailable e0 s1"},
  };
}

std::vector<Row> Make() {
  std::vector<Row> rows;
  for (std::vector<Row> (*part)() :
       {BeforeTheRequest, WithoutAnswer, ExecutedTwice, BadBodies, Refusals}) {
    for (Row& row : part()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = Make();
  return rows;
}

}  // namespace chaos::contract
