#!/bin/bash
# Installs what building and testing need on Debian 12; does nothing where it is there already.
# Usage: tests/setup.sh [packages|builder|k6]
#   packages   without the test cluster's Go programs (minutes, once)
#   builder    a container builder, for the Dockerfile alone
#   k6         what the load generator is measured against, from its Go module; prints where it is
set -euo pipefail
shopt -s inherit_errexit
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/cluster/lib/common.sh
. "$here/cluster/lib/common.sh"
# shellcheck source=tests/cluster/lib/go.sh
. "$here/cluster/lib/go.sh"

PACKAGES=(
  # compiling
  binutils ccache cmake g++ git make ninja-build pkg-config
  libboost-dev libboost-system-dev libbenchmark-dev libcli11-dev libcpprest-dev libgmock-dev libgtest-dev
  libspdlog-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev prometheus-cpp-dev zlib1g-dev
  # checking
  clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev shellcheck
  # test scripts
  busybox ca-certificates curl jq openssl procps python3 python3-yaml
  # what the load generator is measured against
  hey wrk
  # the one-node cluster
  conntrack containerd containernetworking-plugins iproute2 nftables runc util-linux
)

BUILDER=(buildah git mmdebstrap)

# Names from the list that are not installed. A package named with an alternative version counts as its real name.
missing_packages() {
  dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' | sort -u | comm -13 - <(printf '%s\n' "$@" | sort -u)
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "not installed: ${missing[*]}; run $0 as root"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet=2
  apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
}

case ${1:-all} in
  all | packages) ;;
  builder) install_packages "${BUILDER[@]}"; exit ;;
  k6)
    has_go || install_packages golang-1.19-go
    "$here/k6/build"
    exit ;;
  *) die "no such part: $1 (packages, builder, k6, or nothing for all)" ;;
esac
install_packages "${PACKAGES[@]}"
if [ "${1:-all}" = all ]; then
  has_go || install_packages golang-1.19-go
  "$here/cluster/binaries" >/dev/null
fi
