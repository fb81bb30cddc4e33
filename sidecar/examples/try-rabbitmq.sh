#!/usr/bin/env bash
# Tries tasks-rabbitmq.yaml: starts a gateway with it, reads over SSE, posts, sees the message come.
#
# usage: try-rabbitmq.sh [HOST:PORT]     the broker, guest/guest; default 127.0.0.1:5672
# TIDEGATE names the binary; default: the one of a release build.
set -euo pipefail
broker=${1:-127.0.0.1:5672}
# shellcheck source=try-lib.sh
. "$(dirname "$0")/try-lib.sh"

sed -e "s/serverHost: .*/serverHost: ${broker%:*}/" \
  -e "s/serverPort: .*/serverPort: ${broker##*:}/" \
  "$here/tasks-rabbitmq.yaml" >"$work/definitions/tasks.yaml"
start_gateway

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
