#!/usr/bin/env bash
# POST 256 B → MQTT QoS 1, 202 after the PUBACK, 64 connections, behind an API-key plan, in turns
# with the floor and with the same POST to the mock, which shows what the connector costs. Then
# MQTT → one WebSocket client, QoS 1 (auto), in turns with the floor: CPU a message. Both against
# Mosquitto as it comes, which lets 20 messages be unacknowledged, and against "wide", one without
# such a limit (max_inflight_messages 0). Mosquitto is slower than the gateway, so nearly each
# message has a turn of its own: what the floor needs for that shows what it costs everybody.
# Settings: the head of lib.sh; BENCH_MQTT=HOST:PORT is taken for the first, BENCH_MQTT_WIDE for the
# second.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
# start_mosquitto NAME [LINE…]: on CPU 1; sets NAME to its address
start_mosquitto() {
  # Not the one of the tests, which writes its whole store to disk at every change.
  local name=$1 address
  address=127.0.0.1:$("$root/tests/support/ports.py" 1)
  shift
  {
    printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence false\n' "${address#*:}"
    printf 'set_tcp_nodelay true\nmax_queued_messages 0\nlog_type error\n'
    printf '%s\n' "$@"
  } >"$work/$name.conf"
  (exec taskset -c 1 "$(PATH=$PATH:/usr/sbin command -v mosquitto)" -c "$work/$name.conf") \
    2>"$work/$name.err" &
  started+=($!)
  until (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; do
    kill -0 "${started[-1]}" || die "mosquitto: $(cat "$work/$name.err")"
    sleep 0.05
  done
  printf -v "$name" '%s' "$address"
}
if [ -n "${BENCH_MQTT:-}" ]; then mqtt=$BENCH_MQTT; else start_mosquitto mqtt; fi
if [ -n "${BENCH_MQTT_WIDE:-}" ]; then
  wide=$BENCH_MQTT_WIDE
else
  start_mosquitto wide 'max_inflight_messages 0'
fi
mkdir -p "$work/definitions"
# define NAME BROKER: the APIs /NAME, a POST behind the key $key-NAME, and /NAME-read
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
        mqtt5:
          serverHost: ${2%:*}
          serverPort: ${2##*:}
          producer: {topics: bench/post}
plans: [{name: keys, apiKey: {}}]
---
kind: Api
name: $1-read
type: message
listeners: [{path: /$1-read}]
entrypoints: [websocket: {pingInterval: 10m}]  # the client here only counts
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        mqtt5:
          serverHost: ${2%:*}
          serverPort: ${2##*:}
          sessionExpiry: 0s
          consumer: {topics: [bench/read]}
plans: [{name: open, keyless: {}}]
---
YAML
  subscribe "$1"
}
{
  define mqtt "$mqtt"
  define wide "$wide"
  printf 'kind: Application\nname: load\n'
} >"$work/definitions/mqtt.yaml"
define_mock
start_gateway ours --state none --definitions "$work/definitions"
start narrow "$BENCH_BIN/floor_mqtt" --mqtt "$mqtt" --topic bench/floor
start broad "$BENCH_BIN/floor_mqtt" --mqtt "$wide" --topic bench/floor
start posts "$BENCH_BIN/floor_post" --mqtt "$mqtt" --topic bench/post
start posts_wide "$BENCH_BIN/floor_post" --mqtt "$wide" --topic bench/post
begin mqtt

# read_mqtt NAME URL PID PATH BROKER TOPIC IN-FLIGHT
read_mqtt() {
  load /usr/bin/python3 -B "$bench/read_mqtt.py" "$1" "${2#http://}" "$4" "$5" "$6" "$7" "$3" |
    tee -a "$results" >&2
}

for ((round = 0; round < rounds; round++)); do
  post_to_broker mock mock "$key-mock"
  post_256 "$posts_url/" "$posts_pid" floor-post none
  post_to_broker ours-post mqtt "$key-mqtt"
  post_256 "$posts_wide_url/" "$posts_wide_pid" floor-post-wide none
  post_to_broker ours-post-wide wide "$key-wide"
  read_mqtt floor-read "$narrow_url" "$narrow_pid" / "$mqtt" bench/floor 20
  read_mqtt ours-read "$ours_url" "$ours_pid" /mqtt-read "$mqtt" bench/read 20
  read_mqtt floor-read-wide "$broad_url" "$broad_pid" / "$wide" bench/floor 200
  read_mqtt ours-read-wide "$ours_url" "$ours_pid" /wide-read "$wide" bench/read 200
done
for ((round = 0; round < rounds; round++)); do
  post_to_broker mock-5000/s mock "$key-mock" --rate 5000
  post_256 "$posts_url/" "$posts_pid" floor-post-5000/s none --rate 5000
  post_to_broker ours-post-5000/s mqtt "$key-mqtt" --rate 5000
done
table
