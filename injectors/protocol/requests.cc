#include "injectors/protocol/requests.h"

#include <algorithm>
#include <array>

#include "injectors/protocol/field_reader.h"

namespace chaos::protocol {
namespace {

constexpr std::array<std::string_view, 3> kEnds = {"CleanWithoutDone", "Fin", "Reset"};
constexpr std::array<std::string_view, 2> kCorruptions = {"BadJson", "BadUtf8"};
constexpr int kMostEvents = 1'000'000;
constexpr std::size_t kMostErrorBytes = 1024;
constexpr milliseconds kMostLag = std::chrono::minutes(10);
constexpr std::size_t kMostPathBytes = 256, kMostMethodBytes = 16;

Json ToJson(const Lag& lag) {
  return {{"latency", PrintDuration(lag.latency)}, {"jitter", PrintDuration(lag.jitter)}};
}

// Only what differs from "every request", so that equal faults have equal bytes.
Json ToJson(const RequestMatch& match) {
  Json json = {{"ports", match.ports}, {"share", match.share}};
  PutUnlessEmpty(json, "path", match.path);
  PutUnlessEmpty(json, "method", match.method);
  if (match.kubelet_probes) json["kubeletProbes"] = true;
  return json;
}

std::string ReadLag(const Json& json, const std::string& where, Lag& lag) {
  FieldReader reader(json, where);
  reader.Read("latency", lag.latency, true);
  reader.Read("jitter", lag.jitter);
  if (lag.latency < milliseconds(0) || lag.latency > kMostLag)
    reader.Fail("latency", "from 0s to 10m");
  if (lag.jitter < milliseconds(0) || lag.jitter > lag.latency)
    reader.Fail("jitter", "at most the latency");
  return reader.Finish();
}

std::string ReadMatch(const Json& json, const std::string& where, RequestMatch& match) {
  FieldReader reader(json, where);
  reader.Read("ports", match.ports, "a list of ports");
  if (match.ports.empty()) reader.Fail("ports", "the ports on which the target serves");
  for (const std::uint16_t port : match.ports) {
    if (port == 0) reader.Fail("ports", "from 1 to 65535");
  }
  reader.Read("path", match.path);
  if (match.path.size() > kMostPathBytes) reader.Fail("path", "at most 256 bytes");
  reader.Read("method", match.method);
  if (match.method.size() > kMostMethodBytes) reader.Fail("method", "at most 16 bytes");
  reader.Read("share", match.share, true);
  if (match.share < 1 || match.share > 100) reader.Fail("share", "from 1 to 100 percent");
  if (const Json* probes = reader.Take("kubeletProbes", false)) {
    if (probes->is_boolean())
      match.kubelet_probes = probes->get<bool>();
    else
      reader.Fail("kubeletProbes", "true or false");
  }
  return reader.Finish();
}

// The first thing that is wrong.
std::string First(std::initializer_list<std::string> errors) {
  for (const std::string& error : errors) {
    if (!error.empty()) return error;
  }
  return "";
}

}  // namespace

Json ToJson(const Http& http) {
  Json json = {{"match", ToJson(http.match)}, {"seed", http.seed}};
  if (http.delay) json["delay"] = ToJson(*http.delay);
  if (http.abort_status != 0) json["abort"] = http.abort_status;
  return json;
}

std::string ReadHttp(const Json& json, Http& http) {
  FieldReader reader(json, "http");
  std::string match, delay;
  if (const Json* object = reader.Take("match", true))
    match = ReadMatch(*object, "http.match", http.match);
  if (const Json* object = reader.Take("delay", false))
    delay = ReadLag(*object, "http.delay", http.delay.emplace());
  reader.Read("abort", http.abort_status);
  if (http.abort_status != 0 && (http.abort_status < 400 || http.abort_status > 599))
    reader.Fail("abort", "a status from 400 to 599");
  reader.Read("seed", http.seed);
  if (!http.delay && http.abort_status == 0) reader.Fail("", "given a delay or an abort");
  return First({reader.Finish(), match, delay});
}

Json ToJson(const Stream& stream) {
  Json json = {{"match", ToJson(stream.match)}, {"seed", stream.seed}};
  if (stream.first_token_delay) json["firstTokenDelay"] = ToJson(*stream.first_token_delay);
  if (stream.token_delay) json["tokenDelay"] = ToJson(*stream.token_delay);
  if (stream.stall_after) json["stallAfter"] = *stream.stall_after;
  if (stream.truncate_after) {
    json["truncateAfter"] = *stream.truncate_after;
    json["end"] = kEnds[static_cast<std::size_t>(stream.end)];
  }
  if (stream.error_after) {
    json["errorAfter"] = *stream.error_after;
    json["errorData"] = stream.error_data;
  }
  if (stream.cancel_after) json["cancelAfter"] = *stream.cancel_after;
  if (stream.corrupt > 0) {
    json["corrupt"] = stream.corrupt;
    json["corruption"] = kCorruptions[static_cast<std::size_t>(stream.corruption)];
  }
  if (stream.duplicate > 0) json["duplicate"] = stream.duplicate;
  if (stream.drop > 0) json["drop"] = stream.drop;
  if (stream.drop_done) json["dropDone"] = true;
  if (stream.reorder > 0) json["reorder"] = stream.reorder;
  return json;
}

namespace {

void ReadAfter(FieldReader& reader, const char* key, std::optional<int>& after) {
  if (reader.Take(key, false) == nullptr) return;
  reader.Read(key, after.emplace());
  if (*after < 0 || *after > kMostEvents) reader.Fail(key, "from 0 to 1000000");
}

void ReadShare(FieldReader& reader, const char* key, int& share) {
  if (reader.Take(key, false) == nullptr) return;
  reader.Read(key, share);
  if (share < 1 || share > 100) reader.Fail(key, "from 1 to 100 percent");
}

}  // namespace

std::string ReadStream(const Json& json, Stream& stream) {
  FieldReader reader(json, "stream");
  std::string match, first, each;
  if (const Json* object = reader.Take("match", true))
    match = ReadMatch(*object, "stream.match", stream.match);
  if (const Json* object = reader.Take("firstTokenDelay", false))
    first = ReadLag(*object, "stream.firstTokenDelay", stream.first_token_delay.emplace());
  if (const Json* object = reader.Take("tokenDelay", false))
    each = ReadLag(*object, "stream.tokenDelay", stream.token_delay.emplace());
  ReadAfter(reader, "stallAfter", stream.stall_after);
  ReadAfter(reader, "truncateAfter", stream.truncate_after);
  ReadAfter(reader, "errorAfter", stream.error_after);
  ReadAfter(reader, "cancelAfter", stream.cancel_after);
  if (stream.truncate_after) reader.Read("end", stream.end, kEnds);
  if (stream.error_after) reader.Read("errorData", stream.error_data, true);
  if (stream.error_data.size() > kMostErrorBytes ||
      stream.error_data.find_first_of("\r\n") != std::string::npos)
    reader.Fail("errorData", "one line of at most 1024 bytes");
  ReadShare(reader, "corrupt", stream.corrupt);
  if (stream.corrupt > 0) reader.Read("corruption", stream.corruption, kCorruptions);
  ReadShare(reader, "duplicate", stream.duplicate);
  ReadShare(reader, "drop", stream.drop);
  ReadShare(reader, "reorder", stream.reorder);
  if (const Json* done = reader.Take("dropDone", false)) {
    if (done->is_boolean())
      stream.drop_done = done->get<bool>();
    else
      reader.Fail("dropDone", "true or false");
  }
  reader.Read("seed", stream.seed);
  const int ends = stream.stall_after.has_value() + stream.truncate_after.has_value() +
                   stream.error_after.has_value() + stream.cancel_after.has_value();
  const bool anything = ends > 0 || stream.first_token_delay || stream.token_delay ||
                        stream.corrupt > 0 || stream.duplicate > 0 || stream.drop > 0 ||
                        stream.drop_done || stream.reorder > 0;
  if (ends > 1) reader.Fail("", "given one end at most");
  if (!anything) reader.Fail("", "given something to do");
  return First({reader.Finish(), match, first, each});
}

}  // namespace chaos::protocol
