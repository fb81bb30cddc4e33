"""Settings of a Kafka producer, as they act on a real broker: compression, acks and linger.

The judge is what the broker has written down: the record batches in its log segments.
"""

import concurrent.futures
import os
import pathlib
import struct
import time
import unittest

import harness

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")  # by their number in a batch's attributes
NO_PRODUCER = -1  # the producer id of a batch that is not idempotent
BODY = b"a" * 4096  # smaller with each of the codecs


def broker_dir():
    directory = os.environ.get("TIDEGATE_TEST_KAFKA_DIR")
    if not directory:
        raise AssertionError("TIDEGATE_TEST_KAFKA_DIR is not set: start with tests/run.sh")
    return pathlib.Path(directory)


class Batch:
    """The head of a record batch, format 2."""

    HEAD = struct.Struct(">qiibIhiqqqhii")

    def __init__(self, data):
        (self.offset, length, _, self.magic, _, attributes, _, _, _, self.producer_id, _, _,
         self.records) = self.HEAD.unpack_from(data)
        self.size = struct.calcsize(">qi") + length  # from the base offset to the last record
        self.codec = CODECS[attributes & 7]


def batches(topic):
    """What the log of the topic's only partition holds; a batch that is half written does not."""
    data = (broker_dir() / "data" / f"{topic}-0" / f"{0:020}.log").read_bytes()
    found = []
    while len(data) >= Batch.HEAD.size:
        batch = Batch(data)
        if batch.size > len(data):
            break
        found.append(batch)
        data = data[batch.size:]
    return found


class KafkaProducerTest(harness.OneGateway, unittest.TestCase):
    def deploy(self, settings=""):
        topic = harness.create_topic()
        name = harness.unique("k")
        self.gateway.apply(f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints: [httpPost]
endpointGroups:
  - name: default
    endpoints:
      - name: main
        kafka:
          bootstrapServers: [{harness.kafka()}]
          producer: {{topics: [{topic}]{settings}}}
plans: [{{name: open, keyless: {{}}}}]
""")
        return name, topic

    def publish(self, name):
        answer = self.gateway.request("POST", f"/{name}", body=BODY)
        self.assertEqual(answer.status, 202, answer.body)

    def only_batch(self, settings=""):
        """The batch of one POST to an endpoint with these settings."""
        name, topic = self.deploy(settings)
        self.publish(name)
        batch, = harness.until(lambda: batches(topic), "a batch in the log")
        self.assertEqual((batch.offset, batch.magic, batch.records), (0, 2, 1))
        self.assertEqual(harness.consume(topic, 1)[0]["payload"], BODY.decode())
        return batch

    def test_compression_is_none_unless_said(self):
        for settings in ("", ", compression: none"):
            with self.subTest(settings=settings):
                batch = self.only_batch(settings)
                self.assertEqual(batch.codec, "none")
                self.assertGreater(batch.size, len(BODY))

    def test_compression(self):
        for codec in CODECS[1:]:
            with self.subTest(codec=codec):
                batch = self.only_batch(f", compression: {codec}")
                self.assertEqual(batch.codec, codec)
                self.assertLess(batch.size, len(BODY) // 4)

    def test_acks_of_all_are_the_default_and_idempotent(self):
        for settings in ("", ", acks: all"):
            with self.subTest(settings=settings):
                self.assertGreater(self.only_batch(settings).producer_id, NO_PRODUCER)

    def test_acks_of_the_leader_are_not_idempotent(self):
        self.assertEqual(self.only_batch(", acks: leader").producer_id, NO_PRODUCER)

    def test_linger_puts_what_comes_together_into_one_batch(self):
        name, topic = self.deploy(", linger: 1s")
        self.publish(name)  # from now on there is a producer, and no other cause to wait
        posts = 5

        def one_batch():  # not if the machine stands still between the posts
            before = len(batches(topic))
            with concurrent.futures.ThreadPoolExecutor(posts) as pool:
                begun = time.monotonic()
                list(pool.map(self.publish, [name] * posts))
                took = time.monotonic() - begun
            self.assertGreater(took, 0.9, "the first one has not waited for the others")
            new = harness.until(lambda: batches(topic)[before:], "batches of the posts")
            return [batch.records for batch in new] == [posts]
        harness.until(one_batch, f"{posts} records in a batch")

    def test_without_linger_nothing_waits(self):
        for settings in ("", ", linger: 0s"):
            with self.subTest(settings=settings):
                name, _ = self.deploy(settings)
                self.publish(name)

                def at_once():  # not if the machine stands still
                    begun = time.monotonic()
                    self.publish(name)
                    return time.monotonic() - begun < 0.5
                harness.until(at_once, "an answer before a long linger would be over")


if __name__ == "__main__":
    unittest.main()
