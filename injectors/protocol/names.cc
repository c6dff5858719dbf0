#include "injectors/protocol/names.h"

namespace chaos::protocol {

std::string SidecarName(std::string_view run) { return "rbc-" + std::string(run); }
std::string StopperName(std::string_view run) { return SidecarName(run) + "-stop"; }
std::string ReverterName(std::string_view run) { return SidecarName(run) + "-undo"; }
std::string ProbePodName(std::string_view run) { return SidecarName(run) + "-probe"; }
std::string PeersServiceName(std::string_view run, std::size_t index) {
  return SidecarName(run) + "-peers" + (index == 0 ? "" : "-" + std::to_string(index));
}
bool IsOurContainer(std::string_view name) { return name.starts_with("rbc-"); }
std::string StopSocketName(std::string_view run) { return "rbee-chaos/" + std::string(run); }
std::string TableName(std::string_view run) { return "rbc_" + std::string(run); }

}  // namespace chaos::protocol
