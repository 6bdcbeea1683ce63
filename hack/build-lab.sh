#!/usr/bin/env bash
# Builds what the machines of `kanrin lab` run besides kanrin-kube: containerd, CoreDNS and a pause program. Once for each recipe, kept
# in the user's cache directory.
#
#   hack/build-lab.sh OUT   puts the programs into the directory OUT
set -euo pipefail
export LC_ALL=C CGO_ENABLED=0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kanrin/lab-programs
mkdir -p "${1:?usage: hack/build-lab.sh OUT}"
out=$(cd "$1" && pwd)
say() { echo "lab: $*" >&2; }

key=$( (cd "$root/lab" && go version && go env GOOS GOARCH && cat go.mod go.sum pause/main.go "$root/hack/build-lab.sh") | sha256sum | cut -c1-16)
entry=$cache/$key
if [[ ! -d $entry ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  if [[ ! -d $entry ]]; then
    say 'compiling containerd and CoreDNS; this happens once and takes some minutes'
    started=$SECONDS
    rm -rf "$cache"/.build.*
    work=$(mktemp -d "$cache/.build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cd "$root/lab"
    # Snapshotters that need more than an ordinary file system are left out.
    go build -tags no_btrfs,no_zfs,no_devmapper,no_aufs -ldflags '-s -w' -o "$work/" \
      github.com/containerd/containerd/v2/cmd/containerd github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 \
      github.com/containerd/containerd/v2/cmd/ctr ./pause 9>&-
    go build -ldflags '-s -w' -o "$work/" github.com/coredns/coredns 9>&-
    mv "$work" "$entry"
    say "built in $((SECONDS - started)) s"
  fi
  exec 9>&-
fi
touch "$entry"
mkdir -p "$out"
for f in "$entry"/*; do
  cmp -s "$f" "$out/${f##*/}" || { cp "$f" "$out/.${f##*/}.new" && mv "$out/.${f##*/}.new" "$out/${f##*/}"; }
done
ls -1dt "$cache"/*/ 2>/dev/null | tail -n +3 | while read -r old; do rm -rf "$old"; done
