#!/usr/bin/env bash
# Tries events-solace.yaml: starts a gateway with it, reads over SSE, posts, sees the event come.
#
# usage: SOLACE_PASSWORD=… try-solace.sh [HOST:PORT]
#   the broker's AMQP 1.0 port (default 127.0.0.1:5672); its user is `gateway`
# TIDEGATE names the binary; default: the one of a release build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
broker=${1:-127.0.0.1:5672}
: "${SOLACE_PASSWORD:?is the password of the user gateway}"
export SOLACE_PASSWORD
tidegate=${TIDEGATE:-$here/../../build/release/sidecar/tidegate}
[ -x "$tidegate" ] || { echo "try-solace.sh: no gateway at $tidegate" >&2; exit 1; }
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
sed "s|url: amqp://.*|url: amqp://$broker|" "$here/events-solace.yaml" \
  >"$work/definitions/events.yaml"
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
  echo "try-solace.sh: $what did not come" >&2
  cat "$work/log" >&2
  exit 1
}
wait_for "the gateway" test -s "$work/ports.json"
http=$(sed -n 's/.*"http": *\[* *"\([^"]*\)".*/\1/p' "$work/ports.json")

echo "== read:  curl -N http://$http/events -H 'Accept: text/event-stream'"
curl -sN "http://$http/events" -H 'Accept: text/event-stream' -D "$work/head" >"$work/events" &
pids+=($!)
wait_for "the stream" grep -q ' 200' "$work/head"  # answered when the broker has attached the link
echo "== post:  curl http://$http/events -d '{\"order\": 7}'"
status=$(curl -s -o "$work/answer" -w '%{http_code}' "http://$http/events" \
  -H 'Content-Type: application/json' -d '{"order": 7}')
[ "$status" = 202 ] || { echo "try-solace.sh: $status" >&2; cat "$work/answer" >&2; exit 1; }
wait_for "the event" grep -q '"order": 7' "$work/events"
grep '^data:' "$work/events" | head -1
