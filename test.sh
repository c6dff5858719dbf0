#!/bin/bash
# Builds and tests. Usage: test.sh [TIER…], one or more of the tiers below; without one, what CI runs.
#   tidy         format, includes and shell scripts; clang-tidy on what changed (CHAOS_TIDY_BASE: since when)
#   unit         pure behaviour, no network, no clock
#   contract     the kube layer against servers that misbehave
#   sim          the whole controller under a virtual clock and seeded chance
#   integration  real namespaces, processes and an API server (root)
#   e2e          the product as shipped on a one-node cluster (root)
#   fuzz         unit tests and fuzz targets under address and undefined-behaviour sanitizers
#   tsan         queue, store, watch and lease under the thread sanitizer
#   bench        figures, both sides in one run
#   dockerfile   the images built from source by a container builder, as their users build them (root; minutes)
#   full         all of them, with more seeds and everything tidied
# The last line is "N passed, N failed"; the exit code is 0 only if nothing failed and something passed.
set -uo pipefail
root=$(dirname "$(realpath "$0")")
cd "$root" || exit 1

readonly CI_TIERS=(tidy unit contract tsan fuzz sim integration e2e)
readonly ALL_TIERS=("${CI_TIERS[@]}" bench dockerfile)

export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1  # one cache for every checkout; it lies outside them all
passed=0 failed=0 cluster=

count() { # PASSED FAILED
  passed=$((passed + $1)) failed=$((failed + $2))
}

# One more check that either holds or does not.
check() { # NAME COMMAND…
  local name=$1
  shift
  if "$@"; then count 1 0; else count 0 1; echo "FAILED: $name"; fi
}

timed() { # NAME COMMAND…: runs it and prints its line of the result.
  local name=$1 before_passed=$passed before_failed=$failed began=$EPOCHREALTIME
  shift
  echo "--- $name"
  "$@"
  printf '=== %-12s %5d passed, %d failed in %.1f s\n' "$name" $((passed - before_passed)) $((failed - before_failed)) \
    "$(awk "BEGIN { print $EPOCHREALTIME - $began }")"
}

finish() {
  [ -z "$cluster" ] || tests/cluster/cluster down || count 0 1
  trap - EXIT
  [ $passed -gt 0 ] || [ $failed -gt 0 ] || failed=1
  echo "$passed passed, $failed failed"
  exit $((failed > 0))
}

install() { tests/setup.sh packages || count 0 1; }

# --- building ---------------------------------------------------------------------------------------------------

preset_of() {
  case $1 in fuzz) echo asan ;; tsan) echo tsan ;; bench) echo release ;; *) echo dev ;; esac
}

declare -A built=()
build() { # PRESET: once; a failure ends the run, as every later result would be of something else.
  [ -z "${built[$1]:-}" ] || return 0
  built[$1]=1
  cmake --preset "$1" >"$results/configure-$1.log" || { tail -n 30 "$results/configure-$1.log"; count 0 1; finish; }
  local -a targets=()
  case $1 in
    tsan) targets=(--target unit_kube) ;;  # what has threads of ours
    release) targets=(--target product_bench chaos-injector load_bench) ;;
  esac
  cmake --build --preset "$1" "${targets[@]}" || { echo "the build of preset $1 failed"; count 0 1; finish; }
}

# --- tiers ------------------------------------------------------------------------------------------------------

run_ctest() { # TIER DIRECTORY LABELS JOBS [CTEST ARGUMENTS…]: DIRECTORY is a preset, or a directory of its build
  local tier=$1 directory=$2 labels=$3 jobs=$4 counts
  ctest --test-dir "build/$directory" --label-regex "^($labels)\$" --parallel "$jobs" --output-on-failure --quiet \
    --output-junit "$results/$tier.xml" --output-log "$results/$tier.log" "${@:5}" || show_failures "$results/$tier.log"
  counts=$(/usr/bin/python3 tests/results.py tests/skips.txt "$results/$tier.xml") || counts="0 1 0"
  read -r tier_passed tier_failed _ <<<"$counts"
  count "$tier_passed" "$tier_failed"
}

show_failures() { grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test .* Passed )' "$1"; }

start_cluster() {
  [ -z "$cluster" ] || return 0
  tests/setup.sh || { count 0 1; return 1; }
  CHAOS_CLUSTER=$(tests/cluster/cluster --name "test-$$" state)
  export CHAOS_CLUSTER
  cluster=$CHAOS_CLUSTER
  tests/cluster/cluster up || { count 0 1; cluster=; return 1; }
}

