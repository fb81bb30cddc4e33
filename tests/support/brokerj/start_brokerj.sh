#!/usr/bin/env bash
# Starts an Apache Qpid Broker-J that speaks AMQP 1.0.
#
# usage: start_brokerj.sh DIR
#
# DIR holds everything of it and, once it answers, brokerj.env with
#   TIDEGATE_TEST_BROKERJ=127.0.0.1:PORT (user and password `admin`, virtual host `default`)
#   BROKERJ_PID=…
# Run again on a DIR whose broker was stopped, it starts on the same port and data.
# Needs java (17) and, the first time, mvn; the broker is kept in TIDEGATE_CACHE
# (~/.cache/tidegate).
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_brokerj.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
command -v java >/dev/null || brokerj_fail "java is needed"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
brokerj_fetch
rm -f "$dir/brokerj.env"
[ -f "$dir/port" ] || "$here/../ports.py" 1 >"$dir/port"
port=$(cat "$dir/port")
[ -f "$dir/initial.json" ] || brokerj_settings "$port" >"$dir/initial.json"
QPID_WORK=$dir/work java -Xms64m -Xmx256m -DQPID_WORK="$dir/work" \
  -Dderby.stream.error.file="$dir/derby.log" -cp "$BROKERJ_HOME/lib/*" \
  org.apache.qpid.server.Main -icp "$dir/initial.json" >"$dir/brokerj.log" 2>&1 &
pid=$!
for _ in $(seq 600); do
  kill -0 "$pid" 2>/dev/null || brokerj_fail "ended: $(tail -5 "$dir/brokerj.log")"
  if grep -q 'BRK-1004' "$dir/brokerj.log" && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    printf 'TIDEGATE_TEST_BROKERJ=127.0.0.1:%s\nBROKERJ_PID=%s\n' "$port" "$pid" >"$dir/brokerj.env"
    echo "brokerj: 127.0.0.1:$port ready, pid $pid"
    exit 0
  fi
  sleep 0.1
done
kill "$pid"
brokerj_fail "not ready within 60 s"
