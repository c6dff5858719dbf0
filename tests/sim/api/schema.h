// A CRD's structural schema at work: defaults, unknown fields, types, bounds and times. Rules in
// CEL are not evaluated; the few that protect a run are in admission.h.
#pragma once

#include <string>
#include <vector>

#include "operator/base/json.h"

namespace chaos::sim {

class Schema {
 public:
  // Requires: the `openAPIV3Schema` of a CRD's version.
  explicit Schema(Json schema) : schema_(std::move(schema)) {}

  void AddDefaults(Json& object) const;
  // Takes away what the schema does not know; returns the paths of it.
  std::vector<std::string> Prune(Json& object) const;
  // What keeps a server-side apply from being understood at all: fields that the schema does not
  // know, other types, one key twice in a list. Stricter than the rest, and answered with a 500.
  std::vector<std::string> Misfits(const Json& object) const;
  // What is wrong, in the words of an API server; empty when nothing is.
  std::vector<std::string> Validate(const Json& object) const;

 private:
  Json schema_;
};

}  // namespace chaos::sim
