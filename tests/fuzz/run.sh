#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for SECONDS on its committed corpus (default 10).
# New inputs stay in the build folder; a crash fails the run and leaves its input there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=sidecar/packages.sh
. sidecar/packages.sh
seconds=${1:-10}
tg_install "${TG_BUILD_PACKAGES[@]}" "${TG_FUZZ_PACKAGES[@]}"
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros
cmake --preset fuzz >/dev/null
ninja -C build/fuzz fuzz_targets

run() {
  local target=$1 name found corpus=() log runs
  name=$(basename "$target")
  found=build/fuzz/found/$name
  mkdir -p "$found"
  [ -d "tests/fuzz/corpus/${name#fuzz_}" ] && corpus=("tests/fuzz/corpus/${name#fuzz_}")
  log=build/fuzz/$name.log
  if ! "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$found/crash-" "$found" "${corpus[@]}" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "fuzz: $name failed; its input is in $found" >&2
    return 1
  fi
  runs=$(grep -o 'number_of_executed_units: *[0-9]*' "$log" | grep -o '[0-9]*')
  echo "fuzz: $name $runs runs" >&2
}
export -f run
export seconds
find build/fuzz/tests/fuzz -maxdepth 1 -type f -executable -name 'fuzz_*' -print0 | sort -z |
  xargs -0 -n 1 -P "$(nproc)" bash -c 'run "$0" || exit 255'
