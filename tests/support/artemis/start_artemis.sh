#!/usr/bin/env bash
# Starts an Apache ActiveMQ Artemis broker that takes Solace's addresses over AMQP 1.0.
#
# usage: start_artemis.sh DIR
#
# DIR holds everything of it and, once it answers, artemis.env with
#   TIDEGATE_TEST_ARTEMIS=127.0.0.1:PORT (user and password `admin`)   ARTEMIS_PID=…
# Run again on a DIR whose broker was stopped, it starts on the same port and data.
# Needs java (17) and, the first time, mvn; the broker is kept in TIDEGATE_CACHE
# (~/.cache/tidegate).
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_artemis.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
command -v java >/dev/null || artemis_fail "java is needed"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
artemis_fetch
rm -f "$dir/artemis.env"
[ -f "$dir/port" ] || "$here/../ports.py" 1 >"$dir/port"
port=$(cat "$dir/port")
[ -d "$dir/broker" ] || artemis_make "$dir" "$port"
JAVA_ARGS="-Xms64M -Xmx256M" "$dir/broker/bin/artemis" run >"$dir/artemis.log" 2>&1 &
pid=$!
for _ in $(seq 600); do
  kill -0 "$pid" 2>/dev/null || artemis_fail "ended: $(tail -5 "$dir/artemis.log")"
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    printf 'TIDEGATE_TEST_ARTEMIS=127.0.0.1:%s\nARTEMIS_PID=%s\n' "$port" "$pid" \
      >"$dir/artemis.env"
    echo "artemis: 127.0.0.1:$port ready, pid $pid"
    exit 0
  fi
  sleep 0.1
done
kill "$pid"
artemis_fail "not ready within 60 s"
