#!/usr/bin/env bash
# Installs what the tests need, builds, runs the tests; ends with ctest's own summary.
#   tests/run.sh                        everything CI runs in release, with a real Kafka
#   tests/run.sh --quick                unit tests only: no broker, no process
#   tests/run.sh --long                 also what CI has no time for: TSan, clang, longer fuzzing
#   tests/run.sh --sanitize=address     the same tests under ASan and UBSan (thread: TSan)
#   tests/run.sh NAME                   only tests whose name matches (ctest -R)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=sidecar/packages.sh
. sidecar/packages.sh

quick=false long=false sanitize='' filter=''
for argument in "$@"; do
  case $argument in
    --quick) quick=true ;;
    --long) long=true ;;
    --sanitize=address | --sanitize=thread) sanitize=${argument#--sanitize=} ;;
    -*)
      echo "tests/run.sh: unknown option $argument (see the head of this file)" >&2
      exit 2
      ;;
    *) filter=$argument ;;
  esac
done

case $sanitize in
  address) preset=asan ;;
  thread) preset=tsan ;;
  *) preset=release ;;
esac

tg_install "${TG_BUILD_PACKAGES[@]}" "${TG_TEST_PACKAGES[@]}"
if $long; then
  # What CI has no time for: the TSan leg, the second compiler, longer fuzzing.
  "$0" --sanitize=thread --quick
  tg_install "${TG_FUZZ_PACKAGES[@]}"
  cmake --preset clang -DTIDEGATE_TESTS=OFF >/dev/null
  ninja -C build/clang tidegate tidegatectl
  export TIDEGATE_FUZZ_SECONDS=${TIDEGATE_FUZZ_SECONDS:-120}
  export TIDEGATE_LONG=1  # a hundred kills where CI makes five
fi
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros
# They change no object: what was compiled without them is as good.
export CCACHE_IGNOREOPTIONS="-Wno-restrict -Wno-maybe-uninitialized"
build=build/$preset
echo "== configure and build $build" >&2
cmake --preset "$preset" -DTIDEGATE_TESTS=ON >/dev/null
targets=()
$quick && targets=(unit_tests)
NINJA_STATUS='[%f/%t %es] ' ninja -C "$build" "${targets[@]}"

cleanup=()
finish() {
  local status=$? command
  for command in "${cleanup[@]}"; do eval "$command" || true; done
  exit $status
}
trap finish EXIT
# The brokers' data lie in memory where there is room: Mosquitto writes all of it at each change.
in_memory() {
  [ -w /dev/shm ] &&
    [ "$(df --output=avail -B1M /dev/shm | tail -n 1)" -ge 4096 ] &&
    [ "$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)" -ge 8192 ]
}
if in_memory; then work=$(mktemp -d -p /dev/shm); else work=$(mktemp -d); fi
cleanup+=("rm -rf $work")
# Sanitizers: a leak or a race fails the test that shows it.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="suppressions=$PWD/tests/support/tsan.supp second_deadlock_stack=1"
export LSAN_OPTIONS="suppressions=$PWD/tests/support/lsan.supp"
export TIDEGATE_BUILD=$PWD/$build

labels=(-L '^unit$')
if ! $quick; then
  labels=(-LE '^long$')
  $long && labels=()
  echo "== start Kafka" >&2
  tests/support/kafka/start_kafka.sh "$work/kafka"
  cleanup=("tests/support/kafka/stop_kafka.sh $work/kafka" "${cleanup[@]}")
  # shellcheck source=/dev/null
  . "$work/kafka/kafka.env"
  TIDEGATE_TEST_KAFKA_DIR=$work/kafka
  echo "== start RabbitMQ" >&2
  tests/support/rabbitmq/start_rabbitmq.sh "$work/rabbitmq"
  cleanup=("tests/support/rabbitmq/stop_rabbitmq.sh $work/rabbitmq" "${cleanup[@]}")
  # shellcheck source=/dev/null
  . "$work/rabbitmq/rabbitmq.env"
  echo "== start Mosquitto" >&2
  tests/support/mosquitto/start_mosquitto.sh "$work/mosquitto"
  cleanup=("tests/support/mosquitto/stop_mosquitto.sh $work/mosquitto" "${cleanup[@]}")
  # shellcheck source=/dev/null
  . "$work/mosquitto/mosquitto.env"
  TIDEGATE_TEST_MQTT_DIR=$work/mosquitto
  export "${!TIDEGATE_TEST_@}"  # a variable for each listener
  if [ -z "$sanitize" ] && [ -z "$filter" ]; then
    echo "== fuzz targets, ${TIDEGATE_FUZZ_SECONDS:-10} s each" >&2
    tests/fuzz/run.sh "${TIDEGATE_FUZZ_SECONDS:-10}"
  fi
fi
[ -n "$filter" ] && labels+=(-R "$filter")

# Beside each other; those of one broker one after the other (tg_brokers in CMakeLists.txt).
echo "== ctest" >&2
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "${labels[@]}"
