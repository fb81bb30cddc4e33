"""Every entrypoint over a mock endpoint, byte formats as consumers see them."""

import asyncio
import json
import time
import unittest

import websockets
import websockets.exceptions

import harness

CLOCK = """
kind: Api
name: clock
version: "1.0"
type: message
listeners: [{path: /clock}]
entrypoints:
  - sse: {heartbeatInterval: 100ms}
  - websocket
  - httpGet: {messagesLimitCount: 10, messagesLimitDuration: 2s}
  - httpPost
endpointGroups:
  - name: default
    endpoints:
      - name: mock
        mock:
          messageInterval: 20ms
          messageContent: tick
          messageCount: 1000
          headers: [{name: X-Source, value: mock}]
plans: [{name: open, keyless: {}}]
---
kind: Api
name: slow
type: message
listeners: [{path: /slow}]
entrypoints:
  - sse: {heartbeatInterval: 100ms}
  - httpGet: {messagesLimitDuration: 200ms}
endpointGroups: [{name: default, endpoints: [{name: mock, mock: {messageInterval: 1h}}]}]
plans: [{name: open, keyless: {}}]
"""


class MockTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = harness.Gateway({"clock.yaml": CLOCK}).start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()

    def url(self, path):
        return f"ws://{self.gateway.http}{path}"

    def test_get_json_has_items_and_stops_at_the_limit(self):
        answer = self.gateway.get("/clock?limit=3", Accept="application/json")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"].split(";")[0], "application/json")
        self.assertEqual([item["content"] for item in answer.json["items"]], ["tick"] * 3)

    def test_get_without_accept_is_text(self):
        answer = self.gateway.get("/clock?limit=1")
        self.assertEqual(answer.headers["content-type"].split(";")[0], "text/plain")
        self.assertIn("content: tick", answer.text)

    def test_get_xml(self):
        answer = self.gateway.get("/clock?limit=1", Accept="application/xml")
        self.assertIn("<content><![CDATA[tick]]></content>", answer.text)

    def test_get_time_box_ends_an_empty_page(self):
        answer = self.gateway.get("/slow", Accept="application/json")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["items"], [])

    def test_get_refuses_bad_limit_cursor_and_accept(self):
        for path, accept in [("/clock?limit=x", "application/json"),
                             ("/clock?limit=-1", "application/json"),
                             ("/clock", "image/png")]:
            answer = self.gateway.get(path, Accept=accept)
            self.assertEqual(answer.status, 400, path)

    def test_sse_first_frame_is_retry_then_messages_and_heartbeats(self):
        with self.gateway.sse("/clock") as client:
            self.assertEqual(client.status, 200)
            self.assertTrue(client.headers["content-type"].startswith("text/event-stream"))
            self.assertEqual(client.headers["cache-control"], "no-cache")
            events = client.events()
            first = next(events)
            self.assertTrue(1000 <= int(first.retry) <= 30000, first.retry)
            self.assertEqual(next(events).data, "tick")
        with self.gateway.sse("/slow") as client:
            events = client.events()
            next(events)
            self.assertEqual(next(events).comments, [""])

    def test_websocket_delivers_and_publishes(self):
        async def run():
            async with websockets.connect(self.url("/clock")) as socket:
                self.assertEqual(await socket.recv(), "tick")
                await socket.send("from a client")
                self.assertEqual(await socket.recv(), "tick")
        asyncio.run(run())
        stages = json.loads(
            self.gateway.ctl("test", "endpoint/clock/mock", "-o", "json").stdout)
        self.assertIn("published", json.dumps(stages))

    def test_websocket_cross_site_origin_is_refused_before_101(self):
        async def run():
            with self.assertRaises(websockets.exceptions.InvalidStatusCode) as caught:
                await websockets.connect(self.url("/clock"), origin="https://evil.example")
            self.assertEqual(caught.exception.status_code, 403)
        asyncio.run(run())

    def test_post_answers_202_with_an_empty_body(self):
        answer = self.gateway.request("POST", "/clock", body=b"hello")
        self.assertEqual((answer.status, answer.body), (202, b""))

    def test_unknown_path_and_unmatched_method(self):
        answer = self.gateway.get("/nowhere")
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.text, "No context-path matches the request URI.")
        answer = self.gateway.request("DELETE", "/clock", headers={"Accept": "application/json"})
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.json["message"], "No entrypoint matches the incoming request")
        self.assertEqual(answer.json["http_status_code"], 404)

    def test_segment_boundary(self):
        self.assertEqual(self.gateway.get("/clockwork").status, 404)
        self.assertEqual(self.gateway.get("/clock/deeper?limit=1").status, 200)

    def test_body_too_large_is_413(self):
        answer = self.gateway.request("POST", "/clock", body=b"x" * (1024 * 1024 + 1))
        self.assertEqual(answer.status, 413)

    def test_stream_that_reaches_its_end_completes(self):
        self.gateway.apply("""
kind: Api
name: three
type: message
listeners: [{path: /three}]
entrypoints: [sse, httpGet]
endpointGroups:
  - {name: default, endpoints: [{name: m, mock: {messageInterval: 1ms, messageCount: 3}}]}
plans: [{name: open, keyless: {}}]
""")
        started = time.monotonic()
        with self.gateway.sse("/three") as client:
            data = [event.data for event in client.events() if event.event == "message"
                    and event.data]
        self.assertEqual(data, ["mock message"] * 3)
        answer = self.gateway.get("/three", Accept="application/json")
        self.assertEqual(len(answer.json["items"]), 3)
        self.assertLess(time.monotonic() - started, harness.DEADLINE)


if __name__ == "__main__":
    unittest.main()
