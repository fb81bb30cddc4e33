# What the try-*.sh scripts share; they source it. Gives them:
#   $here, $work (goes at the end), $work/definitions, $tidegate (TIDEGATE, else a release build's),
#   pids (ended at the end), wait_for, and start_gateway, which sets $http to its HOST:PORT.
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$0")
tidegate=${TIDEGATE:-$here/../../build/release/sidecar/tidegate}
[ -x "$tidegate" ] || { echo "$name: no gateway at $tidegate" >&2; exit 1; }
work=$(mktemp -d)
mkdir "$work/definitions"
pids=()
finish() {
  local status=$?
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  exit $status
}
trap finish EXIT

# wait_for WHAT COMMAND…: until the command succeeds, at most 20 s
wait_for() {
  local what=$1
  shift
  for _ in $(seq 200); do
    "$@" >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "$name: $what did not come" >&2
  cat "$work/log" >&2
  exit 1
}

# With what is in $work/definitions, on ports of its own.
start_gateway() {
  "$tidegate" serve --http 127.0.0.1:0 --operations 127.0.0.1:0 --admin "unix:$work/admin.sock" \
    --state none --definitions "$work/definitions" --ports-file "$work/ports.json" \
    2>"$work/log" &
  pids+=($!)
  wait_for "the gateway" test -s "$work/ports.json"
  http=$(sed -n 's/.*"http": *\[* *"\([^"]*\)".*/\1/p' "$work/ports.json")
}
