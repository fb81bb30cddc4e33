#!/usr/bin/env bash
# Starts a real Mosquitto broker for the tests.
#
# usage: start_mosquitto.sh DIR
#
# DIR holds everything of it: settings, certificates, data, mosquitto.log and, once it answers,
# mosquitto.env with
#   TIDEGATE_TEST_MQTT=127.0.0.1:PORT    anybody may come
#   TIDEGATE_TEST_MQTT_AUTH=…            users gateway (password tide) and limited (password ebb),
#                                        who may use allowed/# only
#   TIDEGATE_TEST_MQTT_TLS=…             TLS, certificate of DIR/ca.pem
#   TIDEGATE_TEST_MQTT_MTLS=…            the same, asks for a client certificate: DIR/client.pem
#   MOSQUITTO_PID=…
# Run again on a DIR whose broker was stopped or killed, it starts on the same ports and data: that
# is what the fault tests do. Ports are free ones chosen by the system, on the loopback only.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: start_mosquitto.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
mosquitto_program >/dev/null
command -v mosquitto_pub >/dev/null || mosquitto_fail "mosquitto-clients is needed"
mkdir -p "$1/data"
dir=$(cd "$1" && pwd)

if [ -f "$dir/mosquitto.env" ]; then
  . "$dir/mosquitto.env"
  kill -0 "$MOSQUITTO_PID" 2>/dev/null &&
    mosquitto_fail "a broker runs there already, pid $MOSQUITTO_PID"
  rm -f "$dir/mosquitto.env"
fi
if [ ! -f "$dir/mosquitto.ports" ]; then
  mosquitto_certificate "$dir/ca" "tidegate test authority" self
  mosquitto_certificate "$dir/other-ca" "another authority" self
  mosquitto_certificate "$dir/server" localhost "$dir/ca"
  mosquitto_certificate "$dir/client" gateway "$dir/ca"
  : >"$dir/passwords"
  mosquitto_passwd -b "$dir/passwords" gateway tide
  mosquitto_passwd -b "$dir/passwords" limited ebb
  read -r plain auth tls mtls < <("$here/../ports.py" 4 | paste -sd' ')
  mosquitto_settings "$dir" "$plain" "$auth" "$tls" "$mtls"
  # Started by root it would become user mosquitto, who may not read DIR.
  [ "$(id -u)" != 0 ] || sed -i "1i user root" "$dir/mosquitto.conf"
  printf 'PLAIN=%s\nAUTH=%s\nTLS=%s\nMTLS=%s\n' "$plain" "$auth" "$tls" "$mtls" \
    >"$dir/mosquitto.ports"
fi
mosquitto_run "$dir"
. "$dir/mosquitto.env"
echo "mosquitto: $TIDEGATE_TEST_MQTT ready, pid $MOSQUITTO_PID"
