# A Go that can build Kubernetes: the host's if it is new enough, else the one that Debian's older Go
# fetches as a module, whose checksum the public log vouches for. Sourced after common.sh.
# shellcheck shell=bash

readonly GO_LEAST=1.24 GO_FETCHED=1.24.11
export GOTOOLCHAIN=local

go_new_enough() { # GO
  local version
  version=$("$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$GO_LEAST" "${version#go}" | sort -V | head -n 1)" = "$GO_LEAST" ]
}

# Debian's own, which knows modules but not Kubernetes: the package golang-1.19-go.
debian_go() { find /usr/lib/go-1.*/bin/go 2>/dev/null | sort -V | tail -n 1; }

has_go() { installed_go >/dev/null || [ -n "$(debian_go)" ]; }

installed_go() {
  local candidate
  for candidate in $(type -aP go) /usr/local/go/bin/go $(debian_go); do
    if go_new_enough "$candidate"; then echo "$candidate"; return; fi
  done
  return 1
}

# Prints the path of a Go that is new enough, fetching it if need be.
find_go() {
  local candidate
  ! installed_go || return 0
  candidate=$(debian_go)
  [ -n "$candidate" ] || die "no Go $GO_LEAST or newer, and no golang-1.19-go to fetch it with: run tests/setup.sh"
  fetch_go "$candidate"
}

fetch_go() { # OLDER_GO
  local tree architecture
  architecture=$("$1" env GOARCH)
  tree=$(cd / && GOFLAGS=-modcacherw "$1" mod download -json \
    "golang.org/toolchain@v0.0.1-go$GO_FETCHED.linux-$architecture" | jq -r .Dir) || true
  [ -x "$tree/bin" ] || die "Go $GO_FETCHED could not be fetched with $1"
  chmod +x "$tree"/bin/* "$tree"/pkg/tool/linux_"$architecture"/*
  echo "$tree/bin/go"
}
