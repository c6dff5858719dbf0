# The cluster's own cgroup: whatever runs in it is the cluster's, and nothing else is. That makes it the
# one record of what to end that survives being killed in the middle. v1 and v2 differ only in this file.
# shellcheck shell=bash

# v1 also for hybrid hosts, whose v2 tree carries no controllers.
# cgroup_version MOUNT_POINT
cgroup_version() {
  if [ "$(stat -fc %T "$1")" = cgroup2fs ]; then echo v2; else echo v1; fi
}

# cgroup_roots v1|v2|all: every mounted hierarchy.
cgroup_roots() {
  local type='^cgroup2?$'
  case $1 in v1) type='^cgroup$' ;; v2) type='^cgroup2$' ;; esac
  awk -v type="$type" '$3 ~ type { print $2 }' /proc/mounts | sort -u
}

# The one hierarchy in which membership is looked up.
cgroup_anchor() {
  if [ "$1" = v2 ]; then cgroup_roots v2 | head -n 1; return; fi
  cgroup_roots v1 | grep -m 1 '/pids$' || cgroup_roots v1 | grep -m 1 /memory
}

# cgroup_make VERSION NAME: also a leaf `node` for the node's own processes, as v2 allows none beside children.
cgroup_make() {
  local version=$1 name=$2 root controllers
  for root in $(cgroup_roots "$version"); do mkdir -p "$root/$name"; done
  if [ "$version" = v2 ]; then
    root=$(cgroup_anchor v2)
    controllers=$(sed 's/\b[a-z]/+&/g' "$root/cgroup.controllers")
    { echo "$controllers" >"$root/cgroup.subtree_control" &&
      echo "$controllers" >"$root/$name/cgroup.subtree_control"; } 2>/dev/null ||
      die "cannot hand the controllers of $root down to $name: processes live in the root of this cgroup namespace"
  fi
  mkdir -p "$(cgroup_anchor "$version")/$name/node"
}

cgroup_exists() { [ -d "$(cgroup_anchor "$1")/$2" ]; }

# Moves the calling shell in, and so all that it starts.
cgroup_join() { echo "$BASHPID" >"$(cgroup_anchor "$1")/$2/node/cgroup.procs"; }

cgroup_pids() {
  local dir
  dir=$(cgroup_anchor "$1")/$2
  [ ! -d "$dir" ] || find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null
}

# Ends every process in it, also frozen ones, and removes it. Fails if something is still there after 20 s.
# On hybrid hosts the container runtime made it in the v2 tree too.
cgroup_destroy() {
  local version=$1 name=$2 root pids deadline=$((SECONDS + 20))
  for root in $(cgroup_roots all); do
    [ ! -d "$root/$name" ] || find "$root/$name" -name freezer.state -exec sh -c 'echo THAWED >"$1"' - {} \; 2>/dev/null
  done
  while pids=$(cgroup_pids "$version" "$name") && [ -n "$pids" ]; do
    # shellcheck disable=SC2086  # one word per process
    kill -KILL $pids 2>/dev/null || true
    [ $SECONDS -lt $deadline ] || { say "processes that would not end: $pids"; return 1; }
    sleep 0.02
  done
  for root in $(cgroup_roots all); do
    while [ -d "$root/$name" ] && ! find "$root/$name" -depth -type d -exec rmdir {} + 2>/dev/null; do
      [ $SECONDS -lt $deadline ] || { say "$root/$name cannot be removed"; return 1; }
      sleep 0.02
    done
  done
}
