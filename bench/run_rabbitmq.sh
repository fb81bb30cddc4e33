#!/usr/bin/env bash
# POST 256 B → RabbitMQ, 202 after the broker's confirm (mandatory), 64 connections, behind an
# API-key plan, in turns with the floor: against a stand-in that confirms at once, where the one who
# is measured and not the broker is the limit, then against RabbitMQ (durable queue of bounded
# length): transient, persistent (which waits for the broker's disk), and at one rate for both.
# The same POST to the mock shows what of it is the connector's.
# Settings: the head of lib.sh; BENCH_RABBITMQ=HOST:PORT uses a broker that is there (guest/guest).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
[ -x "$BENCH_BIN/mock_amqp" ] || die "no mock_amqp in BENCH_BIN: build bench_programs again"
(exec taskset -c 1 "$BENCH_BIN/mock_amqp" --ports-file "$work/amqp.json") 2>"$work/amqp.err" &
started+=($!)
await "$work/amqp.json" $!
fast=$(value "$work/amqp.json" amqp)
if [ -n "${BENCH_RABBITMQ:-}" ]; then
  rabbitmq=$BENCH_RABBITMQ
else
  load "$root/tests/support/rabbitmq/start_rabbitmq.sh" "$work/rabbitmq" >&2
  rabbitmq=$(sed -n 's/^TIDEGATE_TEST_RABBITMQ=//p' "$work/rabbitmq/rabbitmq.env")
  trap '"$root/tests/support/rabbitmq/stop_rabbitmq.sh" "$work/rabbitmq"; finish' EXIT
fi
/usr/bin/python3 - "${rabbitmq%:*}" "${rabbitmq##*:}" <<'PY'
import sys
import pika
where = pika.ConnectionParameters(sys.argv[1], int(sys.argv[2]))
channel = pika.BlockingConnection(where).channel()
channel.exchange_declare("bench", "topic", durable=True)
channel.queue_declare("bench", durable=True, arguments={"x-max-length": 10000})
channel.queue_bind("bench", "bench", "#")
PY
mkdir -p "$work/definitions"
# define NAME BROKER PERSISTENT: the API /NAME behind the key $key-NAME
define() {
  cat <<YAML
kind: Api
name: $1
type: message
listeners: [{path: /$1}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        rabbitmq:
          serverHost: ${2%:*}
          serverPort: ${2##*:}
          security: {auth: {username: guest, password: guest}}
          producer:
            exchange: {name: bench, type: topic}
            routingKey: bench.post
            persistent: $3
plans: [{name: keys, apiKey: {}}]
---
YAML
  subscribe "$1"
}
{
  define fast "$fast" false
  define transient "$rabbitmq" false
  define persistent "$rabbitmq" true
  printf 'kind: Application\nname: load\n'
} >"$work/definitions/post.yaml"
define_mock
start_gateway ours --state none --definitions "$work/definitions"
start fast "$BENCH_BIN/floor_post" --amqp "$fast" --exchange bench --routing-key bench.post
start slow "$BENCH_BIN/floor_post" --amqp "$rabbitmq" --exchange bench --routing-key bench.post
begin rabbitmq

for ((round = 0; round < rounds; round++)); do
  post_256 "$fast_url/" "$fast_pid" floor-stand-in none
  post_to_broker ours-stand-in fast "$key-fast"
  post_to_broker mock mock "$key-mock"
done
for ((round = 0; round < rounds; round++)); do
  post_256 "$slow_url/" "$slow_pid" floor-transient none
  post_to_broker ours-transient transient "$key-transient"
  post_to_broker persistent persistent "$key-persistent"
done
# At one rate: in closed loop the broker decides how many requests share a turn of the worker, and a
# request that has a turn to itself costs several times as much.
for ((round = 0; round < rounds; round++)); do
  post_256 "$slow_url/" "$slow_pid" floor-transient-3000/s none --rate 3000
  post_to_broker ours-transient-3000/s transient "$key-transient" --rate 3000
done
table
