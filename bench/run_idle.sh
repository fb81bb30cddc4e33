#!/usr/bin/env bash
# Connections that are only there: memory and CPU of each, nchan and the gateway in turns. Each
# round has processes of its own, because memory that was once touched stays counted.
#   BENCH_IDLE   how many connections (10000)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
mkdir -p "$work/definitions"
cat >"$work/definitions/idle.yaml" <<'YAML'
kind: Api
name: idle
type: message
listeners: [{path: /idle}]
entrypoints:
  - sse: {heartbeatInterval: 25s}
    qos: none
  - websocket: {subscriber: {enabled: true}, pingInterval: 25s}
    qos: none
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

for ((round = 0; round < rounds; round++)); do
  for kind in sse ws; do
    start_nchan
    idle "nchan-$kind" "$kind" "$nchan_url/subscribe" "$nchan_pid"
    stop_last
    start_gateway ours --state none --definitions "$work/definitions"
    idle "ours-$kind" "$kind" "$ours_url/idle" "$ours_pid"
    stop_last
  done
done
table
