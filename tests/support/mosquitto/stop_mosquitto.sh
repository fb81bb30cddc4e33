#!/usr/bin/env bash
# Stops the broker that start_mosquitto.sh has started in DIR; its data stays.
#
# usage: stop_mosquitto.sh DIR [--kill]     --kill: at once, as in a crash (SIGKILL)
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: stop_mosquitto.sh DIR [--kill]" >&2; exit 2; }
[ -f "$1/mosquitto.env" ] || exit 0
. "$1/mosquitto.env"
signal=TERM
[ "${2:-}" = --kill ] && signal=KILL
kill "-$signal" "$MOSQUITTO_PID" 2>/dev/null || true
for _ in $(seq 100); do
  kill -0 "$MOSQUITTO_PID" 2>/dev/null || break
  sleep 0.1
done
kill -KILL "$MOSQUITTO_PID" 2>/dev/null || true
rm -f "$1/mosquitto.env"
