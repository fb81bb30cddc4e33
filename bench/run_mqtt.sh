#!/usr/bin/env bash
# POST 256 B → MQTT QoS 1, 202 after the PUBACK, 64 connections, behind an API-key plan,
# in turns with the same POST to the mock, whose difference is what the connector costs. Then MQTT →
# one WebSocket client, QoS 1 (auto): CPU of the gateway a message. Settings: the head of lib.sh;
# BENCH_MQTT=HOST:PORT uses a broker that is there, else Mosquitto is started.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
find_programs
if [ -n "${BENCH_MQTT:-}" ]; then
  mqtt=$BENCH_MQTT
else
  load "$root/tests/support/mosquitto/start_mosquitto.sh" "$work/mosquitto" >&2
  mqtt=$(sed -n 's/^TIDEGATE_TEST_MQTT=//p' "$work/mosquitto/mosquitto.env")
  trap '"$root/tests/support/mosquitto/stop_mosquitto.sh" "$work/mosquitto"; finish' EXIT
fi
mkdir -p "$work/definitions"
cat >"$work/definitions/mqtt.yaml" <<YAML
kind: Api
name: mqtt
type: message
listeners: [{path: /mqtt}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        mqtt5:
          serverHost: ${mqtt%:*}
          serverPort: ${mqtt##*:}
          producer: {topics: bench/post}
plans: [{name: keys, apiKey: {}}]
---
kind: Api
name: read
type: message
listeners: [{path: /read}]
entrypoints: [websocket]
endpointGroups:
  - name: default
    endpoints:
      - name: broker
        mqtt5:
          serverHost: ${mqtt%:*}
          serverPort: ${mqtt##*:}
          sessionExpiry: 0s
          consumer: {topics: [bench/read]}
plans: [{name: open, keyless: {}}]
---
kind: Api
name: mock
type: message
listeners: [{path: /mock}]
entrypoints: [httpPost]
endpointGroups: [{name: default, endpoints: [{name: mock, mock: {}}]}]
plans: [{name: keys, apiKey: {}}]
---
kind: Application
name: load
---
kind: Subscription
name: load-mqtt
api: mqtt
plan: keys
application: load
apiKeys: [{name: main, key: "$key"}]
---
kind: Subscription
name: load-mock
api: mock
plan: keys
application: load
apiKeys: [{name: main, key: "$key-mock"}]
YAML
start_gateway ours --state none --definitions "$work/definitions"
begin mqtt

post() { # NAME PATH KEY [FLAG…]
  local name=$1 path=$2 secret=$3
  shift 3
  load "$BENCH_BIN/tg_bench" post --name "$name" --url "$ours_url/$path" --pid "$ours_pid" \
    --size 256 --header "X-Gravitee-Api-Key: $secret" --warmup "$warmup" --duration "$seconds" \
    --connections 64 "$@" | tee -a "$results" >&2
}

# Publishes 100,000 messages of 256 B at QoS 1 while a WebSocket client counts frames; a line with
# the CPU of the gateway between the first 1,000 and the last.
read_over_websocket() {
  load /usr/bin/python3 - "${ours_url#http://}" "$mqtt" "$ours_pid" <<'PY' | tee -a "$results" >&2
import json
import os
import socket
import subprocess
import sys

http, mqtt, pid = sys.argv[1:]
count = 100_000
host, port = http.rsplit(":", 1)
stream = socket.create_connection((host, int(port)))
stream.sendall((f"GET /read HTTP/1.1\r\nHost: {http}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
data = b""
while b"\r\n\r\n" not in data:
    data += stream.recv(4096)
data = data.partition(b"\r\n\r\n")[2]


def cpu():
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


broker, broker_port = mqtt.rsplit(":", 1)
publisher = subprocess.Popen(["mosquitto_pub", "-V", "5", "-h", broker, "-p", broker_port, "-q",
                              "1", "-t", "bench/read", "-l"], stdin=subprocess.PIPE)
frame = 4 + 256  # 126, two bytes of length
fed = received = 0
begun = None
line = b"x" * 256 + b"\n"
received += len(data)
os.set_blocking(publisher.stdin.fileno(), False)
stream.setblocking(False)
while received < count * frame:
    if fed < count * len(line):
        try:
            fed += os.write(publisher.stdin.fileno(),
                            (line * 64)[fed % len(line):][:count * len(line) - fed])
            if fed == count * len(line):
                publisher.stdin.close()
        except BlockingIOError:
            pass
    try:
        received += len(stream.recv(1 << 18))
    except BlockingIOError:
        pass
    if begun is None and received >= 1000 * frame:
        begun, at = cpu(), received
used = cpu() - begun
messages = (received - at) / frame
print(json.dumps({"mode": "mqtt-to-websocket", "name": "read", "messages": round(messages),
                  "cpu_us_per_message": round(used * 1e6 / messages, 2)}))
publisher.wait()
PY
}

for ((round = 0; round < rounds; round++)); do
  post mock mock "$key-mock"
  post mqtt mqtt "$key"
  read_over_websocket
done
table
