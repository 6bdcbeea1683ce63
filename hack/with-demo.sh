#!/usr/bin/env bash
# Starts a demo of its own, runs a command against it with KANRIN_URL, KANRIN_PASSWORD_FILE, KANRIN_BIN and KUBECONFIG set,
# and stops it again.
#
#   hack/with-demo.sh BIN COMMAND [ARGS]
set -euo pipefail

bin=$1
shift
dir=$(mktemp -d)
port=${PORT:-0}
if [ "$port" = 0 ]; then
  port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
fi
pid=
cleanup() {
  status=$?
  trap - EXIT INT TERM
  if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
    kill -INT "$pid"
    wait "$pid" || true
  fi
  [ "$status" = 0 ] || { echo '--- the demo said:' >&2; tail -n 40 "$dir/log" >&2 || true; }
  rm -rf "$dir"
  exit "$status"
}
trap cleanup EXIT INT TERM

"$bin/kanrin" up --demo --data-dir "$dir/data" --listen "127.0.0.1:$port" >"$dir/log" 2>&1 &
pid=$!
for _ in $(seq 1 600); do
  kill -0 "$pid" 2>/dev/null || { echo 'the demo ended while it was starting' >&2; exit 1; }
  if curl -ksf "https://127.0.0.1:$port/readyz" >/dev/null 2>&1 && [ -s "$dir/data/admin.kubeconfig" ]; then
    ready=1
    break
  fi
  sleep 0.2
done
[ "${ready:-}" = 1 ] || { echo 'the demo was not ready within two minutes' >&2; exit 1; }

export KANRIN_URL="https://127.0.0.1:$port" KANRIN_PASSWORD_FILE="$dir/data/admin-password" KANRIN_BIN="$bin/kanrin"
export KUBECONFIG="$dir/data/admin.kubeconfig" KANRIN_DATA_DIR="$dir/data"
"$@"
