#!/usr/bin/env bash
# Stops the broker that start_rabbitmq.sh has started in DIR, and its epmd; its data stays.
#
# usage: stop_rabbitmq.sh DIR [--kill]     --kill: at once, as in a crash (SIGKILL)
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: stop_rabbitmq.sh DIR [--kill]" >&2; exit 2; }
[ -f "$1/rabbitmq.env" ] || exit 0
. "$1/rabbitmq.env"
signal=TERM
[ "${2:-}" = --kill ] && signal=KILL
kill "-$signal" "$RABBITMQ_BEAM_PID" 2>/dev/null || true
for _ in $(seq 200); do
  kill -0 "$RABBITMQ_BEAM_PID" 2>/dev/null || break
  sleep 0.1
done
kill -KILL "$RABBITMQ_BEAM_PID" 2>/dev/null || true
kill "$RABBITMQ_EPMD_PID" 2>/dev/null || true
rm -f "$1/rabbitmq.env"
