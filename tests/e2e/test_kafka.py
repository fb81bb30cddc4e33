"""Kafka to API consumers and back, on a real broker, judged by independent clients."""

import asyncio
import base64
import itertools
import json
import threading
import unittest

import websockets
import websockets.exceptions

import harness


def api(name, topic, qos="at-least-once", reset="earliest", extra=""):
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:
  - sse: {{heartbeatInterval: 1s, metadataAsComment: true, headersAsComment: true}}
    qos: {qos}
  - websocket
  - httpGet: {{messagesLimitDuration: 2s, headersInPayload: true, metadataInPayload: true}}
    qos: {'at-least-once' if qos == 'none' else qos}
  - httpPost: {{requestHeadersToMessage: true}}
endpointGroups:
  - name: default
    endpoints:
      - name: main
        kafka:
          bootstrapServers: [{harness.kafka()}]
          producer: {{topics: [{topic}], keyHeader: X-Order}}
          consumer: {{topics: [{topic}], autoOffsetReset: {reset}{extra}}}
plans: [{{name: open, keyless: {{}}}}]
"""


def position(text):
    return base64.b64decode(text).decode()


class KafkaTest(harness.OneGateway, unittest.TestCase):
    def deploy(self, partitions=1, **settings):
        topic = harness.create_topic(partitions)
        name = harness.unique("k")
        self.gateway.apply(api(name, topic, **settings))
        return name, topic

    def test_post_is_in_the_topic_when_202_arrives(self):
        name, topic = self.deploy()
        for body in (b"one", b"two", b""):
            answer = self.gateway.request("POST", f"/{name}", body=body,
                                          headers={"X-Colour": "blue", "X-Order": "o-7"})
            self.assertEqual(answer.status, 202, answer.body)
        records = harness.consume(topic, 3)
        self.assertEqual([record["payload"] for record in records], ["one", "two", ""])
        self.assertEqual(records[0]["key"], "o-7")
        headers = records[0]["headers"]
        pairs = {headers[i].lower(): headers[i + 1] for i in range(0, len(headers), 2)}
        self.assertEqual(pairs["x-colour"], "blue")

    def test_sse_delivers_what_kcat_produced_with_metadata_and_ids(self):
        name, topic = self.deploy()
        harness.produce(topic, ["a", "b", "c"], key="k1")
        with self.gateway.sse(f"/{name}") as client:
            events = client.messages(3)
        self.assertEqual([event.data for event in events], ["a", "b", "c"])
        self.assertEqual([position(event.id) for event in events],
                         [f"{topic}@0#{i}" for i in range(3)])
        comments = "\n".join(events[0].comments)
        for part in (f"topic: {topic}", "partition: 0", "offset: 0", "key: k1"):
            self.assertIn(part, comments)

    def test_sse_resumes_exactly_after_the_last_id(self):
        name, topic = self.deploy(partitions=3)
        for partition in range(3):
            harness.produce(topic, [f"p{partition}-{i}" for i in range(20)], partition=partition)
        with self.gateway.sse(f"/{name}") as client:
            first = client.messages(25)
        headers = {"Last-Event-ID": first[-1].id}
        with self.gateway.sse(f"/{name}", headers) as client:
            rest = client.messages(35)
        seen = [event.data for event in first + rest]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(sorted(seen), sorted(f"p{p}-{i}" for p in range(3) for i in range(20)))
        for partition in range(3):
            mine = [data for data in seen if data.startswith(f"p{partition}-")]
            self.assertEqual(mine, [f"p{partition}-{i}" for i in range(20)])

    def test_get_pages_by_cursor_without_gap_or_repeat(self):
        name, topic = self.deploy()
        harness.produce(topic, [str(i) for i in range(10)])
        seen, cursor = [], ""

        def page(limit, after):
            query = f"?limit={limit}" + (f"&cursor={after.replace('=', '%3D')}" if after else "")
            answer = self.gateway.get(f"/{name}{query}", Accept="application/json")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertLessEqual(len(answer.json["items"]), limit)
            return answer.json

        def all_seen():  # a slow broker fills no page within its duration
            nonlocal cursor
            found = page(3, cursor)
            seen.extend(item["content"] for item in found["items"])
            cursor = found["pagination"]["nextCursor"]
            return len(seen) >= 10
        harness.until(all_seen, "ten messages in pages of three")
        self.assertEqual(seen, [str(i) for i in range(10)])
        fifth = base64.b64encode(f"{topic}@0#4".encode()).decode()
        item = harness.until(lambda: page(1, fifth)["items"], "the one after the fifth")[0]
        self.assertEqual(item["content"], "5")
        self.assertEqual(item["metadata"]["offset"], 5)

    def test_an_empty_page_still_returns_a_cursor(self):
        name, _ = self.deploy(reset="latest")
        answer = self.gateway.get(f"/{name}?limit=1", Accept="application/json")
        self.assertEqual(answer.json["items"], [])
        self.assertIn("@0#", position(answer.json["pagination"]["nextCursor"]))

    def test_malformed_cursor_is_400_and_a_gone_position_410(self):
        name, topic = self.deploy()
        harness.produce(topic, ["x"])
        bad = self.gateway.get(f"/{name}?cursor=%21%21", Accept="application/json")
        self.assertEqual(bad.status, 400)
        beyond = base64.b64encode(f"{topic}@0#999".encode()).decode().replace("=", "%3D")
        gone = self.gateway.get(f"/{name}?cursor={beyond}", Accept="application/json")
        self.assertEqual(gone.status, 410, gone.body)

    def test_websocket_both_ways(self):
        name, topic = self.deploy(reset="latest")

        async def run():
            async with websockets.connect(f"ws://{self.gateway.http}/{name}") as socket:
                # qos auto is a group: it has joined when the first message arrives.
                async def send():
                    for i in itertools.count():
                        await socket.send(f"m{i}")
                        await asyncio.sleep(0.05)
                sender = asyncio.ensure_future(send())
                got = await asyncio.wait_for(socket.recv(), harness.DEADLINE)
                sender.cancel()
                self.assertTrue(got.startswith("m"), got)
        asyncio.run(run())
        self.assertEqual(harness.consume(topic, 1)[0]["payload"], "m0")

    def test_multi_line_and_binary_content(self):
        name, topic = self.deploy()
        harness.kcat("-P", "-t", topic, "-D", "|", stdin=b"line one\nline two|\xff\xfe")
        with self.gateway.sse(f"/{name}") as client:
            events = client.messages(2)
        self.assertEqual(events[0].data, "line one\nline two")
        self.assertEqual(base64.b64decode(events[1].data), b"\xff\xfe")
        self.assertIn("content-encoding: base64", "\n".join(events[1].comments))
        # Another client: this one would go on where its stream stood.
        def both():
            items = self.gateway.get(
                f"/{name}?limit=2", Accept="application/json",
                X_Gravitee_Client_Identifier=harness.unique("other")).json["items"]
            return items if len(items) == 2 else None
        self.assertEqual(harness.until(both, "a page of both")[1]["contentEncoding"], "base64")

    def test_a_client_without_an_id_goes_on_where_it_stood(self):
        name, topic = self.deploy()
        harness.produce(topic, ["1", "2", "3"])
        headers = {"X-Gravitee-Client-Identifier": "reader-a"}
        with self.gateway.sse(f"/{name}", headers) as client:
            self.assertEqual([e.data for e in client.messages(3)], ["1", "2", "3"])
        harness.until(lambda: self.gateway.metric("tidegate_connections_active",
                                                  entrypoint="sse") == 0, "stream gone")
        harness.produce(topic, ["4", "5"])

        def next_data():
            with self.gateway.sse(f"/{name}", headers) as client:
                return client.messages(1)[0].data
        # The position is stored at the end of the stream, without anybody waiting for it.
        harness.until(lambda: next_data() == "4", "the second stream goes on after 3")

    def test_a_group_and_a_reader_of_its_own_do_not_move_each_other(self):
        name, topic = self.deploy()
        harness.produce(topic, ["1", "2", "3"])
        headers = {"X-Gravitee-Client-Identifier": "both-ways"}

        async def group(count, meanwhile=None):
            async with websockets.connect(f"ws://{self.gateway.http}/{name}",
                                          extra_headers=headers) as socket:
                got = [await asyncio.wait_for(socket.recv(), harness.DEADLINE)
                       for _ in range(count)]
                if meanwhile:  # the group has a member
                    await asyncio.get_running_loop().run_in_executor(None, meanwhile)
                return got

        def own(count):
            with self.gateway.sse(f"/{name}", headers) as client:
                return [event.data for event in client.messages(count)]

        def read_alone():  # and store where it stood, while the group has a member
            self.assertEqual(own(3), ["1", "2", "3"])
            harness.until(lambda: self.gateway.metric("tidegate_connections_active",
                                                      entrypoint="sse") == 0, "stream gone")
        self.assertEqual(asyncio.run(group(3, read_alone)), ["1", "2", "3"])
        harness.produce(topic, ["4", "5"])
        harness.until(lambda: own(1) == ["4"], "the next stream goes on after 3")
        # What the streams have seen is not what the group has done.
        self.assertEqual(asyncio.run(group(2)), ["4", "5"])
        self.assertNotIn("positions.store_failed", self.gateway.log_text())

    def test_none_starts_at_the_tail(self):
        name, topic = self.deploy(qos="none", reset="latest")
        harness.produce(topic, ["old"])
        with self.gateway.sse(f"/{name}") as client:
            found = []
            reader = threading.Thread(target=lambda: found.extend(client.messages(1)))
            reader.start()
            harness.until(lambda: harness.produce(topic, ["new"]) or found, "a message")
            reader.join()
        self.assertEqual(found[0].data, "new")
        self.assertIsNone(found[0].id)

    def test_unknown_topic_is_503_and_names_no_broker(self):
        name = harness.unique("k")
        self.gateway.apply(
            api(name, harness.unique("missing"), extra=", checkTopicExistence: true"))
        answer = self.gateway.get(f"/{name}", Accept="application/json")
        self.assertEqual(answer.status, 503, answer.body)
        self.assertNotIn(harness.kafka(), answer.text)
        body = json.loads(answer.body)
        self.assertEqual(body["outcome"], "no")


if __name__ == "__main__":
    unittest.main()
