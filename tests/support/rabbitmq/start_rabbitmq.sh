#!/usr/bin/env bash
# Starts a real RabbitMQ broker (one node, with its AMQP 1.0 plugin) for the tests.
#
# usage: start_rabbitmq.sh DIR
#
# DIR holds everything of it: settings, data, tls/ (ca, server, client and stranger .crt and .key),
# rabbitmq.log and, once it answers, rabbitmq.env with
#   TIDEGATE_TEST_RABBITMQ=127.0.0.1:PORT   TIDEGATE_TEST_RABBITMQ_TLS=127.0.0.1:PORT
#   TIDEGATE_TEST_AMQP10=127.0.0.1:PORT (the same port)   TIDEGATE_TEST_RABBITMQ_DIR=DIR
# Users and rights: see rabbitmq_definitions in lib.sh.
# Run again on a DIR whose broker was stopped or killed, it starts on the same ports and data: that
# is what the fault tests do. Its node name, epmd, cookie and ports are its own, loopback only.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_rabbitmq.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
for tool in "$RABBITMQ_SCRIPTS/rabbitmq-server" epmd openssl python3; do
  command -v "$tool" >/dev/null || rabbitmq_fail "$tool is needed"
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)

if [ -f "$dir/rabbitmq.env" ]; then
  . "$dir/rabbitmq.env"
  kill -0 "$RABBITMQ_BEAM_PID" 2>/dev/null &&
    rabbitmq_fail "a broker runs there already, pid $RABBITMQ_BEAM_PID"
  kill "$RABBITMQ_EPMD_PID" 2>/dev/null || true
  rm -f "$dir/rabbitmq.env"
fi
if [ ! -f "$dir/rabbitmq.ports" ]; then
  read -r plain tls dist epmd < <("$here/../ports.py" 4 | paste -sd' ')
  RABBITMQ_PORT=$plain
  RABBITMQ_TLS_PORT=$tls
  rabbitmq_certificates "$dir/tls"
  rabbitmq_definitions "$dir/definitions.json"
  rabbitmq_settings "$dir"
  printf 'RABBITMQ_PORT=%s\nRABBITMQ_TLS_PORT=%s\nRABBITMQ_DIST_PORT=%s\nRABBITMQ_EPMD_PORT=%s\n' \
    "$plain" "$tls" "$dist" "$epmd" >"$dir/rabbitmq.ports"
fi
rabbitmq_run "$dir"
. "$dir/rabbitmq.env"
echo "rabbitmq: $TIDEGATE_TEST_RABBITMQ ready, pid $RABBITMQ_BEAM_PID"
