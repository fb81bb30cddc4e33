"""Limits of the bootstrap, each seen acting on the running process."""

import asyncio
import contextlib
import http.client
import json
import socket
import time
import unittest

import websockets
import websockets.exceptions

import harness
from test_mock import CLOCK
from test_security import API, KEY


def bootstrap(**limits):
    lines = [f"  {name}: {value}" for name, value in limits.items()]
    return "\n".join(["kind: Gateway", "limits:", *lines, ""])


class AgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ids = CLOCK.replace("- sse: {heartbeatInterval: 100ms}",
                            "- {sse: {heartbeatInterval: 100ms}, qos: at-least-once}", 1)
        cls.gateway = harness.Gateway({"clock.yaml": ids},
                                      config=bootstrap(connectionAge="1s")).start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()

    def test_a_kept_connection_is_told_to_close(self):
        connection = http.client.HTTPConnection(self.gateway.host, self.gateway.port,
                                                timeout=harness.DEADLINE)
        with contextlib.closing(connection):
            served = 0

            def last():
                nonlocal served
                connection.request("POST", "/clock", body="x")
                answer = connection.getresponse()
                answer.read()
                self.assertEqual(answer.status, 202)
                served += 1
                return answer.getheader("connection") == "close"

            begin = time.monotonic()
            harness.until(last, "an answer that closes")
            self.assertGreater(served, 1)
            self.assertGreater(time.monotonic() - begin, 0.8)
        harness.until(lambda: self.gateway.metric("tidegate_http_connections_closed_total",
                                                  reason="age") >= 1, "it is counted")

    def test_a_stream_gets_goaway_behind_its_last_id(self):
        with self.gateway.sse("/clock") as client:
            events = [event for event in client.events() if event.data]
        self.assertEqual(events[-1].event, "goaway")
        self.assertEqual(events[-1].data, "Stopping, please reconnect")
        self.assertTrue(all(event.event == "message" for event in events[:-1]))
        self.assertGreater(len(events), 10)
        self.assertIsNotNone(events[-2].id)

    def test_a_websocket_is_closed_with_1013(self):
        async def run():
            async with websockets.connect(f"ws://{self.gateway.http}/clock") as client:
                while True:
                    await asyncio.wait_for(client.recv(), harness.DEADLINE)

        with self.assertRaises(websockets.exceptions.ConnectionClosed) as closed:
            asyncio.run(run())
        self.assertEqual(closed.exception.code, 1013)


class StreamsTest(unittest.TestCase):
    def test_a_subscription_has_its_number_of_streams(self):
        headers = {"X-Gravitee-Api-Key": KEY}
        with harness.Gateway({"vault.yaml": API}, env={"SHOP_KEY": KEY},
                             config=bootstrap(streamsPerSubscription=2)) as gateway:
            with contextlib.ExitStack() as stack:
                first = stack.enter_context(gateway.sse("/vault", headers))
                second = stack.enter_context(gateway.sse("/vault", headers))
                first.messages(1)
                second.messages(1)
                with gateway.sse("/vault", headers) as third:
                    self.assertEqual(third.status, 429)
                    self.assertIn(b"Too many streams", third.body)
                    self.assertIn("retry-after", third.headers)
                self.assertEqual(gateway.metric("tidegate_shed_total", reason="streams"), 1)
                page = gateway.request("GET", "/vault?limit=1", headers=headers)
                self.assertEqual(page.status, 200, "a page is no stream")
                first.close()

                def again():
                    with gateway.sse("/vault", headers) as client:
                        return client.status == 200

                harness.until(again, "the place of the first is free")


class BufferTest(unittest.TestCase):
    """A client that reads nothing: what waits for it in the process stays below the limit."""

    FLOOD = CLOCK.replace("messageInterval: 20ms", "messageInterval: 1ms").replace(
        "messageContent: tick", "messageContent: " + "x" * 8000).replace(
        "messageCount: 1000", "messageCount: 1000000")

    def waiting(self, limit):
        with harness.Gateway({"clock.yaml": self.FLOOD},
                             config=bootstrap(consumerBufferBytes=limit)) as gateway:
            with socket.socket() as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.connect((gateway.host, gateway.port))
                deaf.sendall(b"GET /clock HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n")
                harness.until(lambda: gateway.metric("tidegate_backpressure_paused",
                                                     api="clock") == 1, "the consumer is full")
                connections = json.loads(gateway.ctl("connections", "-o", "json").stdout)
                self.assertIn("pendingBytes", json.dumps(connections))
                with gateway.sse("/clock") as other:
                    other.messages(50)
                return gateway.metric("tidegate_consumer_buffer_bytes", api="clock")

    def test_what_waits_is_bounded_by_the_setting(self):
        small = self.waiting("16KiB")
        self.assertGreater(small, 0)
        self.assertLessEqual(small, 16 * 1024 + 2 * 8200)  # the other client may have a frame
        large = self.waiting("128KiB")
        self.assertGreater(large, 32 * 1024)
        self.assertLessEqual(large, 128 * 1024 + 2 * 8200)


class RefusedTest(unittest.TestCase):
    def test_what_is_out_of_range_is_named(self):
        for setting, value in (("connectionAge", "10ms"), ("consumerBufferBytes", "1KiB"),
                               ("streamsPerSubscription", "0"), ("connectionAge", "5")):
            gateway = harness.Gateway(config=bootstrap(**{setting: value}))
            gateway.spawn()
            self.addCleanup(gateway.__exit__)
            self.assertEqual(gateway.process.wait(harness.DEADLINE), 3, setting)
            self.assertRegex(gateway.log_text(), rf"tidegate\.yaml:3:\d+: .*{setting}")


if __name__ == "__main__":
    unittest.main()
