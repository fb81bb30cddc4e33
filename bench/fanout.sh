# What run_sse.sh and run_ws.sh share: floor, nchan and the gateway in turns. Sourced.
# `nchan` is fed by POST; `bridged` is nchan behind the same topic as the gateway, by a consumer
# on the other CPU that is not counted: for times from produce to delivery.
#   fanout_main sse|ws
fanout_definitions() {
  mkdir -p "$work/definitions"
  local path window
  for path in plain window; do
    window=''
    [ "$path" = plain ] || window='coalesceWindow: 5ms'
    cat >"$work/definitions/$path.yaml" <<YAML
kind: Api
name: fan-$path
type: message
listeners: [{path: /$path}]
entrypoints:
  - sse: {$window}
    qos: none
  - websocket: {subscriber: {enabled: true}${window:+, $window}}
    qos: none
endpointGroups:
  - name: default
    endpoints:
      - name: cluster
        kafka:
          bootstrapServers: ["$bootstrap"]
          consumer: {topics: [bench-fan]}
          properties: {fetch.wait.max.ms: "$fetch_wait"}
plans:
  - {name: open, keyless: {}}
YAML
  done
}

fanout_main() {
  local kind=$1 round
  find_programs
  if [ -z "${BENCH_KAFKA:-}" ]; then
    BENCH_KAFKA=mock
    [ ! -x "$root/tests/support/kafka/start_kafka.sh" ] || BENCH_KAFKA=real
  fi
  start_broker "$BENCH_KAFKA" bench-fan
  fanout_definitions
  # The floor sends itself, so it has its rate and its window from the start.
  start slow "$BENCH_BIN/floor_fanout" --rate 50 --size 256
  start fast "$BENCH_BIN/floor_fanout" --rate 500 --size 256 --window-ms 5
  start_nchan
  start_gateway ours --state none --definitions "$work/definitions"
  begin "$kind"
  local kafka=(--kafka "$bootstrap" --topic bench-fan)
  local http=(--url "$nchan_url/publish")
  bridge() { # NAME N RATE: nchan, fed from the topic
    (exec taskset -c 1 "$BENCH_BIN/tg_bench" bridge "${kafka[@]}" --fetch-wait "$fetch_wait" \
      "${http[@]}") 2>"$work/bridge.err" &
    local pid=$!
    started+=("$pid")
    fan_out "$1" "$kind" "$nchan_url/subscribe" "$nchan_pid" "$2" "$3" "${kafka[@]}"
    kill "$pid" && wait "$pid" || die "the bridge failed"
  }
  for ((round = 0; round < rounds; round++)); do
    # The floor's frames are event streams for both kinds: the same send, the same bytes but few.
    fan_out floor-1000x50 sse "$slow_url/" "$slow_pid" 1000 50
    fan_out nchan-1000x50 "$kind" "$nchan_url/subscribe" "$nchan_pid" 1000 50 "${http[@]}"
    bridge bridged-1000x50 1000 50
    fan_out ours-1000x50 "$kind" "$ours_url/plain" "$ours_pid" 1000 50 "${kafka[@]}"
  done
  for ((round = 0; round < rounds; round++)); do
    fan_out floor-100x500 sse "$fast_url/" "$fast_pid" 100 500
    fan_out nchan-100x500 "$kind" "$nchan_url/subscribe" "$nchan_pid" 100 500 "${http[@]}"
    bridge bridged-100x500 100 500
    fan_out ours-100x500 "$kind" "$ours_url/window" "$ours_pid" 100 500 "${kafka[@]}"
  done
  table
}
