# Names and paths that every part of the test cluster shares. Sourced, never run.
# shellcheck shell=bash disable=SC2034

readonly KUBERNETES_VERSION=v1.34.4
readonly NODE_NAME=node1 NODE_IP=10.210.0.1 NODE_CIDR=10.210.0.0/24
readonly SERVICE_CIDR=10.211.0.0/16 API_SERVICE_IP=10.211.0.1 DNS_SERVICE_IP=10.211.0.10
readonly POD_CIDR=10.212.0.0/16
readonly PAUSE_IMAGE=rbee.dev/pause:1

# Where the node finds its state, binaries and configuration: in its own mount namespace, so never long.
readonly INSIDE=/run/cluster

CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rbee-chaos
STATE_BASE=${XDG_STATE_HOME:-${HOME:-/root}/.local/state}/rbee-chaos/cluster

say() { printf '%s\n' "$*" >&2; }
die() { say "cluster: $*"; exit 1; }
