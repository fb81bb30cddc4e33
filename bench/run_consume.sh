#!/usr/bin/env bash
# Kafka → one SSE consumer, a backlog of 252 B records on one partition: CPU of the gateway a
# message (fetch, envelope, one frame, one write for many), beside kcat, which only fetches and
# throws away. Settings: the head of lib.sh; BENCH_MESSAGES is the size of the backlog.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
messages=${BENCH_MESSAGES:-500000}
start_broker real
"$root/tests/support/kafka/topic.sh" "$kafka_dir" create bench-consume 1 >&2
head -c $((messages * 189)) /dev/urandom | base64 -w 252 |
  load kcat -b "$bootstrap" -P -t bench-consume
mkdir -p "$work/definitions"
cat >"$work/definitions/consume.yaml" <<YAML
kind: Api
name: consume
type: message
listeners: [{path: /consume}]
entrypoints:
  - sse: {heartbeatInterval: 25s}
    qos: at-least-once
endpointGroups:
  - name: default
    endpoints:
      - name: cluster
        kafka:
          bootstrapServers: ["$bootstrap"]
          consumer: {topics: [bench-consume], autoOffsetReset: earliest}
plans: [{name: open, keyless: {}}]
YAML
begin consume
for ((round = 0; round < rounds; round++)); do
  start_gateway ours --state none --definitions "$work/definitions"
  load /usr/bin/python3 -B "$bench/read_backlog.py" "${ours_url#http://}" /consume "$ours_pid" \
    "$bootstrap" bench-consume "$messages" | tee -a "$results" >&2
  kill "$ours_pid" && wait "$ours_pid" || true
  rm -f "$work/ours.json"
done
table
