#!/bin/sh
# contract_cluster.sh TEST: installs the CRDs in the cluster that CHAOS_CLUSTER points to and runs TEST against it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cluster=$root/tests/cluster/cluster
"$cluster" kubectl apply --server-side -f "$root/crds/"
"$cluster" kubectl wait --for=condition=Established --timeout=30s --recursive=false -f "$root/crds/"
exec "$cluster" exec "$1"
