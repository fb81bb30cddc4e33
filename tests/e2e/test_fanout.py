"""A thousand subscribers on one topic: one reader, nothing lost, nothing repeated."""

import asyncio
import base64
import os
import re
import unittest

import harness
from test_kafka import api

SUBSCRIBERS = 1000
MANY = """
kind: Gateway
node: fanout
limits: {connectionsPerAddress: 2000}
"""
DATA = re.compile(rb"\ndata: (\d+):(\d+) *\n")


class Stream:
    """One subscriber on asyncio: counts what it gets per partition and checks the order."""

    def __init__(self, gateway, name, last_id=None):
        self.gateway, self.name, self.last_id = gateway, name, last_id
        self.next = {}
        self.count = 0
        self.problem = None
        self.rest = b""  # of an event that has not come whole
        self.reader = self.writer = None

    async def open(self):
        self.reader, self.writer = await asyncio.open_connection(
            self.gateway.host, self.gateway.port, limit=1 << 18)
        resume = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        self.writer.write((f"GET /{self.name} HTTP/1.1\r\nHost: h\r\n"
                           f"Accept: text/event-stream\r\n{resume}\r\n").encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)
        status = int(head.split()[1])
        if status != 200:
            raise AssertionError(f"status {status}")
        # The retry frame tells that the stream has begun.
        await asyncio.wait_for(self.reader.readuntil(b"\n\n"), 60)

    async def take(self, count):
        """Until `count` messages have come; data is `partition:sequence`. Millions come: events are
        looked at in the pieces in which the socket gives them."""
        while self.count < count and self.problem is None:
            piece = await asyncio.wait_for(self.reader.read(1 << 16), 60)
            if not piece:
                raise AssertionError(f"the stream ended after {self.count} of {count}")
            whole, end, self.rest = (self.rest + piece).rpartition(b"\n\n")
            for partition, sequence in DATA.findall(b"\n" + whole + end):
                self.seen(int(partition), int(sequence))

    def seen(self, partition, sequence):
        expected = self.next.get(partition)
        if expected is not None and sequence != expected:
            self.problem = f"partition {partition}: {sequence} after {expected - 1}"
        self.next[partition] = sequence + 1
        self.count += 1

    def close(self):
        if self.writer is not None:
            self.writer.close()


async def open_all(streams):
    for start in range(0, len(streams), 100):
        await asyncio.gather(*(stream.open() for stream in streams[start:start + 100]))


def fill(topic, partitions, first, count):
    for partition in range(partitions):
        harness.produce(topic, [f"{partition}:{i}" for i in range(first, first + count)],
                        partition=partition)


class FanoutTest(unittest.TestCase):
    def run_all(self, gateway, name, streams, produce, per_stream):
        async def run():
            try:
                await open_all(streams)
                await asyncio.get_running_loop().run_in_executor(None, produce)
                await asyncio.gather(*(stream.take(per_stream) for stream in streams))
                readers = gateway.metric("tidegate_readers")
                return readers
            finally:
                for stream in streams:
                    stream.close()
        readers = asyncio.run(run())
        problems = [stream.problem for stream in streams if stream.problem]
        self.assertEqual(problems, [])
        return readers

    def test_one_reader_serves_a_thousand_at_none_and_at_least_once(self):
        for qos in ("none", "at-least-once"):
            with self.subTest(qos=qos), harness.Gateway() as gateway:
                topic = harness.create_topic(3)
                name = harness.unique("f")
                gateway.apply(api(name, topic, qos=qos, reset="latest"))
                streams = [Stream(gateway, name) for _ in range(SUBSCRIBERS)]
                readers = self.run_all(gateway, name, streams,
                                       lambda: fill(topic, 3, 0, 10), 30)
                self.assertEqual(readers, 1)

    def test_all_coming_back_at_once_hold_at_most_nine_readers(self):
        total = 4000  # per partition: ids stand 100 to 10,000 messages behind
        with harness.Gateway() as gateway:
            topic = harness.create_topic(3)
            name = harness.unique("f")
            gateway.apply(api(name, topic))
            fill(topic, 3, 0, total)
            streams = []
            for i in range(SUBSCRIBERS):
                behind = (100 + i * 9900 // (SUBSCRIBERS - 1)) // 3
                offset = total - 1 - behind
                vector = ",".join(f"{p}#{offset}" for p in range(3))
                stream = Stream(gateway, name,
                                base64.b64encode(f"{topic}@{vector}".encode()).decode())
                stream.next = {p: offset + 1 for p in range(3)}
                stream.expected = 3 * behind
                streams.append(stream)

            async def run():
                peak = 0
                done = asyncio.Event()

                async def watch():
                    nonlocal peak
                    loop = asyncio.get_running_loop()
                    while not done.is_set():
                        value = await loop.run_in_executor(
                            None, lambda: gateway.metric("tidegate_readers"))
                        peak = max(peak, value)
                        await asyncio.sleep(0.2)
                watcher = asyncio.ensure_future(watch())
                try:
                    await open_all(streams)
                    await asyncio.gather(*(s.take(s.expected) for s in streams))
                finally:
                    done.set()
                    await watcher
                    for stream in streams:
                        stream.close()
                return peak
            peak = asyncio.run(run())
            self.assertEqual([s.problem for s in streams if s.problem], [])
            self.assertLessEqual(peak, 9)

    def test_subscribers_that_read_nothing_keep_memory_flat(self):
        # tests/run.sh --long: 1 GiB past a thousand.
        long = os.environ.get("TIDEGATE_LONG") == "1"
        silent, messages = (1000, 20_000) if long else (100, 1000)
        for qos in ("none", "at-least-once"):
            with self.subTest(qos=qos), harness.Gateway(config=MANY) as gateway:
                growth = asyncio.run(self.flood_past(gateway, qos, silent, messages))
                self.assertLess(growth, 64 * 1024 * 1024)

    async def flood_past(self, gateway, qos, silent, messages):
        """How much memory grows; a neighbour that reads must get every message meanwhile."""
        size = 53_687  # 20,000 of them are 1 GiB
        # In step with the neighbour: under `none` no more at once than its queue of 256 KiB holds.
        batch = 4 if qos == "none" else 50
        topic = harness.create_topic(1)
        name = harness.unique("f")
        gateway.apply(api(name, topic, qos=qos, reset="latest"))
        streams = [Stream(gateway, name) for _ in range(silent)]
        neighbour = Stream(gateway, name)
        executor = asyncio.get_running_loop().run_in_executor
        try:
            await open_all([neighbour] + streams)
            before = gateway.metric("process_resident_memory_bytes")
            for first in range(0, messages, batch):
                lines = [f"0:{i}".ljust(size) for i in range(first, first + batch)]
                flood = executor(None, harness.produce, topic, lines)
                await neighbour.take(first + batch)
                await flood
            self.assertIsNone(neighbour.problem)
            self.assertEqual(neighbour.count, messages)
            return gateway.metric("process_resident_memory_bytes") - before
        finally:
            for stream in streams + [neighbour]:
                stream.close()


if __name__ == "__main__":
    unittest.main()