make_images() { /usr/bin/python3 tests/images/images.py || { count 0 1; return 1; }; }

start_images() {
  make_images || return 1
  tests/cluster/cluster load-image build/dev/images/*.tar || { count 0 1; return 1; }
  export CHAOS_IMAGES=$root/build/dev/images/images.json
}

tier() {
  local name=$1 jobs
  jobs=$(nproc)
  [ "$name" = tidy ] || build "$(preset_of "$name")"
  case $name in
    tidy) tidy ;;
    unit | contract | sim) run_ctest "$name" dev "$name" "$jobs" ;;
    integration) start_cluster && run_ctest "$name" dev integration 2 ;;
    e2e) start_cluster && start_images && run_ctest "$name" dev e2e 4 ;;
    fuzz) run_ctest fuzz asan "unit|fuzz" "$jobs" ;;
    tsan) run_ctest tsan tsan/tests/unit/kube unit "$jobs" ;;
    bench)
      local k6
      k6=$(tests/setup.sh k6) || { count 0 1; return 1; }
      PATH=${k6%/*}:$PATH run_ctest bench release bench 1 --verbose
      grep -E '^[0-9]+: ' "$results/bench.log" ;;
    dockerfile)
      tests/setup.sh builder || { count 0 1; return 1; }
      make_images && check dockerfile tests/images/dockerfile_test.sh build/dev/images ;;
  esac
}

# --- tidy -------------------------------------------------------------------------------------------------------

changed_since() {
  if [ -n "${CHAOS_FULL:-}" ]; then echo; return; fi
  local base=${CHAOS_TIDY_BASE:-}
  [ -n "$base" ] || base=$(git merge-base HEAD origin/main 2>/dev/null)
  [ -n "$base" ] && [ "$(git rev-parse "$base")" != "$(git rev-parse HEAD)" ] || base=$(git rev-parse --verify --quiet HEAD~1)
  echo "$base"
}

tidy() {
  local base
  local -a sources scripts changed
  mapfile -t sources < <(git ls-files '*.h' '*.cc' '*.c')
  mapfile -t scripts < <(git ls-files | xargs grep -lE '^#!/bin/(ba)?sh' --; git ls-files 'tests/cluster/lib/*.sh')
  check clang-format formatted "${sources[@]}"
  check shellcheck shellcheck --external-sources "${scripts[@]}"
  base=$(changed_since)
  if [ -n "$base" ]; then
    mapfile -t changed < <(git diff --name-only --diff-filter=d "$base" -- '*.cc')
  else
    mapfile -t changed < <(git ls-files '*.cc')
  fi
  [ ${#changed[@]} -gt 0 ] || return 0
  build dev
  echo "clang-tidy on ${#changed[@]} files"
  check clang-tidy tidy_files "${changed[@]}"
}

formatted() {
  local wrong
  wrong=$(clang-format-14 --dry-run -Werror "$@" 2>&1 | sed -n 's/^\([^:]*\):.* error: .*/\1/p' | uniq)
  [ -z "$wrong" ] || { echo "not formatted (clang-format-14 -i mends it): $(tr '\n' ' ' <<<"$wrong")"; return 1; }
}

# Only files that the build knows: fuzz targets belong to another preset.
tidy_files() {
  local file
  for file; do
    ! grep -qF "\"file\": \"$root/$file\"" build/dev/compile_commands.json || printf '%s\0' "$file"
  done | xargs --null --no-run-if-empty --max-procs="$(nproc)" --max-args=1 clang-tidy-14 -p build/dev --quiet
}

# --- arguments --------------------------------------------------------------------------------------------------

tiers=()
for argument; do
  case $argument in
    -h | --help) sed -n '2,/^set/ s/^# \{0,1\}//p' "$0"; exit ;;
    full) export CHAOS_FULL=1; tiers+=("${ALL_TIERS[@]}") ;;
    *)
      [[ " ${ALL_TIERS[*]} " == *" $argument "* ]] ||
        { echo "no tier \"$argument\"; there are: ${ALL_TIERS[*]} full" >&2; exit 2; }
      tiers+=("$argument") ;;
  esac
done
[ ${#tiers[@]} -gt 0 ] || tiers=("${CI_TIERS[@]}")

results=$root/build/results
mkdir -p "$results"
trap finish EXIT
trap 'echo interrupted; count 0 1; exit' INT TERM HUP
timed packages install
[ $failed = 0 ] || exit
[ "${tiers[*]}" = tidy ] || timed build build "$(preset_of "${tiers[0]}")"
for name in "${tiers[@]}"; do timed "$name" tier "$name"; done
