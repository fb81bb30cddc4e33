#!/usr/bin/env bash
# Tries events-solace.yaml: starts a gateway with it, reads over SSE, posts, sees the event come.
#
# usage: SOLACE_PASSWORD=… try-solace.sh [HOST:PORT]
#   the broker's AMQP 1.0 port (default 127.0.0.1:5672); its user is `gateway`
# TIDEGATE names the binary; default: the one of a release build.
set -euo pipefail
broker=${1:-127.0.0.1:5672}
: "${SOLACE_PASSWORD:?is the password of the user gateway}"
export SOLACE_PASSWORD
# shellcheck source=try-lib.sh
. "$(dirname "$0")/try-lib.sh"

sed "s|url: amqp://.*|url: amqp://$broker|" "$here/events-solace.yaml" \
  >"$work/definitions/events.yaml"
start_gateway

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
