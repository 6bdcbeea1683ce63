#!/usr/bin/env bash
# Generates everything anew beside the tree and compares, so that a check changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/crds"
go tool -modfile=tools/go.mod controller-gen crd:crdVersions=v1,maxDescLen=400 paths=./api/... "output:crd:dir=$tmp/crds"
go tool -modfile=tools/go.mod controller-gen object paths=./api/... "output:object:dir=$tmp"
for f in "$tmp"/crds/*.yaml; do
  cmp -s "$f" "api/crds/$(basename "$f")" || { echo "api/crds/$(basename "$f") is not what make generate makes" >&2; exit 1; }
done
cmp -s "$tmp/zz_generated.deepcopy.go" api/v1alpha1/zz_generated.deepcopy.go || { echo 'api/v1alpha1/zz_generated.deepcopy.go is not what make generate makes' >&2; exit 1; }
