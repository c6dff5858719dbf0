// The smallest projection: an object with one number in it.
#pragma once

#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos::kube {

inline constexpr ResourceType kThings{"test.dev", "v1", "things", "Thing", true};

struct Thing {
  ObjectMeta meta;
  std::int64_t size = 0;

  static Result<Thing> FromJson(const Json& object) {
    const Json* size = Find(object, {"size"});
    if (!size || !size->is_number_integer()) return Invalid("size is not a number");
    return Thing{MetaFromJson(object), size->get<std::int64_t>()};
  }
};

inline Json ThingJson(const std::string& name, const std::string& version, std::int64_t size,
                      const std::string& uid = "") {
  return {{"metadata",
           {{"namespace", "shop"},
            {"name", name},
            {"uid", uid.empty() ? "u-" + name : uid},
            {"resourceVersion", version}}},
          {"size", size}};
}
inline Thing MakeThing(const std::string& name, const std::string& version, std::int64_t size,
                       const std::string& uid = "") {
  return *Thing::FromJson(ThingJson(name, version, size, uid));
}

}  // namespace chaos::kube
