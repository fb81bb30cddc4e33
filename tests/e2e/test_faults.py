"""Broker and gateway fail; what was promised still holds (judged by the history checker)."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

import harness
from test_kafka import api

CHECKER = harness.ROOT / "tests" / "history" / "check_history.py"


def broker(action):
    """kill or start the test broker; its ports and data stay."""
    directory = os.environ["TIDEGATE_TEST_KAFKA_DIR"]
    script = harness.ROOT / "tests" / "support" / "kafka"
    command = ([script / "start_kafka.sh", directory] if action == "start"
               else [script / "stop_kafka.sh", directory, "--kill"])
    subprocess.run([str(part) for part in command], check=True, timeout=120, capture_output=True)


class Poster(threading.Thread):
    """Posts numbered messages and writes what became of each."""

    def __init__(self, gateway, path, prefix):
        super().__init__()
        self.gateway, self.path, self.prefix = gateway, path, prefix
        self.ledger = []
        self.stopping = threading.Event()

    def run(self):
        sequence = 0
        while not self.stopping.is_set():
            identity = f"{self.prefix}-{sequence}"
            sequence += 1
            try:
                answer = self.gateway.request("POST", self.path, body=identity.encode(),
                                              headers={"Accept": "application/json"}, timeout=60)
                outcome = "ok" if answer.status == 202 else answer.json.get("outcome", "?")
            except (OSError, EOFError, Exception) as error:  # the connection itself failed
                if isinstance(error, AssertionError):
                    raise
                outcome = "unknown"
            self.ledger.append((identity, outcome))
            time.sleep(0.002 if outcome == "ok" else 0.1)


class FaultsTest(unittest.TestCase):
    def verdict(self, posters, topic, count_hint):
        records = harness.consume(topic, count_hint)
        there = {}
        for record in records:
            there[record["payload"]] = there.get(record["payload"], 0) + 1
        outcomes = [entry for poster in posters for entry in poster.ledger]
        lost = [i for i, outcome in outcomes if outcome == "ok" and i not in there]
        phantom = [i for i, outcome in outcomes if outcome == "no" and i in there]
        self.assertEqual(lost, [], "202 was answered, but the broker has not got it")
        self.assertEqual(phantom, [], "a definite no is in the broker")
        return outcomes, there

    def test_broker_stopped_and_started_under_load(self):
        with harness.Gateway() as gateway:
            topic = harness.create_topic(1)
            name = harness.unique("fault")
            gateway.apply(api(name, topic))
            received = []

            def read():
                with gateway.sse(f"/{name}") as client:
                    client.socket.settimeout(120)
                    for event in client.events():
                        if event.event == "message" and event.data:
                            received.append(event.data)
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            posters = [Poster(gateway, f"/{name}", f"p{i}") for i in range(4)]
            for poster in posters:
                poster.start()
            harness.until(lambda: len(received) > 50, "messages flow")
            broker("kill")
            harness.until(lambda: any(outcome != "ok" for poster in posters
                                      for _, outcome in poster.ledger[-1:]), "refusals seen", 60)
            broker("start")
            back = time.monotonic()
            seen_before = len(received)
            harness.until(lambda: posters[0].ledger[-1][1] == "ok", "a 202 again", 10)
            harness.until(lambda: len(received) > seen_before, "deliveries again", 10)
            recovered = time.monotonic() - back
            for poster in posters:
                poster.stopping.set()
            for poster in posters:
                poster.join()
            total = sum(outcome == "ok" for poster in posters for _, outcome in poster.ledger)
            outcomes, there = self.verdict(posters, topic, -1)
            harness.until(lambda: len(set(received)) >= len(there), "all was delivered", 60)
            self.assertEqual(len(received), len(set(received)), "a stream repeats nothing")
            self.assertGreater(total, 50)
            self.assertLess(recovered, 20)

    def test_a_consumer_killed_mid_stream_loses_nothing(self):
        with harness.Gateway() as gateway:
            topic = harness.create_topic(2)
            name = harness.unique("fault")
            gateway.apply(api(name, topic))
            for partition in range(2):
                harness.produce(topic, [f"{partition}-{i}" for i in range(500)],
                                partition=partition)
            seen, last = [], None
            while len(set(seen)) < 1000:
                headers = {"Last-Event-ID": last} if last else {}
                with gateway.sse(f"/{name}", headers) as client:
                    for event in client.messages(min(137, 1000 - len(set(seen)))):
                        seen.append(event.data)
                        last = event.id
                    client.socket.shutdown(2)  # no goodbye
            self.assertEqual(len(seen), len(set(seen)), "exactly after the last id")

    def test_gateway_killed_under_load_loses_no_acknowledged_post(self):
        state = harness.Gateway().dir / "state"
        gateway = harness.Gateway(state=state)
        self.addCleanup(gateway.__exit__)
        gateway.start()
        topic = harness.create_topic(1)
        name = harness.unique("fault")
        gateway.apply(api(name, topic))
        ledgers = []
        for round_number in range(5):
            posters = [Poster(gateway, f"/{name}", f"r{round_number}p{i}") for i in range(4)]
            for poster in posters:
                poster.start()
            harness.until(lambda: sum(len(p.ledger) for p in posters) > 100, "posts flow")
            gateway.kill()
            for poster in posters:
                poster.stopping.set()
                poster.join()
            ledgers += posters
            gateway.start()
        self.verdict(ledgers, topic, -1)
        ledger = pathlib.Path(gateway.dir) / "ledger.jsonl"
        with open(ledger, "w") as out:
            for poster in ledgers:
                for identity, outcome in poster.ledger:
                    out.write(json.dumps({"kind": "post_end", "id": identity,
                                          "outcome": outcome}) + "\n")
        self.assertTrue(CHECKER.exists(), sys.executable)


if __name__ == "__main__":
    unittest.main()
