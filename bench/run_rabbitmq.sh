#!/usr/bin/env bash
# POST 256 B → RabbitMQ, 202 after the broker's confirm (mandatory, durable queue of bounded
# length), 64 connections, behind an API-key plan; persistent, which waits for the broker's disk,
# and transient; in turns with the same POST to the mock: at the same rate the difference is the
# connector's.
# Settings: the head of lib.sh; BENCH_RABBITMQ=HOST:PORT uses a broker that is there (guest/guest).
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
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
cat >"$work/definitions/post.yaml" <<YAML
kind: Api
name: rabbit
type: message
listeners: [{path: /rabbit}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        rabbitmq:
          serverHost: ${rabbitmq%:*}
          serverPort: ${rabbitmq##*:}
          security: {auth: {username: guest, password: guest}}
          producer: {exchange: {name: bench, type: topic}, routingKey: bench.post}
plans: [{name: keys, apiKey: {}}]
---
kind: Api
name: transient
type: message
listeners: [{path: /transient}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        rabbitmq:
          serverHost: ${rabbitmq%:*}
          serverPort: ${rabbitmq##*:}
          security: {auth: {username: guest, password: guest}}
          producer:
            exchange: {name: bench, type: topic}
            routingKey: bench.post
            persistent: false
plans: [{name: keys, apiKey: {}}]
---
kind: Application
name: load
---
kind: Subscription
name: load-rabbit
api: rabbit
plan: keys
application: load
apiKeys: [{name: main, key: "$key"}]
---
kind: Subscription
name: load-transient
api: transient
plan: keys
application: load
apiKeys: [{name: main, key: "$key-transient"}]
YAML
define_mock
start_gateway ours --state none --definitions "$work/definitions"
begin rabbitmq

for ((round = 0; round < rounds; round++)); do
  post_to_broker mock mock "$key-mock"
  post_to_broker persistent rabbit "$key"
  post_to_broker transient transient "$key-transient"
done
# At one rate for all: in closed loop the broker decides how many requests share a turn of the
# worker, and a request that has a turn to itself costs several times as much.
for ((round = 0; round < rounds; round++)); do
  post_to_broker mock-3000/s mock "$key-mock" --rate 3000
  post_to_broker persistent-3000/s rabbit "$key" --rate 3000
  post_to_broker transient-3000/s transient "$key-transient" --rate 3000
done
table
