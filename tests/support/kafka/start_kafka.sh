#!/usr/bin/env bash
# Starts a real Apache Kafka broker (KRaft, one node) for the tests.
#
# usage: start_kafka.sh DIR
#
# DIR holds everything of it: settings, log segments, kafka.log and, once it answers, kafka.env with
#   TIDEGATE_TEST_KAFKA=127.0.0.1:PORT   KAFKA_PID=…
# Run again on a DIR whose broker was stopped or killed, it starts on the same ports and data: that
# is what the fault tests do. Ports are free ones chosen by the system, on the loopback only.
# Needs java (17) and, the first time, mvn; jars are kept in ${TIDEGATE_CACHE:-~/.cache/tidegate}.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_kafka.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
command -v java >/dev/null || kafka_fail "java is needed"
command -v kcat >/dev/null || kafka_fail "kcat is needed"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
kafka_fetch "$here"

if [ -f "$dir/kafka.env" ]; then
  . "$dir/kafka.env"
  kill -0 "$KAFKA_PID" 2>/dev/null && kafka_fail "a broker runs there already, pid $KAFKA_PID"
  rm -f "$dir/kafka.env"
fi
if [ ! -f "$dir/kafka.ports" ]; then
  kafka_log_settings "$dir"
  port=$(kafka_free_port)
  controller=$(kafka_free_port)
  cat >"$dir/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
log.retention.check.interval.ms=1000
log.cleaner.enable=false
controlled.shutdown.enable=true
END
  storage=(java -XX:TieredStopAtLevel=1 -cp "$KAFKA_LIBS/*" kafka.tools.StorageTool)
  id=$("${storage[@]}" random-uuid 2>/dev/null)
  "${storage[@]}" format -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1 ||
    kafka_fail "formatting has failed; see $dir/format.log"
  echo "KAFKA_PORT=$port" >"$dir/kafka.ports"
fi
kafka_run "$dir"
. "$dir/kafka.env"
echo "kafka: $TIDEGATE_TEST_KAFKA ready, pid $KAFKA_PID"
