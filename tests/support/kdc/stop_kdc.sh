#!/usr/bin/env bash
# Stops the KDC that start_kdc.sh has started in DIR; its database stays.
#
# usage: stop_kdc.sh DIR
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: stop_kdc.sh DIR" >&2; exit 2; }
[ -f "$1/kdc.env" ] || exit 0
. "$1/kdc.env"
kill "$KDC_PID" 2>/dev/null || true
for _ in $(seq 50); do
  kill -0 "$KDC_PID" 2>/dev/null || break
  sleep 0.1
done
kill -KILL "$KDC_PID" 2>/dev/null || true
rm -f "$1/kdc.env"
