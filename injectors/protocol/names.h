// Every name that two programs must agree on: labels, annotations, containers, pods.
#pragma once

#include <string>
#include <string_view>

namespace chaos::protocol {

inline constexpr std::string_view kGroup = "chaos.rbee.dev";

inline constexpr std::string_view kFinalizer = "chaos.rbee.dev/clean";
inline constexpr std::string_view kAbortAnnotation = "chaos.rbee.dev/abort";  // value: the reason
inline constexpr std::string_view kReleaseAnnotation =
    "chaos.rbee.dev/release";  // value: the object's uid
inline constexpr std::string_view kRanAnnotation =
    "chaos.rbee.dev/ran";  // spec hashes, comma separated, newest last
inline constexpr std::string_view kMaxTierLabel = "chaos.rbee.dev/max-tier";  // on namespaces
inline constexpr std::string_view kMaxLiveLabel = "chaos.rbee.dev/max-live";  // on namespaces
inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "rbee-chaos";
inline constexpr std::string_view kExperimentUidLabel = "chaos.rbee.dev/experiment-uid";
inline constexpr std::string_view kRunLabel = "chaos.rbee.dev/run";

// A run id is 10 lower-case hex digits: unique per object uid and spec hash.
std::string SidecarName(std::string_view run);   // "rbc-<run>"
std::string StopperName(std::string_view run);   // "rbc-<run>-stop"
std::string ReverterName(std::string_view run);  // "rbc-<run>-undo"
std::string ProbePodName(std::string_view run);  // "rbc-<run>-probe"
std::string PeersServiceName(std::string_view run,
                             std::size_t index);  // "rbc-<run>-peers", "-peers-1"
inline constexpr std::string_view kProbeContainer = "probe";
// True for every container that we add to somebody's pod.
bool IsOurContainer(std::string_view name);
// The abstract unix socket (without the leading NUL) on which the injector of a run takes its stop.
// Being per network namespace and exclusive it is also the lock against a second injector of the
// run.
std::string StopSocketName(std::string_view run);  // "rbee-chaos/<run>"
// The nft table that a run owns.
std::string TableName(std::string_view run);  // "rbc_<run>"

}  // namespace chaos::protocol
