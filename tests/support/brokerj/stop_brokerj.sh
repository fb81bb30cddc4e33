#!/usr/bin/env bash
# Stops the broker that start_brokerj.sh has started in DIR.
#
# usage: stop_brokerj.sh DIR
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: stop_brokerj.sh DIR" >&2; exit 2; }
[ -f "$1/brokerj.env" ] || exit 0
. "$1/brokerj.env"
kill "$BROKERJ_PID" 2>/dev/null || true
for _ in $(seq 150); do
  kill -0 "$BROKERJ_PID" 2>/dev/null || { rm -f "$1/brokerj.env"; exit 0; }
  sleep 0.1
done
kill -9 "$BROKERJ_PID" 2>/dev/null || true
rm -f "$1/brokerj.env"
