#!/usr/bin/env bash
# Connections that are only there: memory and CPU of each, nchan and the gateway in turns: SSE and
# WebSocket consumers of a Kafka topic on which nothing happens, and SSE on a mock endpoint, where
# each consumer has a generator of its own. Each round has processes of its own, because memory
# that was once touched stays counted; each is warmed by a few connections first.
#   BENCH_IDLE   how many connections (10000)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
mkdir -p "$work/definitions"
start_broker "${BENCH_KAFKA:-mock}" bench-idle
entrypoints='entrypoints:
  - sse: {heartbeatInterval: 25s}
    qos: none
  - websocket: {subscriber: {enabled: true}, pingInterval: 25s}
    qos: none'
cat >"$work/definitions/idle.yaml" <<YAML
kind: Api
name: kafka
type: message
listeners: [{path: /kafka}]
$entrypoints
endpointGroups:
  - name: default
    endpoints:
      - {name: cluster, kafka: {bootstrapServers: ["$bootstrap"], consumer: {topics: [bench-idle]}}}
plans:
  - {name: open, keyless: {}}
---
kind: Api
name: mock
type: message
listeners: [{path: /mock}]
$entrypoints
endpointGroups:
  - name: default
    endpoints:
      # Silent for as long as anybody looks.
      - {name: mock, mock: {messageInterval: 1h}}
plans:
  - {name: open, keyless: {}}
YAML
begin idle

idle() { # NAME KIND URL PID
  # Code and clients that the first ones bring in are not the price of the others.
  load "$BENCH_BIN/tg_bench" idle --name warm --kind "$2" --url "$3" --pid "$4" \
    --n 20 --settle 1 --duration 1 >/dev/null
  load "$BENCH_BIN/tg_bench" idle --name "$1" --kind "$2" --url "$3" --pid "$4" \
    --n "${BENCH_IDLE:-10000}" --settle 5 --duration "${BENCH_IDLE_SECONDS:-30}" |
    tee -a "$results" >&2
}

stop_last() {
  local pid=${started[-1]}
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset 'started[-1]'
  rm -f "$work/ours.json" "$work/nginx/nginx.pid"
}

ours() { # NAME KIND PATH
  start_gateway ours --state none --definitions "$work/definitions"
  idle "$1" "$2" "$ours_url$3" "$ours_pid"
  stop_last
}

for ((round = 0; round < rounds; round++)); do
  for kind in sse ws; do
    start_nchan
    idle "nchan-$kind" "$kind" "$nchan_url/subscribe" "$nchan_pid"
    stop_last
    ours "ours-$kind" "$kind" /kafka
  done
  ours ours-sse-mock sse /mock
done
table
