// A namespace: whether it agrees to be hurt is in its labels.
#pragma once

#include "operator/base/json.h"
#include "operator/kube/object.h"

namespace chaos {

struct Namespace {
  kube::ObjectMeta meta;
  bool terminating = false;
  static Result<Namespace> FromJson(const Json& object);
};

}  // namespace chaos
