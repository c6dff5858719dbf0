// As whom an injector stands beside its victim, in the two ways that the operator knows.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/injector/program.h"

namespace chaos::test {

struct Side {
  std::string name;
  unsigned uid;  // of the victim; its group is the same number
  Privileges injector;
};

inline std::vector<Side> Sides() {
  return {{"SameUserNoCapability", 1000, {.net_admin = false, .uid = 1000, .gid = 1000}},
          {"RootWithPtraceBesideRoot", 0, {.net_admin = false, .sys_ptrace = true}},
          {"RootWithPtraceBesideAUser", 1000, {.net_admin = false, .sys_ptrace = true}}};
}
inline std::string NameOfSide(const ::testing::TestParamInfo<Side>& side) {
  return side.param.name;
}

inline protocol::InjectArguments ProcessArguments(const protocol::Process& process,
                                                  milliseconds duration = seconds(30)) {
  protocol::InjectArguments arguments =
      Arguments("0123456789", process.AtOnce() ? milliseconds(0) : duration);
  arguments.fault = process;
  arguments.controls.clear();
  return arguments;
}

}  // namespace chaos::test
