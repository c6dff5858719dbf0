// A few verbs of an API server over a map: optimistic locking, merge patch, and a fault before or
// after execution.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "operator/base/json.h"
#include "tests/unit/kube/scripted_transport.h"

namespace chaos::kube {

class TinyApi final : public ScriptedTransport {
 public:
  TinyApi();
  std::map<std::string, Json> objects;  // by path
  std::function<void(const Request&)> before = [](const Request&) {};
  bool down = false;          // nothing is executed
  bool lose_replies = false;  // executed, but the caller does not learn it

 private:
  Result<Response> Answer(const Request& request);
  Response Execute(const Request& request);
  Response Store(const std::string& path, Json object, int status);
  int version_ = 100;
};

}  // namespace chaos::kube
