#!/usr/bin/env bash
# Tries tasks-rabbitmq.yaml: starts a gateway with it, reads over SSE, posts, sees the message come.
#
# usage: try-rabbitmq.sh [HOST:PORT]     the broker, guest/guest; default 127.0.0.1:5672
# TIDEGATE names the binary; default: the one of a release build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
broker=${1:-127.0.0.1:5672}
tidegate=${TIDEGATE:-$here/../../build/release/sidecar/tidegate}
[ -x "$tidegate" ] || { echo "try-rabbitmq.sh: no gateway at $tidegate" >&2; exit 1; }
work=$(mktemp -d)
pids=()
finish() {
  local status=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  exit $status
}
trap finish EXIT

mkdir "$work/definitions"
sed -e "s/serverHost: .*/serverHost: ${broker%:*}/" \
  -e "s/serverPort: .*/serverPort: ${broker##*:}/" \
  "$here/tasks-rabbitmq.yaml" >"$work/definitions/tasks.yaml"
"$tidegate" serve --http 127.0.0.1:0 --operations 127.0.0.1:0 --admin "unix:$work/admin.sock" \
  --state none --definitions "$work/definitions" --ports-file "$work/ports.json" 2>"$work/log" &
pids+=($!)
# wait_for WHAT COMMAND…: until the command succeeds, at most 20 s
wait_for() {
  local what=$1
  shift
  for _ in $(seq 200); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "try-rabbitmq.sh: $what did not come" >&2
  cat "$work/log" >&2
  exit 1
}
wait_for "the gateway" test -s "$work/ports.json"
http=$(sed -n 's/.*"http": *\[* *"\([^"]*\)".*/\1/p' "$work/ports.json")

echo "== read:  curl -N http://$http/tasks -H 'Accept: text/event-stream'"
curl -sN "http://$http/tasks" -H 'Accept: text/event-stream' >"$work/events" &
pids+=($!)
# Whoever posts while nobody has a queue is told so (503 UNROUTABLE).
posted() {
  [ "$(curl -s -o "$work/answer" -w '%{http_code}' "http://$http/tasks" \
    -H 'Content-Type: application/json' -d '{"task": "write tests"}')" = 202 ]
}
echo "== post:  curl http://$http/tasks -d '{\"task\": \"write tests\"}'"
wait_for "202" posted
wait_for "the message" grep -q 'write tests' "$work/events"
grep '^data:' "$work/events" | head -1
