#!/bin/bash
# Shows the whole thing: a real one-node cluster, the operator, a small rbee, and two experiments with their verdicts:
# the queen is cut off from its hive, and a worker is killed in the middle of an answer while a load runs.
# usage: demo.sh [--rbee normal|blind] [--keep]       as root on Debian 12; exit code 0 only for the verdict Passed of both
#        demo.sh --context NAME --images PREFIX       on an existing cluster; never on one that is not named
#        demo.sh --down [--context NAME]              removes every trace of it
#   --rbee blind     a queen that never notices a lost hive: the first ends NotDetected, exit code 1
#   --keep           leaves everything up and says how to use it
#   --context NAME   a context of your kubeconfig; --images PREFIX: where you have pushed the images, as printed
#   --help           this text
set -euo pipefail
root=$(dirname "$(realpath "$0")")
cd "$root"

readonly CLUSTER_NAME=demo NAMESPACE=rbee SYSTEM=rbee-chaos-system
readonly EXPERIMENTS=(nf-001-partition-queen-hive wc-001-kill-worker-during-inference)  # in crds/samples
rbee=normal keep='' down='' context='' prefix=''

usage() { sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; }
fail() { echo "demo.sh: $*" >&2; exit 2; }

while [ $# -gt 0 ]; do
  case $1 in
    --rbee) rbee=${2:-}; shift ;;
    --context) context=${2:-}; shift ;;
    --images) prefix=${2:-}; shift ;;
    --keep) keep=1 ;;
    --down) down=1 ;;
    -h | --help) usage; exit ;;
    *) usage >&2; fail "unknown argument $1" ;;
  esac
  shift || fail "the last argument needs a value"
done
[[ $rbee = normal || $rbee = blind ]] || fail "--rbee is normal or blind, not \"$rbee\""
[ -z "$prefix" ] || [ -n "$context" ] || fail "--images goes with --context; the demo's own cluster needs no registry"
[ -z "$context" ] || [ -n "$prefix" ] || [ -n "$down" ] ||
  fail "--context needs --images PREFIX: the cluster must be able to pull PREFIX/chaos-operator, /chaos-injector, /chaos-load and /rbee-sim"
[ -n "$context" ] || [ "$(id -u)" = 0 ] || fail "must run as root: it makes network namespaces and containers of its own"

if [ -n "$context" ]; then
  kubectl=(kubectl --context "$context")
else
  unset CHAOS_CLUSTER
  kubectl=("$root/tests/cluster/cluster" --name "$CLUSTER_NAME" kubectl)
fi

step_began=''
step() { # WHAT: prints what is done, and how long the step before took
  local now=$EPOCHREALTIME
  [ -z "$step_began" ] || awk "BEGIN { printf \" %.1f s\n\", $now - $step_began }"
  step_began=$now
  [ -z "$1" ] || printf '%-58s' "$1"
}
quiet() { # COMMAND…: its output is shown only if it fails
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1; then
    echo
    cat "$log" >&2
    rm -f "$log"
    fail "failed: $*"
  fi
  rm -f "$log"
}

remove_everything() {
  if [ -z "$context" ]; then
    quiet tests/cluster/cluster --name "$CLUSTER_NAME" down
    return 0  # in a trap a bare return would give the status from before it
  fi
  quiet "${kubectl[@]}" delete --ignore-not-found --wait=true namespace "$NAMESPACE"
  quiet "${kubectl[@]}" delete --ignore-not-found --wait=true namespace "$SYSTEM"
  quiet "${kubectl[@]}" delete --ignore-not-found -f crds/
  quiet "${kubectl[@]}" delete --ignore-not-found -l app.kubernetes.io/part-of=rbee-chaos \
    validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings
}

if [ -n "$down" ]; then
  step "removing everything that the demo made"
  remove_everything
  step ""
  exit
fi

finished=''
# shellcheck disable=SC2317  # called by the trap
leave() {
  local code=$?
  trap - EXIT INT TERM
  if [ -n "$keep" ] && [ -n "$finished" ]; then
    echo "Everything stays up. To use it:"
    echo "  ${kubectl[*]/#$root\//./} get cx -n $NAMESPACE"
    echo "  ${kubectl[*]/#$root\//./} describe cx ${EXPERIMENTS[0]} -n $NAMESPACE"
    echo "  ./demo.sh --down${context:+ --context $context}      removes it"
  elif [ -z "$context" ]; then
    step_began=''
    step "taking the cluster down"
    remove_everything
    step ""
  else
    echo "The cluster is left as it is; ./demo.sh --down --context $context removes what was installed"
  fi
  exit "$code"
}

# shellcheck disable=SC2317  # called by quiet
build() {
  cmake --preset dev && cmake --build --preset dev --target chaos-operator chaos-injector chaos-load rbee-sim
}

step "packages and the parts of a cluster"
if [ -z "$context" ]; then quiet tests/setup.sh; else quiet tests/setup.sh packages; fi
step "building operator, injector, load and a small rbee"
quiet build
step "making their images"
quiet /usr/bin/python3 tests/images/images.py
images=$root/build/dev/images/images.json
if [ -n "$context" ]; then
  /usr/bin/python3 tests/demo/prefix_images.py "$prefix" "$images" >"$images.prefixed"
  images=$images.prefixed
fi
rbee_image=$(/usr/bin/python3 -c 'import json, sys; v = json.load(open(sys.argv[1]))["rbee-sim"]; print(v if isinstance(v, str) else v["reference"])' "$images")

trap leave EXIT
trap 'echo; echo "interrupted"; exit 130' INT TERM
if [ -z "$context" ]; then
  step "starting a one-node Kubernetes in its own namespaces"
  quiet tests/cluster/cluster --name "$CLUSTER_NAME" up
  quiet tests/cluster/cluster --name "$CLUSTER_NAME" load-image build/dev/images/*.tar
fi

step "installing CRDs, policies, profile and operator"
quiet "${kubectl[@]}" apply -f crds/
quiet "${kubectl[@]}" wait --for=condition=Established --timeout=30s --recursive=false -f crds/
flags=''
[ "$rbee" = normal ] || flags=--blind
sed -e "s|@RBEE_SIM_IMAGE@|$rbee_image|; s|@RBEE_SIM_QUEEN_FLAGS@|$flags|" tests/rbee-sim/rbee.yaml >build/dev/rbee.yaml
quiet "${kubectl[@]}" apply -f build/dev/rbee.yaml
charts/render.py --images "$images" --bind "$NAMESPACE" >build/dev/install.yaml
quiet "${kubectl[@]}" apply -f build/dev/install.yaml
step "waiting for the operator and for rbee ($rbee)"
quiet "${kubectl[@]}" rollout status --timeout=120s -n "$SYSTEM" deployment/chaos-operator
for part in queen hive worker; do quiet "${kubectl[@]}" rollout status --timeout=120s -n "$NAMESPACE" "deployment/$part"; done

code=0
for experiment in "${EXPERIMENTS[@]}"; do
  step "kubectl apply -f crds/samples/$experiment.yaml"
  quiet "${kubectl[@]}" delete --ignore-not-found --wait=true -n "$NAMESPACE" chaosexperiment "$experiment"
  quiet "${kubectl[@]}" apply -f "crds/samples/$experiment.yaml"
  step ""
  step_began=''
  echo
  /usr/bin/python3 tests/demo/show.py "$NAMESPACE" "$experiment" "${kubectl[@]}" || { code=$?; break; }
done
finished=1
exit "$code"
