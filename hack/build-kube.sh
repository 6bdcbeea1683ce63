#!/usr/bin/env bash
# Builds kanrin-kube, which is all of Kubernetes and takes minutes, once for each
# recipe, and keeps it in the user's cache directory.
#
#   hack/build-kube.sh OUT            puts the binary at OUT
#   hack/build-kube.sh --test [ARGS]  runs go test in kube/ (default ./...) with
#                                     the same flags, so that it compiles nothing
#                                     twice
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
module=$root/kube
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kanrin/kube

# Without debug information, and with a lazier garbage collector in the compiler
# (see build), the build takes three quarters of the time.
export CGO_ENABLED=0
build_flags=(-trimpath -buildvcs=false -gcflags=all=-dwarf=false)

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
say() { echo "kanrin-kube: $*" >&2; }
fail() { say "$*"; exit 1; }
sha() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1; }

# recipe prints all that the binary depends on.
recipe() {
  (cd "$module" && go version && go env GOOS GOARCH GOAMD64 GOARM64 GOEXPERIMENT)
  cd "$root"
  find kube hack/build-kube.sh -type f \
    \( -name go.mod -o -name go.sum -o -name '*.go' ! -name '*_test.go' -o -name build-kube.sh \) |
    sort | while read -r file; do echo "$file"; cat "$file"; done
}

# follow COUNTED TOTAL WHAT PID LOG: a line every ten seconds while PID runs.
follow() {
  local counted=$1 total=$2 what=$3 pid=$4 log=$5 start=$SECONDS next=10 n
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - start >= next)); then
      n=$(grep -c "$counted" "$log" || true)
      say "$what: $n of $total ($((SECONDS - start)) s)"
      next=$((next + 10))
    fi
  done
  wait "$pid"
}

# build leaves the binary at $1.
build() {
  local out=$1 log=$2 version major minor date flags total v p
  cd "$module"

  total=$(grep -vc '/go.mod ' go.sum)
  go list -deps "${build_flags[@]}" ./cmd/kanrin-kube >"$log.packages" 2>"$log" 9>&- &
  follow '^go: downloading' "at most $total" 'downloading modules' $! "$log" || { cat "$log" >&2; fail 'downloading the modules failed'; }
  total=$(wc -l <"$log.packages")

  version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
  date=$(go list -m -f '{{.Time.UTC.Format "2006-01-02T15:04:05Z"}}' k8s.io/kubernetes)
  major=${version#v} major=${major%%.*}
  minor=${version#v*.} minor=${minor%%.*}
  flags='-s -w'
  for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    for v in "gitVersion=$version" "gitMajor=$major" "gitMinor=$minor" gitTreeState=clean "buildDate=$date"; do
      flags+=" -X $p.$v"
    done
  done

  say "compiling Kubernetes $version; this happens once and takes some minutes"
  # Not inheriting the lock: what outlives an interrupted build must not keep it.
  GOGC=${GOGC:-400} go build -v "${build_flags[@]}" -ldflags "$flags" -o "$out" ./cmd/kanrin-kube >"$log" 2>&1 9>&- &
  follow '^[a-z]' "at most $total" 'compiling packages' $! "$log" || { grep -v '^[a-z][^ :]*$' "$log" >&2; fail 'compiling failed'; }
}

# install copies $1 to $2 unless it is there already.
install_binary() {
  local tmp
  mkdir -p "$(dirname "$2")"
  if cmp -s "$1" "$2"; then return; fi
  tmp=$(mktemp "$2.XXXXXX")
  cp "$1" "$tmp" && chmod 0755 "$tmp" && mv -f "$tmp" "$2" || { rm -f "$tmp"; fail "writing $2 failed"; }
}

# In a function, so that the script may change while it runs.
main() {
  command -v go >/dev/null || fail 'go is not on PATH'
  case ${1:-} in
  --test)
    shift
    cd "$module"
    # Without vet, which would first look at all of Kubernetes.
    exec go test -vet=off "${build_flags[@]}" "${@:-./...}"
    ;;
  '' | -*) usage ;;
  esac
  [[ $# == 1 ]] || usage
  local out=$1 kubernetes entry started
  [[ $out == /* ]] || out=$PWD/$out

  kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' "$module/go.mod")
  entry=$cache/$kubernetes-$(recipe | sha)

  if [[ ! -x $entry/kanrin-kube ]]; then
    mkdir -p "$cache"
    # One build at a time: a second one would only compile the same packages again.
    exec 9>"$cache/lock"
    if command -v flock >/dev/null; then
      flock -n 9 || { say 'another build is running; waiting for it'; flock 9; }
      rm -rf "$cache"/.build.* # of builds that were killed
    fi
    if [[ ! -x $entry/kanrin-kube ]]; then
      started=$SECONDS
      work=$(mktemp -d "$cache/.build.XXXXXX")
      job=
      trap 'job=$(jobs -p); [[ -z $job ]] || kill $job 2>/dev/null; rm -rf "$work"' EXIT
      trap 'exit 130' INT TERM
      mkdir "$work/entry"
      build "$work/entry/kanrin-kube" "$work/log"
      rm -rf "$entry"
      mv "$work/entry" "$entry"
      say "built in $((SECONDS - started)) s"
    fi
    exec 9>&-
  fi
  touch "$entry"
  install_binary "$entry/kanrin-kube" "$out"

  # This one and the one before it stay.
  ls -1dt "$cache"/v*/ 2>/dev/null | tail -n +3 | while read -r old; do rm -rf "$old"; done
}

main "$@"
exit
