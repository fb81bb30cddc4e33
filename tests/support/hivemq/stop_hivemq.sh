#!/usr/bin/env bash
# Stops the broker that start_hivemq.sh has started in DIR.
#
# usage: stop_hivemq.sh DIR
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: stop_hivemq.sh DIR" >&2; exit 2; }
[ -f "$1/hivemq.env" ] || exit 0
. "$1/hivemq.env"
kill "$HIVEMQ_PID" 2>/dev/null || true
for _ in $(seq 150); do
  kill -0 "$HIVEMQ_PID" 2>/dev/null || { rm -f "$1/hivemq.env"; exit 0; }
  sleep 0.1
done
kill -9 "$HIVEMQ_PID" 2>/dev/null || true
rm -f "$1/hivemq.env"
