#include "controllers/world/namespace.h"

namespace chaos {

Result<Namespace> Namespace::FromJson(const Json& object) {
  Namespace ns;
  ns.meta = kube::MetaFromJson(object);
  ns.terminating = ns.meta.deleting || Text(object, {"status", "phase"}) == "Terminating";
  return ns;
}

}  // namespace chaos
