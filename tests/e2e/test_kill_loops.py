"""Gateway and broker are killed with -9 in turn, under load: nothing acknowledged is lost, and what
comes twice stays within the window. The history checker (tests/history) is the judge.

5 kills of each; 100 with TIDEGATE_LONG=1 (tests/run.sh --long).
"""

import contextlib
import os
import subprocess
import threading
import unittest
import zlib

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
import pika
from proton import Timeout
from proton.utils import BlockingConnection

import amqp10_peer
import harness
import test_faults
import test_kafka

TURNS = 100 if os.environ.get("TIDEGATE_LONG") == "1" else 5
POSTERS = 3
WINDOW = 256  # deliveries that may be unsettled when something dies: server/flow, connectors
RECOVERY = 60.0
PROBE = "probe-"  # posts that only ask whether the consumer is back; no promise is judged by them


class Broker:
    """One kind of broker: its API, its end, its independent witness."""

    kind = ""
    variable = ""
    keeps_for_absent = True  # what is published while its consumers are away
    copies = False           # the witness reads a queue of its own, not what consumers read

    def __init__(self):
        address = os.environ.get(self.variable)
        if not address:
            raise AssertionError(f"{self.variable} is not set: start the tests with tests/run.sh")
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.name = harness.unique("kill")

    def script(self, action, *arguments):
        path = harness.ROOT / "tests" / "support" / self.kind / f"{action}_{self.kind}.sh"
        subprocess.run([str(path), os.environ[self.variable + "_DIR"], *arguments], check=True,
                       timeout=180, capture_output=True)

    def kill(self):
        self.script("stop", "--kill")

    def start(self):
        self.script("start")

    def api(self):
        raise NotImplementedError

    def subscription(self):
        """More fields of the ledger's `subscribe`."""
        return {"topics": [self.name], "from": {f"{self.name}/0": 0}}

    def reader(self, gateway, ledger):
        return QueueReader(gateway, self.name, ledger)

    def witness(self, ledger, expected):
        """Puts what an independent client finds at the broker into the ledger."""
        raise NotImplementedError

    def close(self):
        pass


class Kafka(Broker):
    kind, variable = "kafka", "TIDEGATE_TEST_KAFKA"

    def __init__(self):
        super().__init__()
        self.topic = harness.create_topic(1)

    def api(self):
        return test_kafka.api(self.name, self.topic)

    def reader(self, gateway, ledger):
        return test_faults.Reader(gateway, self.name, self.topic, ledger)

    def witness(self, ledger, expected):
        ledger.read_broker(self.topic)


def messages_api(name, endpoint):
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:
  - sse: {{heartbeatInterval: 2s}}
    qos: at-least-once
  - httpPost
