#include "tests/sim/api/watches.h"

#include <algorithm>

#include "tests/sim/api/replies.h"

namespace chaos::sim {
namespace {

constexpr seconds kBookmarkEvery{60};

std::string EventLine(std::string_view type, const std::string& object) {
  return R"({"type":")" + std::string(type) + R"(","object":)" + object + "}";
}

bool Selects(const Target& target, const Json& object) {
  return MatchesLabels(object, target.Query("labelSelector")) &&
         MatchesFields(object, target.Query("fieldSelector"));
}

}  // namespace

Watches::Watches(ObjectStore& store, Timeline& timeline) : store_(store), timeline_(timeline) {
  store_.Observe([this](const Record& record) {
    watches_.remove_if([](const Watch& watch) { return watch.sink.expired(); });
    for (const Watch& watch : watches_) Tell(watch, record);
  });
}

std::optional<kube::Response> Watches::Open(const Target& target,
                                            const std::shared_ptr<LineSink>& sink) {
  const std::string from = target.Query("resourceVersion");
  if (from.find_first_not_of("0123456789") != std::string::npos)
    return BadRequest("resourceVersion: Invalid value: \"" + from + "\"");
  const std::uint64_t version = from.empty() ? 0 : std::stoull(from);
  sink->Begin();
  if (version != 0 && version < store_.oldest()) {
    sink->Line(EventLine("ERROR", StatusBody(410, "Expired", "too old resource version: " + from)));
    sink->End();
    return std::nullopt;
  }
  const Watch& watch = watches_.emplace_back(Watch{target, sink, ++ids_});
  if (version == 0) {
    for (const auto& [key, object] : store_.All(*target.resource)) {
      if ((target.key.ns.empty() || target.key.ns == key.ns) && Selects(target, object->object))
        sink->Line(EventLine("ADDED", object->Text()));
    }
  } else {
    for (const Record& record : store_.history()) {
      if (record.rv > version) Tell(watch, record);
    }
  }
  const std::string timeout = target.Query("timeoutSeconds");
  timeline_.After(seconds(timeout.empty() ? 1800 : std::stoll(timeout)),
                  [this, id = watch.id] { End(id); });
  if (target.Asked("allowWatchBookmarks"))
    timeline_.After(kBookmarkEvery, [this, id = watch.id] { SendBookmark(id); });
  return std::nullopt;
}

// An object that begins or ceases to match the selector comes or goes, whatever happened to it.
void Watches::Tell(const Watch& watch, const Record& record) {
  const Target& target = watch.target;
  if (record.resource != target.resource) return;
  if (!target.key.ns.empty() && record.key.ns != target.key.ns) return;
  const std::shared_ptr<LineSink> sink = watch.sink.lock();
  if (!sink) return;
  const bool before = record.before && Selects(target, record.before->object);
  const bool after = record.after && Selects(target, record.after->object);
  if (!before && !after) return;
  sink->Line(EventLine(!before ? "ADDED" : after ? "MODIFIED" : "DELETED", record.last->Text()));
}

Watches::Watch* Watches::FindWatch(std::uint64_t id) {
  const auto it = std::find_if(watches_.begin(), watches_.end(),
                               [id](const Watch& one) { return one.id == id; });
  return it == watches_.end() ? nullptr : &*it;
}

void Watches::SendBookmark(std::uint64_t id) {
  Watch* watch = FindWatch(id);
  const std::shared_ptr<LineSink> sink = watch ? watch->sink.lock() : nullptr;
  if (!sink) return;
  const Resource& resource = *watch->target.resource;
  const Json bookmark{
      {"kind", resource.type.kind},
      {"apiVersion", ApiVersion(resource)},
      {"metadata",
       {{"resourceVersion", std::to_string(store_.rv())}, {"creationTimestamp", nullptr}}}};
  sink->Line(EventLine("BOOKMARK", PrintJson(bookmark)));
  timeline_.After(kBookmarkEvery, [this, id] { SendBookmark(id); });
}

void Watches::EndAll() {
  for (const Watch& watch : std::list<Watch>(std::move(watches_))) {
    if (const std::shared_ptr<LineSink> sink = watch.sink.lock()) sink->End();
  }
  watches_.clear();
}

void Watches::End(std::uint64_t id) {
  Watch* watch = FindWatch(id);
  if (watch == nullptr) return;
  if (const std::shared_ptr<LineSink> sink = watch->sink.lock()) sink->End();
  watches_.remove_if([id](const Watch& one) { return one.id == id; });
}

}  // namespace chaos::sim
