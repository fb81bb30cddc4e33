#!/usr/bin/env bash
# Stops what start_kafka.sh has started in DIR; its data stays.
#
# usage: stop_kafka.sh DIR [--kill]     --kill: the broker alone, as in a crash (SIGKILL)
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: stop_kafka.sh DIR [--kill]" >&2; exit 2; }
signal=TERM
[ "${2:-}" = --kill ] && signal=KILL
if [ -f "$1/kafka.env" ]; then
  . "$1/kafka.env"
  kill "-$signal" "$KAFKA_PID" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$KAFKA_PID" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$KAFKA_PID" 2>/dev/null || true
  rm -f "$1/kafka.env"
fi
[ "$signal" = KILL ] && exit 0
if [ -f "$1/token.pid" ]; then
  kill "$(cat "$1/token.pid")" 2>/dev/null || true
  rm -f "$1/token.pid"
fi
"$(dirname "$0")/../kdc/stop_kdc.sh" "$1/kdc"
