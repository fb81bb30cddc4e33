"""Broker and gateway fail; what was promised still holds. The history checker is the judge."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import unittest
import zlib

import harness
from test_kafka import api

CHECKER = harness.ROOT / "tests" / "history" / "check_history.py"


def broker(action):
    """kill or start the test broker; its ports and data stay."""
    directory = os.environ["TIDEGATE_TEST_KAFKA_DIR"]
    scripts = harness.ROOT / "tests" / "support" / "kafka"
    command = ([scripts / "start_kafka.sh", directory] if action == "start"
               else [scripts / "stop_kafka.sh", directory, "--kill"])
    subprocess.run([str(part) for part in command], check=True, timeout=120, capture_output=True)


def writable(topic):
    """Whether an independent client can write: from then on the broker has returned."""
    result = subprocess.run(
        ["kcat", "-b", harness.kafka(), "-P", "-t", topic, "-X", "message.timeout.ms=1000"],
        input=b"probe", capture_output=True, timeout=60)
    return result.returncode == 0 and b"failed" not in result.stderr.lower()


class Ledger:
    """What happened, as tests/history/ledger.py has it; written from several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events = []

    def add(self, event_type, **fields):
        with self.lock:
            self.events.append({"type": event_type, "t": time.monotonic_ns(), **fields})

    def count(self, event_type, **fields):
        with self.lock:
            return sum(1 for event in self.events if event["type"] == event_type
                       and all(event.get(key) == value for key, value in fields.items()))

    def last(self, event_type):
        with self.lock:
            return next((e for e in reversed(self.events) if e["type"] == event_type), None)

    def read_broker(self, topic):
        """What an independent client finds in the topic."""
        for record in harness.consume(topic, -1):
            self.add("broker_has", id=record["payload"], topic=topic,
                     partition=record["partition"], offset=record["offset"],
                     crc=zlib.crc32(record["payload"].encode()))

    def judge(self, directory, *options):
        # A broker that has just been started anew, beside other tests, may stop answering for
        # seconds once more; that a post ends as unknown then is true.
        options = ("--recovery", "60", *options)
        path = directory / "ledger.jsonl"
        with open(path, "w", encoding="utf-8") as out:
            for event in self.events:
                out.write(json.dumps(event) + "\n")
        result = subprocess.run([sys.executable, str(CHECKER), *options, str(path)],
                                capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            raise AssertionError(result.stdout[-3000:] + result.stderr[-1000:])


class Poster(threading.Thread):
    """Posts numbered messages until told to stop; the ledger has what became of each."""

    pause = 0.002  # between posts

    def __init__(self, gateway, path, prefix, ledger):
        super().__init__(daemon=True)
        self.gateway, self.path, self.prefix, self.ledger = gateway, path, prefix, ledger
        self.stopping = threading.Event()

    def post(self, body):
        try:
            answer = self.gateway.request("POST", self.path, body=body.encode(),
                                          headers={"Accept": "application/json"}, timeout=60)
        except ConnectionRefusedError:
            return 0, "no"
        except (OSError, http.client.HTTPException):
            return 0, "unknown"  # the connection ended without an answer
        return answer.status, "ok" if answer.status == 202 else answer.json["outcome"]

    def run(self):
        sequence = 0
        while not self.stopping.is_set():
            identity = f"{self.prefix}-{sequence}"
            sequence += 1
            self.ledger.add("post_start", id=identity, crc=zlib.crc32(identity.encode()))
            status, outcome = self.post(identity)
            self.ledger.add("post_end", id=identity, status=status, outcome=outcome)
            self.stopping.wait(self.pause if outcome == "ok" else 0.1)


class Reader(threading.Thread):
    """One SSE consumer; comes back with its last id whenever the stream ends."""

    def __init__(self, gateway, name, topic, ledger):
        super().__init__(daemon=True)
        self.gateway, self.name, self.topic, self.ledger = gateway, name, topic, ledger
        self.stopping = threading.Event()
        self.last_id = None
        self.after = {}
        self.ids = set()
        ledger.add("subscribe", sub="sse", qos="at-least-once", topics=[topic],
                   **{"from": {f"{topic}/0": 0}})

    def run(self):
        while not self.stopping.is_set():
            headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
            try:
                with self.gateway.sse(f"/{self.name}", headers) as client:
                    if client.status != 200:
                        self.stopping.wait(0.2)
                        continue
                    if self.last_id:
                        self.ledger.add("resume", sub="sse", after=dict(self.after))
                    self.read(client)
            except (OSError, ValueError, IndexError):
                self.stopping.wait(0.2)

    def read(self, client):
        for event in client.events():
            if self.stopping.is_set():
                return
            if event.event != "message" or not event.data:
                continue
            place = dict(c.split(": ", 1) for c in event.comments if ": " in c)
            self.ledger.add("deliver", sub="sse", id=event.data, topic=self.topic,
                            partition=int(place["partition"]), offset=int(place["offset"]),
                            attempt=1, answer=200, event_id=event.id,
                            crc=zlib.crc32(event.data.encode()))
            self.last_id = event.id
            self.after[f"{self.topic}/{place['partition']}"] = int(place["offset"])
            self.ids.add(event.data)


class FaultsTest(unittest.TestCase):
    def drain(self, ledger, reader, posters, topic, gateway):
        """Stops posting, waits until the reader has all that the broker has, judges."""
        for poster in posters:
            poster.stopping.set()
        for poster in posters:
            poster.join()
        ledger.read_broker(topic)
        there = {e["id"] for e in ledger.events if e["type"] == "broker_has"}
        harness.until(lambda: reader.ids >= there,
                      f"all delivered ({len(reader.ids)} of {len(there)})", 60)
        reader.stopping.set()
        ledger.judge(gateway.dir)

    def test_broker_killed_and_started_under_load(self):
        with harness.Gateway() as gateway:
            topic, probe = harness.create_topic(1), harness.create_topic(1)
            name = harness.unique("fault")
            gateway.apply(api(name, topic))
            ledger = Ledger()
            reader = Reader(gateway, name, topic, ledger)
            posters = [Poster(gateway, f"/{name}", f"p{i}", ledger) for i in range(4)]
            for thread in [reader, *posters]:
                thread.start()
            harness.until(lambda: len(reader.ids) > 50, "messages flow")
            ledger.add("fault", kind="broker", state="on")
            broker("kill")
            harness.until(lambda: ledger.last("post_end")["outcome"] != "ok", "refusals", 60)
            broker("start")
            harness.until(lambda: writable(probe), "the broker takes writes", 60)
            ledger.add("fault", kind="broker", state="off")
            seen = len(reader.ids)
            # The promise is ten seconds from the broker's return to the first 202 and delivery;
            # a machine that runs this beside other tests may stand still as long.
            back = time.monotonic()
            harness.until(lambda: ledger.last("post_end")["outcome"] == "ok", "a 202 again")
            harness.until(lambda: len(reader.ids) > seen, "deliveries again")
            print(f"back after {time.monotonic() - back:.1f} s", file=sys.stderr)
            self.assertGreater(ledger.count("post_end", outcome="ok"), 50)
            self.drain(ledger, reader, posters, topic, gateway)

    def test_a_consumer_cut_again_and_again_loses_and_repeats_nothing(self):
        with harness.Gateway() as gateway:
            topic = harness.create_topic(2)
            name = harness.unique("fault")
            gateway.apply(api(name, topic))
            for partition in range(2):
                harness.produce(topic, [f"{partition}-{i}" for i in range(500)],
                                partition=partition)
            seen, last = [], None
            while len(seen) < 1000:
                headers = {"Last-Event-ID": last} if last else {}
                with gateway.sse(f"/{name}", headers) as client:
                    for event in client.messages(min(137, 1000 - len(seen))):
                        seen.append(event.data)
                        last = event.id
                    client.socket.shutdown(2)  # no goodbye
            self.assertEqual(len(seen), len(set(seen)))

    def test_gateway_killed_under_load_five_times(self):
        gateway = harness.Gateway()
        gateway.state = gateway.dir / "state"
        self.addCleanup(gateway.__exit__)
        gateway.start()
        topic = harness.create_topic(1)
        name = harness.unique("fault")
        gateway.apply(api(name, topic))
        ledger = Ledger()
        reader = Reader(gateway, name, topic, ledger)
        reader.start()
        posters = []
        for turn in range(5):
            posters = [Poster(gateway, f"/{name}", f"r{turn}p{i}", ledger) for i in range(4)]
            before = ledger.count("post_end", outcome="ok")
            for poster in posters:
                poster.start()
            harness.until(lambda: ledger.count("post_end", outcome="ok") > before + 100, "posts")
            ledger.add("gateway", state="kill")
            gateway.kill()
            for poster in posters:
                poster.stopping.set()
                poster.join()
            gateway.start()
            ledger.add("gateway", state="ready")
        self.drain(ledger, reader, posters, topic, gateway)


if __name__ == "__main__":
    unittest.main()
