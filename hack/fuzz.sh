#!/usr/bin/env bash
# Runs every fuzz target of the tree for a while, one after the other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:-10s}
for module in . kube; do
  (
    cd "$module"
    grep -rlE '^func Fuzz' --include='*_test.go' . | grep -v node_modules | xargs -r -n1 dirname | sort -u | while read -r dir; do
      grep -hoE '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u | while read -r target; do
        echo "$dir $target"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir"
      done
    done
  )
done
