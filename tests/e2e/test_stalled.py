"""A consumer that has stopped reading, and a broker at full speed: whatever the connector, the
gateway's memory stays flat. 160 MB pass a stream that takes nothing; 1 GiB with TIDEGATE_LONG=1.
"""

import os
import socket
import unittest

import pika
from proton import Message
from proton.utils import BlockingConnection

import amqp10_peer
import harness
import mqtt_peer
import test_rabbitmq

MIB = 1024 * 1024
VOLUME = 1024 * MIB if os.environ.get("TIDEGATE_LONG") == "1" else 160 * MIB
LIMIT = 64 * MIB


def api(name, qos, endpoint):
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:
  - sse: {{heartbeatInterval: 1s}}
    qos: {qos}
endpointGroups:
  - name: default
    endpoints:
      - name: main
        {endpoint}
plans: [{{name: open, keyless: {{}}}}]
"""


class Kafka:
    size = 16 * 1024

    def __init__(self):
        self.topic = harness.create_topic(1)
        self.endpoint = (f"kafka: {{bootstrapServers: [{harness.kafka()}], "
                         f"consumer: {{topics: [{self.topic}], autoOffsetReset: latest}}}}")

    def publish(self, count):
        for first in range(0, count, 1000):
            harness.produce(self.topic, ["x" * self.size] * min(1000, count - first))

    def close(self):
        pass


class Rabbitmq:
    size = 16 * 1024

    def __init__(self):
        host, port = test_rabbitmq.broker()
        self.exchange = harness.unique("stalled")
        exchange = f"exchange: {{name: {self.exchange}, type: topic, durable: true}}"
        self.endpoint = (f"rabbitmq: {{serverHost: {host}, serverPort: {port}, "
                         "security: {auth: {username: guest, password: guest}}, "
                         f'consumer: {{{exchange}, routingKey: "#", queue: {{expires: 10s}}}}}}')
        credentials = pika.PlainCredentials("guest", "guest")
        self.connection = pika.BlockingConnection(
            pika.ConnectionParameters(host, port, "/", credentials))
        self.channel = self.connection.channel()
        self.channel.exchange_declare(self.exchange, "topic", durable=True)

    def publish(self, count):
        body = b"x" * self.size
        for _ in range(count):
            self.channel.basic_publish(self.exchange, "jobs", body)
        self.connection.process_data_events(0)

    def close(self):
        self.channel.exchange_delete(self.exchange)
        self.connection.close()


class Mqtt5:
    size = 64 * 1024

    def __init__(self):
        host, port = mqtt_peer.address()
        self.topic = harness.unique("stalled")
        self.endpoint = (f"mqtt5: {{serverHost: {host}, serverPort: {port}, sessionExpiry: 0s, "
                         f"consumer: {{topics: [{self.topic}]}}}}")
        self.client = mqtt_peer.Peer()

    def publish(self, count):
        # At QoS 1 the receive maximum holds Mosquitto back; what has QoS 0 it sends as it comes.
        for number in range(count):
            info = self.client.client.publish(self.topic, b"x" * self.size, qos=int(number < 100))
            info.wait_for_publish(harness.DEADLINE)

    def close(self):
        self.client.__exit__()


class Solace:
    size = 256 * 1024

    def __init__(self):
        self.topic = harness.unique("stalled")
        self.peer = amqp10_peer.Peer()
        self.endpoint = (f"solace: {{url: 'amqp://127.0.0.1:{self.peer.port}', vpnName: default, "
                         f"consumer: {{topics: [{self.topic}]}}}}")
        self.connection = BlockingConnection(f"amqp://127.0.0.1:{self.peer.port}", timeout=60)
        self.sender = self.connection.create_sender(f"topic://{self.topic}")

    def publish(self, count):
        message = Message(body=b"x" * self.size)
        for _ in range(count):
            self.sender.send(message)

    def close(self):
        self.connection.close()
        self.peer.close()


class StalledStream:
    """An SSE consumer that takes the head of the answer and nothing more."""

    def __init__(self, gateway, path):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(harness.DEADLINE)
        self.socket.connect((gateway.host, gateway.port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n"
                            "Accept: text/event-stream\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(1)
            if not piece:
                raise AssertionError(f"no answer: {head!r}")
            head += piece
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise AssertionError(head.decode())

    def has_a_message(self):
        self.socket.setblocking(False)
        try:
            return b"data: x" in self.socket.recv(4096, socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def close(self):
        self.socket.close()


def memory(gateway, field):
    """A line of the process's status in bytes."""
    with open(f"/proc/{gateway.process.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field}")


def forget_the_peak(gateway):
    with open(f"/proc/{gateway.process.pid}/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")  # VmHWM begins anew (proc(5))


class StalledTest(unittest.TestCase):
    def flood(self, kind):
        for qos in ("none", "at-least-once"):
            with self.subTest(qos=qos), harness.Gateway() as gateway:
                broker = kind()
                self.addCleanup(broker.close)
                name = harness.unique("stalled")
                gateway.apply(api(name, qos, broker.endpoint))
                stream = StalledStream(gateway, f"/{name}")
                self.addCleanup(stream.close)

                def flows():
                    broker.publish(1)
                    return stream.has_a_message()

                harness.until(flows, "the first message in the stream")
                before = memory(gateway, "VmRSS")
                forget_the_peak(gateway)
                broker.publish(VOLUME // kind.size)
                self.assertLess(memory(gateway, "VmHWM") - before, LIMIT)
                self.assertIsNone(gateway.process.poll(), gateway.log_text())

    def test_kafka(self):
        self.flood(Kafka)

    def test_rabbitmq(self):
        self.flood(Rabbitmq)

    def test_mqtt5(self):
        self.flood(Mqtt5)

    def test_solace(self):
        self.flood(Solace)


if __name__ == "__main__":
    unittest.main()
