#!/usr/bin/env bash
# Runs the conformance suite of AMQP 1.0 brokers on Artemis, then on Broker-J: never two at once.
#
# usage: run_brokers.sh TEST_BINARY [GTEST_OPTION…]
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: run_brokers.sh TEST_BINARY [GTEST_OPTION…]" >&2; exit 2; }
support=$(cd "$(dirname "$0")/.." && pwd)
binary=$1
shift
work=$(mktemp -d)
finish() {
  local status=$?
  "$support/artemis/stop_artemis.sh" "$work/artemis" || true
  "$support/brokerj/stop_brokerj.sh" "$work/brokerj" || true
  rm -rf "$work"
  exit $status
}
trap finish EXIT

status=0
"$support/artemis/start_artemis.sh" "$work/artemis"
# shellcheck source=/dev/null
. "$work/artemis/artemis.env"
export TIDEGATE_TEST_ARTEMIS
"$binary" --gtest_filter='SolaceArtemis/*' "$@" || status=1
"$support/artemis/stop_artemis.sh" "$work/artemis"

"$support/brokerj/start_brokerj.sh" "$work/brokerj"
# shellcheck source=/dev/null
. "$work/brokerj/brokerj.env"
export TIDEGATE_TEST_BROKERJ
# Broker-J takes a rejected message back where the queue has no alternate binding.
"$binary" --gtest_filter='SolaceBrokerj/*:-*.RetryComesAgainRejectDoesNot*' "$@" || status=1
exit $status
