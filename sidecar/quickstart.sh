#!/usr/bin/env bash
# From a fresh Debian 12 to a running Tidegate with an embedded Kafka and demo APIs.
#   sidecar/quickstart.sh            install what is missing, build, start `tidegate dev`
#   sidecar/quickstart.sh --build    stop after the build
# Running it again is quick: nothing is installed or built twice. Ctrl-C ends Tidegate at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=sidecar/packages.sh
. sidecar/packages.sh

build_only=false
if [ "${1:-}" = --build ]; then
  build_only=true
  shift
fi

tg_install "${TG_BUILD_PACKAGES[@]}" git ca-certificates \
  curl kcat python3 python3-websockets
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
# They change no object: what was compiled without them is as good.
export CCACHE_IGNOREOPTIONS="-Wno-restrict -Wno-maybe-uninitialized"
if [ ! -f build/release/build.ninja ]; then
  echo "Configuring build/release" >&2
  configure_log=$(mktemp)
  cmake --preset release -DTIDEGATE_TESTS=OFF >"$configure_log" 2>&1 || {
    cat "$configure_log" >&2
    exit 1
  }
  rm -f "$configure_log"
fi
echo "Building build/release (the first time about ten minutes on two cores)" >&2
NINJA_STATUS='[%f/%t %es] ' ninja -C build/release tidegate tidegatectl >&2
if $build_only; then
  echo "Built: build/release/sidecar/tidegate, build/release/sidecar/ctl/tidegatectl"
  exit 0
fi
exec build/release/sidecar/tidegate dev "$@"
