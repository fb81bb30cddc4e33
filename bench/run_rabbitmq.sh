#!/usr/bin/env bash
# POST 256 B → RabbitMQ, 202 after the broker's confirm (mandatory, durable queue of bounded
# length), 64 connections, behind an API-key plan; persistent, which waits for the broker's disk,
# and transient; in turns with the same POST to the mock: the difference is the connector's.
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
kind: Api
name: mock
type: message
listeners: [{path: /mock}]
entrypoints: [httpPost]
endpointGroups: [{name: default, endpoints: [{name: mock, mock: {}}]}]
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
---
kind: Subscription
name: load-mock
api: mock
plan: keys
application: load
apiKeys: [{name: main, key: "$key-mock"}]
YAML
start_gateway ours --state none --definitions "$work/definitions"
begin rabbitmq

post() { # NAME PATH KEY [FLAG…]
  local name=$1 path=$2 secret=$3
  shift 3
  load "$BENCH_BIN/tg_bench" post --name "$name" --url "$ours_url/$path" --pid "$ours_pid" \
    --size 256 --header "X-Gravitee-Api-Key: $secret" --warmup "$warmup" --duration "$seconds" \
    --connections 64 "$@" | tee -a "$results" >&2
}

for ((round = 0; round < rounds; round++)); do
  post mock mock "$key-mock"
  post persistent rabbit "$key"
  post transient transient "$key-transient"
done
for ((round = 0; round < rounds; round++)); do
  post persistent-1000/s rabbit "$key" --rate 1000
done
table
