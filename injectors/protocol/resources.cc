#include "injectors/protocol/resources.h"

#include "injectors/protocol/field_reader.h"

namespace chaos::protocol {
namespace {

constexpr std::size_t kMostMatchBytes = 128;

void ReadMatch(FieldReader& reader, std::string& match) {
  reader.Read("match", match);
  if (match.size() > kMostMatchBytes) reader.Fail("match", "at most 128 bytes");
}

void ReadCount(FieldReader& reader, const Json& json, const char* key, std::optional<int>& out) {
  if (!json.is_object() || !json.contains(key)) return;
  int count = -1;
  reader.Read(key, count);
  if (count < 0 || count > FileDescriptors::kMost) reader.Fail(key, "from 0 to 1048576");
  out = count;
}

}  // namespace

Json ToJson(const FileDescriptors& fault) {
  Json json = Json::object();
  if (fault.headroom) json["headroom"] = *fault.headroom;
  if (fault.limit) json["limit"] = *fault.limit;
  PutUnlessEmpty(json, "match", fault.match);
  return json;
}

std::string ReadFileDescriptors(const Json& json, FileDescriptors& fault) {
  FieldReader reader(json, "fileDescriptors");
  ReadCount(reader, json, "headroom", fault.headroom);
  ReadCount(reader, json, "limit", fault.limit);
  if (fault.headroom.has_value() == fault.limit.has_value())
    reader.Fail("", "an object with exactly one of headroom and limit");
  ReadMatch(reader, fault.match);
  return reader.Finish();
}

}  // namespace chaos::protocol
