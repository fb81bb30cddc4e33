#!/usr/bin/env bash
# Tries kafka-security.yaml: makes the stores and secrets that it names, starts a gateway with it on
# a broker that has all those listeners, tests every endpoint by stages and reads over SSE.
#
# usage: try-kafka-security.sh DIR     of a broker of tests/support/kafka/start_kafka.sh
# TIDEGATE names the binary; default: the one of a release build. Needs keytool, openssl, kcat
# and curl.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: try-kafka-security.sh DIR" >&2; exit 2; }
dir=$(cd "$1" && pwd)
# shellcheck source=/dev/null
. "$dir/kafka.env"
# shellcheck source=try-lib.sh
. "$(dirname "$0")/try-lib.sh"
ctl=$(dirname "$tidegate")/ctl/tidegatectl
[ -x "$ctl" ] || ctl=$(dirname "$tidegate")/tidegatectl

# --- what the file's names stand for
secrets=$work/definitions/secrets
mkdir -p "$secrets"
tls=$dir/tls
TRUST_PASSWORD=$(openssl rand -hex 8)
P12_PASSWORD=$(openssl rand -hex 8)
CLIENT_KEY_PASSWORD=$(cat "$tls/client.password")
export TRUST_PASSWORD P12_PASSWORD CLIENT_KEY_PASSWORD
cp "$tls/ca.crt" "$tls/client.crt" "$tls/client.key" "$dir/kdc/gateway.keytab" "$secrets/"
cp "$dir/sasl.password" "$secrets/kafka"
openssl pkcs12 -export -nokeys -in "$tls/ca.crt" -out "$secrets/trust.p12" \
  -passout env:TRUST_PASSWORD
openssl pkcs12 -export -in "$tls/client.crt" -inkey "$tls/client.plain" -name client \
  -out "$secrets/client.p12" -passout env:P12_PASSWORD
{
  keytool -importcert -noprompt -alias ca -file "$tls/ca.crt" -storetype JKS \
    -keystore "$secrets/trust.jks" -storepass:env TRUST_PASSWORD
  keytool -importkeystore -srckeystore "$secrets/client.p12" -srcstoretype PKCS12 \
    -srcstorepass:env P12_PASSWORD -srcalias client -destkeystore "$secrets/client.jks" \
    -deststoretype JKS -deststorepass:env P12_PASSWORD -destkeypass:env CLIENT_KEY_PASSWORD
} >"$work/keytool.log" 2>&1 || { cat "$work/keytool.log" >&2; exit 1; }
TRUST_P12_BASE64=$(base64 -w0 "$secrets/trust.p12")
TRUST_JKS_BASE64=$(base64 -w0 "$secrets/trust.jks")
CLIENT_JKS_BASE64=$(base64 -w0 "$secrets/client.jks")
CLIENT_SECRET=$(cat "$dir/token.secret")
KAFKA_JAAS="org.apache.kafka.common.security.scram.ScramLoginModule required username=\"gateway\" \
password=\"$(cat "$dir/sasl.password")\";"
export TRUST_P12_BASE64 TRUST_JKS_BASE64 CLIENT_JKS_BASE64 CLIENT_SECRET KAFKA_JAAS
export KRB5_CONFIG=$dir/kdc/krb5.conf
# The Confluent preset believes the authorities of the system; here that is the broker's.
export SSL_CERT_FILE=$tls/ca.crt

# --- the file, with the names of this broker
authority=$(sed ':a;N;$!ba;s/\n/\\\\n/g' "$tls/ca.crt")
sed -e "s#/secrets/#$secrets/#g" -e "s#, kafka-2:9092##" \
  -e "s#kafka-1:9092#$TIDEGATE_TEST_KAFKA_SASL#" \
  -e "s#kafka-1:9093#$TIDEGATE_TEST_KAFKA_SASL_SSL#" \
  -e "s#kafka-1:9094#$TIDEGATE_TEST_KAFKA_MTLS#" \
  -e "s#pkc-1.example.com:9092#$TIDEGATE_TEST_KAFKA_SASL_SSL#" \
  -e "s#https://idp.example.com/token#$TIDEGATE_TEST_KAFKA_TOKENS#" \
  -e "s#gateway@EXAMPLE.COM#gateway@TIDEGATE.TEST#" \
  -e "s#-----BEGIN CERTIFICATE-----\\\\n…#$authority#" \
  "$here/kafka-security.yaml" >"$work/definitions/ledger.yaml"
for topic in ledger ledger-2026; do
  kcat -b "$TIDEGATE_TEST_KAFKA" -L -J | grep -q "\"topic\":\"$topic\"" ||
    "$here/../../tests/support/kafka/topic.sh" "$dir" create "$topic" >/dev/null
done

start_gateway

failed=0
for endpoint in sasl-plain sasl-scram-tls-jks mutual-tls-pem-inline pkcs12-inline jks-both \
  keys-as-text pem-with-location oauthbearer kerberos; do
  echo "== tidegatectl test endpoint/ledger/$endpoint"
  "$ctl" test "endpoint/ledger/$endpoint" --server "unix:$work/admin.sock" || failed=1
done
[ $failed = 0 ] || { cat "$work/log" >&2; exit 1; }

echo "== read:  curl -N http://$http/ledger -H 'Accept: text/event-stream'"
curl -sN "http://$http/ledger" -H 'Accept: text/event-stream' >"$work/events" &
pids+=($!)
written() {
  echo "entry $RANDOM" | kcat -P -b "$TIDEGATE_TEST_KAFKA" -t ledger
  sleep 0.2
  grep -q '^data: entry' "$work/events"
}
wait_for "the message" written
grep '^data:' "$work/events" | head -1
