#!/usr/bin/env bash
# Starts a real Apache Kafka broker (KRaft, one node) for the tests.
#
# usage: start_kafka.sh DIR
#
# DIR holds everything of it: settings, log segments, kafka.log and, once it answers, kafka.env with
#   TIDEGATE_TEST_KAFKA=127.0.0.1:PORT   in the open; whoever comes here may do anything
#   TIDEGATE_TEST_KAFKA_SSL   _MTLS   _EXPIRED   TLS; with client certificates; with an expired one
#   TIDEGATE_TEST_KAFKA_SASL   _SASL_SSL   PLAIN, SCRAM, OAUTHBEARER and GSSAPI, in the open and
#                                          with TLS; users gateway and stranger, sasl.password
#   TIDEGATE_TEST_KAFKA_UNSIGNED   OAUTHBEARER with tokens that nobody has signed
#   TIDEGATE_TEST_KAFKA_TOKENS=http://127.0.0.1:PORT/token   see token_server.py; _TOKENS_TLS: https
#   KAFKA_PID=…
# tls/ has certificates (certs.sh), kdc/ a Kerberos realm (tests/support/kdc). Where a topic or
# group has no ACL, everybody may use it.
# Run again on a DIR whose broker was stopped or killed, it starts on the same ports and data: that
# is what the fault tests do. Ports are free ones chosen by the system, on the loopback only.
# Needs java (17), krb5-kdc, openssl and, the first time, mvn; jars are kept in
# ${TIDEGATE_CACHE:-~/.cache/tidegate}.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_kafka.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
command -v java >/dev/null || kafka_fail "java is needed"
command -v kcat >/dev/null || kafka_fail "kcat is needed"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
kafka_fetch "$here"

if [ -f "$dir/kafka.env" ]; then
  . "$dir/kafka.env"
  kill -0 "$KAFKA_PID" 2>/dev/null && kafka_fail "a broker runs there already, pid $KAFKA_PID"
  rm -f "$dir/kafka.env"
fi
"$here/../kdc/start_kdc.sh" "$dir/kdc" >/dev/null
[ -f "$dir/kafka.ports" ] || kafka_make "$dir" "$here"
kafka_run_tokens "$dir" "$here"
kafka_run "$dir"
. "$dir/kafka.env"
echo "kafka: $TIDEGATE_TEST_KAFKA ready, pid $KAFKA_PID"
