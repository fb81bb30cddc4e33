#!/usr/bin/env bash
# Stops the broker that start_artemis.sh has started in DIR.
#
# usage: stop_artemis.sh DIR
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: stop_artemis.sh DIR" >&2; exit 2; }
[ -f "$1/artemis.env" ] || exit 0
. "$1/artemis.env"
kill "$ARTEMIS_PID" 2>/dev/null || true
for _ in $(seq 150); do
  kill -0 "$ARTEMIS_PID" 2>/dev/null || { rm -f "$1/artemis.env"; exit 0; }
  sleep 0.1
done
kill -9 "$ARTEMIS_PID" 2>/dev/null || true
rm -f "$1/artemis.env"
