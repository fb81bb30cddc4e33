#!/usr/bin/env bash
# The gateway at rest: 50 mock and 50 Kafka APIs restored from the store. Time from exec to the
# ports file (written when ready), memory after 10 s, CPU while nothing happens.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
mkdir -p "$work/definitions" "$work/state"
for ((index = 0; index < 50; index++)); do
  cat <<YAML
kind: Api
name: mock-$index
type: message
listeners: [{path: /mock/$index}]
entrypoints: [sse, httpGet, httpPost]
endpointGroups: [{name: default, endpoints: [{name: mock, mock: {}}]}]
plans: [{name: open, keyless: {}}]
---
kind: Api
name: kafka-$index
type: message
listeners: [{path: /kafka/$index}]
entrypoints: [sse, httpGet, httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: cluster
        kafka:
          bootstrapServers: ["127.0.0.1:9092"]
          producer: {topics: [topic-$index]}
          consumer: {topics: [topic-$index]}
plans: [{name: open, keyless: {}}]
---
YAML
done | sed '$d' >"$work/definitions/rest.yaml"

stop_last() {
  local pid=${started[-1]}
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset 'started[-1]'
  rm -f "$work/ours.json"
}

# The directory owns what it brought, so later starts name it again; all comes from the store.
start_gateway ours --state "$work/state" --definitions "$work/definitions"
stop_last
begin rest
for ((round = 0; round < rounds; round++)); do
  from=$(date +%s%N)
  start_gateway ours --state "$work/state" --definitions "$work/definitions"
  ready_ms=$((($(stat -c %.Y "$work/ours.json" | tr -d .) - from) / 1000000))
  python3 "$bench/rest.py" ours "$ours_pid" "$ready_ms" | tee -a "$results" >&2
  stop_last
done
table