endpointGroups:
  - name: default
    endpoints:
      - name: main
{endpoint}
plans: [{{name: open, keyless: {{}}}}]
"""


class Rabbitmq(Broker):
    kind, variable, copies = "rabbitmq", "TIDEGATE_TEST_RABBITMQ", True

    def __init__(self):
        super().__init__()
        self.exchange = harness.unique("x")
        self.queue = harness.unique("witness")
        connection = self.connect()
        channel = connection.channel()
        channel.exchange_declare(self.exchange, "topic", durable=True)
        channel.queue_declare(self.queue, durable=True)
        channel.queue_bind(self.queue, self.exchange, "jobs.#")
        connection.close()

    def connect(self):
        credentials = pika.PlainCredentials("guest", "guest")
        return pika.BlockingConnection(
            pika.ConnectionParameters(self.host, self.port, "/", credentials))

    def api(self):
        exchange = f"exchange: {{name: {self.exchange}, type: topic, durable: true}}"
        return messages_api(self.name, f"""
        rabbitmq:
          serverHost: {self.host}
          serverPort: {self.port}
          security: {{auth: {{username: guest, password: guest}}}}
          producer: {{{exchange}, routingKey: jobs.new}}
          consumer: {{{exchange}, routingKey: "jobs.#"}}""")

    def witness(self, ledger, expected):
        connection = self.connect()
        channel = connection.channel()
        offset = 0
        while True:
            method, _, body = channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                break
            ledger.add("broker_has", id=body.decode(), topic=self.name, partition=0, offset=offset,
                       crc=zlib.crc32(body))
            offset += 1
        channel.queue_delete(self.queue)
        channel.exchange_delete(self.exchange)
        connection.close()


class Mqtt5(Broker):
    """Mosquitto keeps nothing for a shared subscription whose members are all away, so posts begin
    when the consumer is back. The witness is a session that is there all the time."""

    kind, variable, keeps_for_absent = "mosquitto", "TIDEGATE_TEST_MQTT", False
    copies = True  # and so is its session's

    def __init__(self):
        super().__init__()
        self.topic = f"{self.name}/jobs"
        self.seen, self.lock = {}, threading.Lock()
        self.client = mqtt.Client(client_id=self.name + "-witness", protocol=mqtt.MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(self.topic, qos=1)
        self.client.on_message = self.on_message
        properties = mqtt.Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 600
        self.client.connect(self.host, self.port, clean_start=False, properties=properties)
        self.client.loop_start()

    def on_message(self, _client, _data, message):
        identity = message.payload.decode()
        with self.lock:
            if not identity.startswith(PROBE):
                self.seen.setdefault(identity, len(self.seen))

    def api(self):
        return messages_api(self.name, f"""
        mqtt5:
          serverHost: {self.host}
          serverPort: {self.port}
          cleanStart: false
          sessionExpiry: 10m
          producer: {{topics: {self.topic}}}
          consumer: {{topics: [{self.topic}]}}""")

    def witness(self, ledger, expected):
        def all_there():
            with self.lock:
                return expected <= set(self.seen)
        harness.until(all_there, "the witness has what was confirmed", RECOVERY)
        with self.lock:
            for identity, offset in self.seen.items():
                ledger.add("broker_has", id=identity, topic=self.name, partition=0, offset=offset,
                           crc=zlib.crc32(identity.encode()))

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Solace(Broker):
    """The Solace-shaped AMQP 1.0 peer. Killed, it has no listener and breaks every wire; what it
    has stored stays. The witness is a queue with the same subscription."""

    def __init__(self):
        self.name = harness.unique("kill")
        self.topic = f"{self.name}/jobs"
        self.peer = amqp10_peer.Peer("--queue", f"witness={self.topic}")

    def kill(self):
        self.peer.ask("cut")

    def start(self):
        self.peer.ask("restore")

    def api(self):
        return messages_api(self.name, f"""
        solace:
          url: amqp://127.0.0.1:{self.peer.port}
          vpnName: default
          reconnectAttempts: 1000
          producer: {{topics: {self.topic}}}
          consumer: {{topics: [{self.topic}]}}""")

    def witness(self, ledger, expected):
        connection = BlockingConnection(f"amqp://127.0.0.1:{self.peer.port}", timeout=30)
        receiver = connection.create_receiver("queue://witness", credit=100)
        offset = 0
        while True:
            try:
                message = receiver.receive(5 if offset else 30)
            except Timeout:
                break
            receiver.accept()
            body = bytes(message.body)
            ledger.add("broker_has", id=body.decode(), topic=self.name, partition=0, offset=offset,
                       crc=zlib.crc32(body))
            offset += 1
        connection.close()

    def close(self):
        self.peer.close()


class QueueReader(threading.Thread):
    """An SSE consumer of a broker with queues; comes back whenever the stream ends."""

    def __init__(self, gateway, name, ledger):
        super().__init__(daemon=True)
        self.gateway, self.name, self.ledger = gateway, name, ledger
        self.stopping = threading.Event()
        self.attached = threading.Event()
        self.ids, self.probes = set(), set()
        ledger.add("subscribe", sub="sse", qos="at-least-once", ordered=False, topics=[name],
                   **{"from": {f"{name}/0": 0}})

    def run(self):
        while not self.stopping.is_set():
            try:
                with self.gateway.sse(f"/{self.name}", {}) as client:
                    if client.status == 200:
                        self.attached.set()
                        try:
                            self.read(client)
                        finally:
                            self.attached.clear()
                    else:
                        self.stopping.wait(0.2)
            except (OSError, ValueError, IndexError):
                self.stopping.wait(0.1)

    def read(self, client):
        for event in client.events():
            if self.stopping.is_set():
                return
            if event.event != "message" or not event.data:
                continue
            if event.data.startswith(PROBE):
                self.probes.add(event.data)
                continue
            self.ledger.add("deliver", sub="sse", id=event.data, topic=self.name, partition=0,
                            offset=-1, attempt=1, answer=200,
                            crc=zlib.crc32(event.data.encode()))
            self.ids.add(event.data)


class Poster(test_faults.Poster):
    pause = 0.02  # what dies is in the middle of many posts; more would only make the judge slow


class CountingLedger(test_faults.Ledger):
    """Knows how many posts were confirmed without looking through all of a long run."""

    confirmed = 0

    def add(self, event_type, **fields):
        super().add(event_type, **fields)
        if event_type == "post_end" and fields["outcome"] == "ok":
            with self.lock:
                self.confirmed += 1


def place_deliveries(ledger):
    """Brokers with queues give no offsets: a delivery has the place that the witness has seen."""
    places = {e["id"]: e["offset"] for e in ledger.events if e["type"] == "broker_has"}
    for event in ledger.events:
        if event["type"] == "deliver" and event["offset"] == -1:
            event["offset"] = places.get(event["id"], -1)


class KillLoop:
    def __init__(self, broker):
        self.broker = broker
        self.gateway = harness.Gateway()
        self.gateway.state = self.gateway.dir / "state"
        self.gateway.start()
        self.ledger = CountingLedger()

    def confirmed(self):
        return self.ledger.confirmed

    def run(self, turns):
        self.gateway.apply(self.broker.api())
        self.reader = self.broker.reader(self.gateway, self.ledger)
        self.reader.start()
        self.await_consumer()
        for turn in range(turns):
            self.kill_gateway(turn)
            self.kill_broker(turn)
        self.drain()

    def await_consumer(self):
        if not isinstance(self.reader, QueueReader):
            return
        self.must(self.reader.attached.is_set, "the reader has its stream")
        if self.broker.keeps_for_absent:
            return

        def probed():
            with contextlib.suppress(OSError):
                self.gateway.request("POST", f"/{self.broker.name}", harness.unique(PROBE).encode())
            return self.reader.probes
        self.reader.probes.clear()
        self.must(probed, "a message comes through")

    def must(self, condition, what):
        harness.until(condition, what + "\n" + self.gateway.log_text(), RECOVERY)

    def posters(self, name):
        started = [Poster(self.gateway, f"/{self.broker.name}", f"{name}p{i}", self.ledger)
                   for i in range(POSTERS)]
        before = self.confirmed()
        for poster in started:
            poster.start()
        self.must(lambda: self.confirmed() >= before + 40, f"posts are confirmed ({name})")
        return started

    @staticmethod
    def rest(posters):
        for poster in posters:
            poster.stopping.set()
        for poster in posters:
            poster.join()

    def kill_gateway(self, turn):
        posters = self.posters(f"g{turn}")
        self.ledger.add("gateway", state="kill")
        self.gateway.kill()
        self.rest(posters)
        self.gateway.start()
        self.await_consumer()
        self.ledger.add("gateway", state="ready")

    def kill_broker(self, turn):
        posters = self.posters(f"b{turn}")
        self.ledger.add("fault", kind="broker", state="on")
        self.broker.kill()
        if not self.broker.keeps_for_absent:
            self.rest(posters)
        self.broker.start()
        before = self.confirmed()
        if self.broker.keeps_for_absent:
            self.must(lambda: self.confirmed() > before, f"posts are confirmed again ({turn})")
        self.await_consumer()
        self.ledger.add("fault", kind="broker", state="off")
        self.rest(posters)

    def drain(self):
        reader = self.reader
        expected = {e["id"] for e in self.ledger.events
                    if e["type"] == "post_end" and e["outcome"] == "ok"}
        self.broker.witness(self.ledger, expected)
        if self.broker.copies:
            self.settle_copies(expected)
        there = {e["id"] for e in self.ledger.events if e["type"] == "broker_has"}
        self.all_delivered(there, "all is delivered")
        reader.stopping.set()
        place_deliveries(self.ledger)
        self.ledger.judge(self.gateway.dir, "--duplicate-bound", str(WINDOW))

    def all_delivered(self, wanted, what):
        try:
            harness.until(lambda: self.reader.ids >= wanted, what, RECOVERY)
        except AssertionError as error:
            missing = sorted(wanted - self.reader.ids)
            raise AssertionError(f"{error}: {len(missing)} of {len(wanted)} are not, "
                                 f"first {missing[:5]}") from None

    def settle_copies(self, confirmed):
        """The witness has a queue or a session of its own. A message that was never confirmed may
        have reached one and not the other when the broker or the only consumer was killed: it is
        where it was seen."""
        self.all_delivered(confirmed, "what was confirmed is delivered")
        delivered = set(self.reader.ids)
        events = self.ledger.events
        events[:] = [e for e in events if e["type"] != "broker_has" or e["id"] in confirmed
                     or e["id"] in delivered]
        places = [e["offset"] for e in events if e["type"] == "broker_has"]
        known = {e["id"] for e in events if e["type"] == "broker_has"}
        for identity in sorted(delivered - known - confirmed):
            places.append(max(places, default=-1) + 1)
            self.ledger.add("broker_has", id=identity, topic=self.broker.name, partition=0,
                            offset=places[-1], crc=zlib.crc32(identity.encode()))


class KillLoopsTest(unittest.TestCase):
    def loop(self, make):
        broker = make()
        self.addCleanup(broker.close)
        loop = KillLoop(broker)
        self.addCleanup(loop.gateway.__exit__)
        loop.run(TURNS)

    def test_kafka(self):
        self.loop(Kafka)

    def test_mqtt5(self):
        self.loop(Mqtt5)

    def test_rabbitmq(self):
        self.loop(Rabbitmq)

    def test_solace(self):
        self.loop(Solace)


if __name__ == "__main__":
    unittest.main()
