#!/usr/bin/env bash
# Tries sensors-mqtt.yaml: starts a gateway with it, reads over SSE, lets a sensor publish, posts a
# command and sees it at the broker.
#
# usage: MQTT_PASSWORD=… try-mqtt.sh HOST:PORT CA_FILE
# HOST:PORT is a broker with TLS whose certificate CA_FILE vouches for; it knows the user `gateway`
# with that password, or asks for none. Needs mosquitto-clients. TIDEGATE names the binary; default:
# the one of a release build.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: MQTT_PASSWORD=... try-mqtt.sh HOST:PORT CA_FILE" >&2; exit 2; }
: "${MQTT_PASSWORD:?try-mqtt.sh: the password of user gateway}"
export MQTT_PASSWORD
host=${1%:*} port=${1##*:} ca=$2
# shellcheck source=try-lib.sh
. "$(dirname "$0")/try-lib.sh"

cp "$ca" "$work/definitions/ca.crt"
sed -e "s/serverHost: .*/serverHost: $host/" -e "s/serverPort: .*/serverPort: $port/" \
  -e "s|/secrets/ca.crt|$work/definitions/ca.crt|" \
  "$here/sensors-mqtt.yaml" >"$work/definitions/sensors.yaml"
start_gateway
broker=(-V 5 -h "$host" -p "$port" --cafile "$ca" -u gateway -P "$MQTT_PASSWORD")

echo "== read:  curl -N http://$http/sensors -H 'Accept: text/event-stream'"
curl -sN "http://$http/sensors" -H 'Accept: text/event-stream' >"$work/events" &
pids+=($!)
echo "== sensor:  mosquitto_pub -t sensors/hall/temperature -m 21.5"
sensed() {
  mosquitto_pub "${broker[@]}" -q 1 -t sensors/hall/temperature -m 21.5
  grep -q '21.5' "$work/events"
}
wait_for "the temperature" sensed
grep '^data:' "$work/events" | head -1

echo "== post:  curl http://$http/sensors -d 'lights off'"
mosquitto_sub "${broker[@]}" -q 1 -t sensors/commands -F '%t %P %p' >"$work/commands" &
pids+=($!)
commanded() {
  [ "$(curl -s -o "$work/answer" -w '%{http_code}' "http://$http/sensors" -d 'lights off')" = 202 ]
  grep -q 'lights off' "$work/commands"
}
wait_for "the command" commanded
head -1 "$work/commands"
