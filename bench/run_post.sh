#!/usr/bin/env bash
# POST 1 KiB → Kafka, 202 after the broker's ack, 64 connections: the floor and the gateway behind
# an API-key plan, in turns. Then latency in open loop. Settings: the head of lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
start_broker "${BENCH_KAFKA:-mock}" bench-post
mkdir -p "$work/definitions"
cat >"$work/definitions/post.yaml" <<YAML
kind: Api
name: post
type: message
listeners: [{path: /post}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: cluster
        kafka:
          bootstrapServers: ["$bootstrap"]
          producer: {topics: [bench-post], linger: 1ms, acks: all}
plans:
  - {name: keys, apiKey: {}}
---
kind: Application
name: load
---
kind: Subscription
name: load-post
api: post
plan: keys
application: load
apiKeys: [{name: main, key: "$key"}]
YAML
start floor "$BENCH_BIN/floor_post" --bootstrap "$bootstrap" --topic bench-post --linger 1
start_gateway ours --state none --definitions "$work/definitions"
begin post

post() { # NAME URL PID [FLAG…]
  local name=$1 url=$2 pid=$3
  shift 3
  load "$BENCH_BIN/tg_bench" post --name "$name" --url "$url/post" --pid "$pid" --size 1024 \
    --header "X-Gravitee-Api-Key: $key" --warmup "$warmup" --duration "$seconds" "$@" |
    tee -a "$results" >&2
}

for ((round = 0; round < rounds; round++)); do
  post floor "$floor_url" "$floor_pid" --connections 64
  post ours "$ours_url" "$ours_pid" --connections 64
done
for ((round = 0; round < rounds; round++)); do
  post floor-1000/s "$floor_url" "$floor_pid" --connections 64 --rate 1000
  post ours-1000/s "$ours_url" "$ours_pid" --connections 64 --rate 1000
done
table
