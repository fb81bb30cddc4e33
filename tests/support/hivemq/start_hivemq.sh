#!/usr/bin/env bash
# Starts HiveMQ CE, a second MQTT 5 broker with shared subscriptions.
#
# usage: start_hivemq.sh DIR
#
# DIR holds everything of it and, once it answers, hivemq.env with
#   TIDEGATE_TEST_HIVEMQ=127.0.0.1:PORT   HIVEMQ_PID=…
# Run again on a DIR whose broker was stopped, it starts on the same port and data.
# Needs java (17), mosquitto-clients and, the first time, mvn; jars are kept in TIDEGATE_CACHE
# (~/.cache/tidegate).
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_hivemq.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
command -v java >/dev/null || hivemq_fail "java is needed"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
hivemq_fetch "$here"
rm -f "$dir/hivemq.env"
[ -f "$dir/port" ] || "$here/../ports.py" 1 >"$dir/port"
port=$(cat "$dir/port")
hivemq_settings "$dir" "$port"
opens=()
for package in java.lang java.nio sun.nio.ch; do
  opens+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
opens+=(--add-opens jdk.management/com.sun.management.internal=ALL-UNNAMED)
(cd "$dir" && exec java "${opens[@]}" -Xms64M -Xmx384M -XX:+UseSerialGC -Djava.io.tmpdir="$dir" \
  -cp "$HIVEMQ_LIBS:$HIVEMQ_LIBS/*" Broker "$dir") >"$dir/hivemq.log" 2>&1 8>&- </dev/null &
pid=$!
for _ in $(seq 300); do
  kill -0 "$pid" 2>/dev/null || hivemq_fail "ended: $(tail -5 "$dir/hivemq.log")"
  if mosquitto_pub -V 5 -h 127.0.0.1 -p "$port" -t tidegate/ready -n 2>/dev/null; then
    printf 'TIDEGATE_TEST_HIVEMQ=127.0.0.1:%s\nHIVEMQ_PID=%s\n' "$port" "$pid" >"$dir/hivemq.env"
    echo "hivemq: 127.0.0.1:$port ready, pid $pid"
    exit 0
  fi
  sleep 0.3
done
kill "$pid"
hivemq_fail "not ready within 90 s"
