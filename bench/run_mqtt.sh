#!/usr/bin/env bash
# POST 256 B → MQTT QoS 1, 202 after the PUBACK, 64 connections, behind an API-key plan,
# in turns with the same POST to the mock, whose difference is what the connector costs. Then MQTT →
# one WebSocket client, QoS 1 (auto): CPU of the gateway a message. Settings: the head of lib.sh;
# BENCH_MQTT=HOST:PORT uses a broker that is there, else Mosquitto is started.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
if [ -n "${BENCH_MQTT:-}" ]; then
  mqtt=$BENCH_MQTT
else
  # Not the one of the tests, which writes its whole store to disk at every change.
  mqtt=127.0.0.1:$("$root/tests/support/ports.py" 1)
  cat >"$work/mosquitto.conf" <<END
listener ${mqtt#*:} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_queued_messages 0
log_type error
END
  (exec taskset -c 1 "$(PATH=$PATH:/usr/sbin command -v mosquitto)" -c "$work/mosquitto.conf") \
    2>"$work/mosquitto.err" &
  started+=($!)
  until (exec 3<>"/dev/tcp/${mqtt%:*}/${mqtt#*:}") 2>/dev/null; do
    kill -0 "${started[-1]}" || die "mosquitto: see its errors"
    sleep 0.05
  done
fi
mkdir -p "$work/definitions"
cat >"$work/definitions/mqtt.yaml" <<YAML
kind: Api
name: mqtt
type: message
listeners: [{path: /mqtt}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        mqtt5:
          serverHost: ${mqtt%:*}
          serverPort: ${mqtt##*:}
          producer: {topics: bench/post}
plans: [{name: keys, apiKey: {}}]
---
kind: Api
name: read
type: message
listeners: [{path: /read}]
entrypoints: [websocket: {pingInterval: 10m}]  # the client here only counts
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        mqtt5:
          serverHost: ${mqtt%:*}
          serverPort: ${mqtt##*:}
          sessionExpiry: 0s
          consumer: {topics: [bench/read]}
plans: [{name: open, keyless: {}}]
---
kind: Application
name: load
---
kind: Subscription
name: load-mqtt
api: mqtt
plan: keys
application: load
apiKeys: [{name: main, key: "$key"}]
YAML
define_mock
start_gateway ours --state none --definitions "$work/definitions"
begin mqtt

for ((round = 0; round < rounds; round++)); do
  post_to_broker mock mock "$key-mock"
  post_to_broker mqtt mqtt "$key"
  load /usr/bin/python3 -B "$bench/read_mqtt.py" "${ours_url#http://}" "$mqtt" "$ours_pid" |
    tee -a "$results" >&2
done
for ((round = 0; round < rounds; round++)); do
  post_to_broker mock-5000/s mock "$key-mock" --rate 5000
  post_to_broker mqtt-5000/s mqtt "$key" --rate 5000
done
table
