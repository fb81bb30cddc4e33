# What the scripts share: finding programs, starting each party on its CPU, recording, ending.
# Sourced; not run. The layout: who is measured on CPU 0, everything else on CPU 1.
#
# Settings by environment:
#   TIDEGATE        the gateway's binary (default: the one of a release build)
#   BENCH_BIN       folder of the bench programs (default: the release preset's, built anew)
#   BENCH_KAFKA     real | mock: which broker (each script has its default)
#   BENCH_ROUNDS    interleaved rounds (5)      BENCH_SECONDS   length of a measurement (8)
#   BENCH_WARMUP    seconds before it (2)       BENCH_RESULTS   folder of raw results
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$bench")
rounds=${BENCH_ROUNDS:-5}
seconds=${BENCH_SECONDS:-8}
warmup=${BENCH_WARMUP:-2}
results_dir=${BENCH_RESULTS:-$bench/results}
work=$(mktemp -d "${TMPDIR:-/tmp}/tidegate-bench.XXXXXX")
key=bench-key-7f3d0c5a9e1b48268d40
started=()
kafka_dir=''

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

finish() {
  local status=$? pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  [ -z "$kafka_dir" ] || "$root/tests/support/kafka/stop_kafka.sh" "$kafka_dir" >&2 || true
  if [ "$status" -ne 0 ]; then
    echo "${0##*/}: failed; logs are in $work" >&2
  else
    rm -rf "$work"
  fi
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

find_programs() {
  local candidate
  TIDEGATE=${TIDEGATE:-$root/build/release/sidecar/tidegate}
  [ -x "$TIDEGATE" ] || die "no gateway at $TIDEGATE: build the release preset or set TIDEGATE"
  if [ -z "${BENCH_BIN:-}" ]; then
    BENCH_BIN=$root/build/release/bench
    echo "== build the bench programs" >&2
    (cd "$root" && cmake --preset release) >"$work/cmake.log" || die "cmake: see its log"
    ninja -C "$root/build/release" bench_programs >"$work/ninja.log" || die "ninja: see its log"
  fi
  [ -x "$BENCH_BIN/tg_bench" ] || die "no tg_bench in BENCH_BIN ($BENCH_BIN)"
  [ "$(nproc)" -ge 2 ] || die "two CPUs are needed: one is measured, one makes the load"
  ulimit -n "$(ulimit -Hn)"
}

# value FILE KEY: a value of a JSON file; of a list its first item
value() {
  python3 -c 'import json, sys
found = json.load(open(sys.argv[1]))[sys.argv[2]]
print(found[0] if isinstance(found, list) else found)' "$1" "$2"
}

# await FILE PID: until the file is there; the process must be alive
await() {
  local tries=0
  until [ -s "$1" ]; do
    kill -0 "$2" 2>/dev/null || die "a process ended before it was ready (pid $2)"
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || die "not ready in 60 s: ${1##*/}"
    sleep 0.05
  done
}

measured() { exec taskset -c 0 "$@"; }
load() { taskset -c 1 "$@"; }

# start NAME COMMAND…: a process on CPU 0 that writes its ports file; sets NAME_url and NAME_pid
start() {
  local name=$1
  shift
  (measured "$@" --ports-file "$work/$name.json") >"$work/$name.out" 2>"$work/$name.err" &
  started+=($!)
  await "$work/$name.json" $!
  printf -v "${name}_url" 'http://%s' "$(value "$work/$name.json" http)"
  printf -v "${name}_pid" '%s' "$(value "$work/$name.json" pid)"
}

# start_broker real|mock TOPIC…: on CPU 1; sets bootstrap, broker and fetch_wait
start_broker() {
  broker=$1
  shift
  if [ "$broker" = real ]; then
    kafka_dir=$work/kafka
    load "$root/tests/support/kafka/start_kafka.sh" "$kafka_dir" >&2
    # shellcheck source=/dev/null
    . "$kafka_dir/kafka.env"
    bootstrap=$TIDEGATE_TEST_KAFKA
    fetch_wait=500
    local topic
    for topic in "$@"; do
      "$root/tests/support/kafka/topic.sh" "$kafka_dir" create "$topic" 4 >&2
    done
    return
  fi
  local arguments=() name
  for name in "$@"; do arguments+=(--topic "$name"); done
  (exec taskset -c 1 "$BENCH_BIN/mock_kafka" --ports-file "$work/kafka.json" \
    "${arguments[@]}") 2>"$work/kafka.err" &
  started+=($!)
  await "$work/kafka.json" $!
  bootstrap=$(value "$work/kafka.json" bootstrap)
  # The mock answers an empty fetch only after the whole wait; a broker answers when data comes.
  fetch_wait=2
}

# start_gateway NAME [FLAG…]: serves $work/definitions; sets NAME_url and NAME_pid
start_gateway() {
  local name=$1
  shift
  cat >"$work/gateway.yaml" <<'YAML'
kind: Gateway
node: bench
limits:
  # All subscribers of a bench come from one address.
  connections: 19000
  connectionsPerAddress: 19000
YAML
  start "$name" "$TIDEGATE" serve --config "$work/gateway.yaml" --http 127.0.0.1:0 \
    --admin "unix:$work/admin.sock" --operations 127.0.0.1:0 --workers 1 "$@"
}

# start_nchan: nginx with nchan, one worker on CPU 0; sets nchan_url and nchan_pid (the worker)
start_nchan() {
  local port master
  [ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] ||
    die "nchan is missing: apt-get install nginx-light libnginx-mod-nchan"
  port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  mkdir -p "$work/nginx"
  sed -e "s|@DIR@|$work/nginx|g" -e "s|@PORT@|$port|g" -e "s|@USER@|$(id -un)|g" \
    "$bench/nchan.conf.in" >"$work/nginx/nginx.conf"
  (measured nginx -p "$work/nginx" -e "$work/nginx/error.log" -c "$work/nginx/nginx.conf") \
    >"$work/nchan.out" 2>&1 &
  master=$!
  started+=("$master")
  await "$work/nginx/nginx.pid" "$master"
  nchan_url=http://127.0.0.1:$port
  until nchan_pid=$(pgrep -P "$master"); do
    kill -0 "$master" 2>/dev/null || die "nginx ended: see $work/nginx/error.log"
    sleep 0.05
  done
}

# begin NAME: the result file and its first line, which says what was measured where
begin() {
  mkdir -p "$results_dir"
  results=$results_dir/$(date -u +%Y-%m-%d)-$1.jsonl
  local model commit
  model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
  commit=$(git -C "$root" rev-parse --short HEAD 2>/dev/null || echo none)
  printf '{"mode": "run", "script": "%s", "date": "%s", "commit": "%s", "cpu": "%s", ' \
    "$1" "$(date -u +%FT%TZ)" "$commit" "$model" >"$results"
  printf '"kernel": "%s", "broker": "%s", "rounds": %s, "seconds": %s, "load": "%s"}\n' \
    "$(uname -r)" "${broker:-none}" "$rounds" "$seconds" "$(cut -d' ' -f1 /proc/loadavg)" \
    >>"$results"
}

# fan_out NAME KIND URL PID N RATE PUB…: subscribers, then a publisher (its flags follow);
# records the subscribers' line
fan_out() {
  local name=$1 kind=$2 url=$3 pid=$4 n=$5 rate=$6
  shift 6
  rm -f "$work/ready"
  load "$BENCH_BIN/tg_bench" subs --name "$name" --kind "$kind" --url "$url" --pid "$pid" \
    --n "$n" --rate "$rate" --warmup "$warmup" --duration "$seconds" --ready-file "$work/ready" \
    >"$work/subs.json" 2>"$work/subs.err" &
  local subs=$!
  started+=("$subs")
  await "$work/ready" "$subs"
  if [ $# -gt 0 ]; then
    load "$BENCH_BIN/tg_bench" pub "$@" --rate "$rate" --size 256 \
      --duration $((warmup + seconds + 1)) >"$work/pub.json" || die "publishing failed"
  fi
  wait "$subs" || die "subscribers of $name: $(cat "$work/subs.err")"
  tee -a "$results" <"$work/subs.json" >&2
}

# post_256 URL PID NAME KEY [FLAG…]: 256 B over 64 connections; records the line
post_256() {
  local url=$1 pid=$2 name=$3 secret=$4
  shift 4
  load "$BENCH_BIN/tg_bench" post --name "$name" --url "$url" --pid "$pid" --size 256 \
    --header "X-Gravitee-Api-Key: $secret" --warmup "$warmup" --duration "$seconds" \
    --connections 64 "$@" | tee -a "$results" >&2
}

# post_to_broker NAME PATH KEY [FLAG…]: post_256 to the gateway `ours`
post_to_broker() {
  local name=$1 path=$2 secret=$3
  shift 3
  post_256 "$ours_url/$path" "$ours_pid" "$name" "$secret" "$@"
}

# subscribe API: prints the document by which the application `load` has the key $key-API there
subscribe() {
  cat <<YAML
kind: Subscription
name: load-$1
api: $1
plan: keys
application: load
apiKeys: [{name: main, key: "$key-$1"}]
---
YAML
}

# define_mock: the API /mock behind a key of its own ($key-mock), to set a connector's cost against;
# its subscriber is the application `load` of the bench
define_mock() {
  cat >"$work/definitions/mock.yaml" <<YAML
kind: Api
name: mock
type: message
listeners: [{path: /mock}]
entrypoints: [httpPost]
endpointGroups: [{name: default, endpoints: [{name: mock, mock: {}}]}]
plans: [{name: keys, apiKey: {}}]
---
YAML
  subscribe mock >>"$work/definitions/mock.yaml"
}

table() { python3 "$bench/table.py" "$results"; }
