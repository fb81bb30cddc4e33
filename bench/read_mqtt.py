"""MQTT to one WebSocket client: the gateway's CPU for a message.

usage: read_mqtt.py NAME HTTP-HOST:PORT PATH MQTT-HOST:PORT TOPIC IN-FLIGHT PID [MESSAGES]

A publisher of 256 B at QoS 1, with as many unanswered as the broker takes (its receive maximum), is
never more than WINDOW messages ahead of the client: this is not about the broker's queue. Prints
one line of JSON; exits with 1 when messages do not come.
"""

import json
import os
import selectors
import socket
import sys
import time

SIZE = 256
FRAME = 4 + SIZE   # 126 and two bytes of length, unmasked
WINDOW = 400
PATIENCE = 30.0   # seconds without any message


def upgrade(address, path):
    host, port = address.rsplit(":", 1)
    stream = socket.create_connection((host, int(port)))
    stream.sendall((f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(4096)
    head, _, rest = data.partition(b"\r\n\r\n")
    if b" 101 " not in head.split(b"\r\n")[0]:
        sys.exit(f"no WebSocket: {head.decode()}")
    return stream, len(rest)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Publisher:
    """MQTT 5, QoS 1, never more than `in_flight` unanswered; the packets are made once."""

    def __init__(self, address, topic, in_flight):
        self.in_flight = in_flight
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x00")
        answer = self.socket.recv(256)
        if answer[:1] != b"\x20" or answer[3] != 0:
            sys.exit(f"the broker does not let the publisher in: {answer!r}")
        self.packets = [self.packet(topic.encode(), number) for number in range(1, in_flight + 1)]
        self.sent = self.acknowledged = 0
        self.unread = b""  # an answer that is not whole

    @staticmethod
    def packet(topic, number):
        rest = (len(topic).to_bytes(2, "big") + topic + number.to_bytes(2, "big") + b"\x00" +
                b"x" * SIZE)
        return bytes([0x32, len(rest) % 128 | 128, len(rest) // 128]) + rest

    def publish(self, limit):
        """As many as may be in flight, at most up to `limit` in all; they are answered in order."""
        count = min(limit - self.sent, self.in_flight - (self.sent - self.acknowledged))
        if count > 0:
            first = self.sent % self.in_flight
            self.socket.sendall(b"".join((self.packets * 2)[first:first + count]))
            self.sent += count

    def take(self):
        data = self.socket.recv(4096)
        if not data:
            sys.exit("the broker closed the publisher's connection")
        self.unread += data
        while len(self.unread) > 1 and len(self.unread) >= 2 + self.unread[1]:
            self.unread = self.unread[2 + self.unread[1]:]
            self.acknowledged += 1


class Run:
    def __init__(self, http, path, mqtt, topic, in_flight):
        self.stream, self.received = upgrade(http, path)
        self.publisher = Publisher(mqtt, topic, in_flight)
        self.lost = 0    # published before the subscription, or counted apart
        self.last = b""  # what came last: a close frame says why
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.stream, selectors.EVENT_READ)
        self.selector.register(self.publisher.socket, selectors.EVENT_READ)

    def take(self, seconds):
        """Whether anything came on either socket within this time."""
        ready = [key.fileobj for key, _ in self.selector.select(seconds)]
        if self.publisher.socket in ready:
            self.publisher.take()
        if self.stream in ready:
            data = self.stream.recv(1 << 18)
            if not data:
                sys.exit(f"the stream was closed: {self.last[-120:]!r}")
            self.last = data
            self.received += len(data)
        return bool(ready)

    def subscribe(self):
        """The answer 101 comes before the broker knows of the subscription: one message at a time
        until one arrives; what was sent before it is not waited for."""
        end = time.monotonic() + PATIENCE
        while self.received == 0:
            if time.monotonic() > end:
                sys.exit("no message arrives")
            self.publisher.publish(self.publisher.sent + 1)
            self.take(0.2)
        while self.take(0.5):
            pass
        self.received = 0
        self.lost = self.publisher.sent

    def until(self, total):
        while self.received < total * FRAME:
            ahead = self.received // FRAME + WINDOW
            self.publisher.publish(self.lost + min(ahead, total))
            if not self.take(PATIENCE):
                sys.exit(f"{self.received // FRAME} of {total} messages have come")


def main(name, http, path, mqtt, topic, in_flight, pid, count=30_000):
    run = Run(http, path, mqtt, topic, int(in_flight))
    run.subscribe()
    run.until(1000)
    before, begun = cpu_seconds(pid), time.monotonic()
    run.until(1000 + int(count))
    used, took = cpu_seconds(pid) - before, time.monotonic() - begun
    print(json.dumps({"mode": "mqtt-to-websocket", "name": name, "messages": int(count),
                      "per_second": round(int(count) / took),
                      "cpu_us_per_unit": round(used * 1e6 / int(count), 2)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
