#!/usr/bin/env python3
"""Makes or deletes a topic: what Kafka's own tool does, without a JVM's two seconds of two cores.

usage: topic.py HOST:PORT create NAME [PARTITIONS] [KEY=VALUE…]
       topic.py HOST:PORT delete NAME

The words of the protocol: CreateTopics v2, DeleteTopics v1, Metadata v4. It ends when the broker's
metadata show the change.
"""

import socket
import struct
import sys
import time

METADATA, CREATE, DELETE = (3, 4), (19, 2), (20, 1)  # api key, version
UNKNOWN_TOPIC = 3
DEADLINE = 60.0


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class Answer:
    """A response, read from its front."""

    def __init__(self, data):
        self.data = data

    def number(self, code):
        size = struct.calcsize(code)
        value, = struct.unpack(">" + code, self.data[:size])
        self.data = self.data[size:]
        return value

    def text(self):
        size = self.number("h")
        if size < 0:
            return None
        value, self.data = self.data[:size].decode(), self.data[size:]
        return value

    def array(self, item):
        return [item() for _ in range(self.number("i"))]


class Broker:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=DEADLINE)

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise OSError("the broker has hung up")
            data += more
        return data

    def ask(self, api, body):
        head = struct.pack(">hhi", *api, 1) + text("topic.py")
        self.socket.sendall(struct.pack(">i", len(head + body)) + head + body)
        size, = struct.unpack(">i", self.read(4))
        answer = Answer(self.read(size))
        answer.number("i")  # correlation
        return answer

    def create(self, name, partitions, settings):
        configs = array([text(key) + text(value) for key, value in settings])
        topic = text(name) + struct.pack(">ih", partitions, 1) + array([]) + configs
        answer = self.ask(CREATE, array([topic]) + struct.pack(">i?", int(DEADLINE * 1000), False))
        answer.number("i")  # throttle
        for error, why in answer.array(
                lambda: (answer.text(), (answer.number("h"), answer.text()))[1]):
            if error:
                raise OSError(f"create {name}: error {error}: {why}")

    def delete(self, name):
        answer = self.ask(DELETE, array([text(name)]) + struct.pack(">i", int(DEADLINE * 1000)))
        answer.number("i")  # throttle
        for error in answer.array(lambda: (answer.text(), answer.number("h"))[1]):
            if error:
                raise OSError(f"delete {name}: error {error}")

    def leaders(self, name):
        """How many partitions have a leader; None while the broker knows no such topic."""
        answer = self.ask(METADATA, array([text(name)]) + struct.pack(">?", False))
        answer.number("i")  # throttle
        answer.array(lambda: (answer.number("i"), answer.text(), answer.number("i"),
                              answer.text()))
        answer.text()  # cluster
        answer.number("i")  # controller

        def partition():
            error, _, leader = answer.number("h"), answer.number("i"), answer.number("i")
            for _ in ("replicas", "in sync"):
                answer.array(lambda: answer.number("i"))
            return error == 0 and leader >= 0

        def topic():
            error = answer.number("h")
            answer.text()
            answer.number("b")  # internal
            return error, answer.array(partition)

        (error, partitions), = answer.array(topic)
        return None if error == UNKNOWN_TOPIC else sum(partitions)


def main(address, action, name, partitions="1", *settings):
    broker = Broker(address)
    if action == "create":
        broker.create(name, int(partitions), [setting.split("=", 1) for setting in settings])
        wanted = int(partitions)
    elif action == "delete":
        broker.delete(name)
        wanted = None
    else:
        raise OSError(f"{action}: create or delete")
    end = time.monotonic() + DEADLINE
    while broker.leaders(name) != wanted:
        if time.monotonic() > end:
            raise OSError(f"{action} {name}: not to be seen after {DEADLINE:.0f} s")
        time.sleep(0.01)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"topic.py: {error}")
