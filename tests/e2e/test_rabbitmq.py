"""RabbitMQ to API consumers and back, on a real broker, judged by pika."""

import asyncio
import contextlib
import os
import subprocess
import threading
import time
import unittest

import pika
import websockets

import harness


def broker():
    """HOST, PORT of the real broker; a test that needs it fails without it, it is never skipped."""
    address = os.environ.get("TIDEGATE_TEST_RABBITMQ")
    if not address:
        raise AssertionError("TIDEGATE_TEST_RABBITMQ is not set: start the tests with tests/run.sh")
    host, port = address.rsplit(":", 1)
    return host, int(port)


def ctl(*arguments):
    script = harness.ROOT / "tests" / "support" / "rabbitmq" / "ctl.sh"
    return subprocess.run([str(script), os.environ["TIDEGATE_TEST_RABBITMQ_DIR"], *arguments],
                          capture_output=True, text=True, timeout=60, check=True).stdout


def api(name, exchange, qos="auto", password="guest", extra=""):
    host, port = broker()
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:
  - sse: {{heartbeatInterval: 1s, metadataAsComment: true, headersAsComment: true}}
    qos: {qos}
  - websocket
  - httpGet: {{messagesLimitDuration: 1s, headersInPayload: true, metadataInPayload: true}}
    qos: {'auto' if qos == 'none' else qos}
  - httpPost: {{requestHeadersToMessage: true}}
endpointGroups:
  - name: default
    endpoints:
      - name: main
        rabbitmq:
          serverHost: {host}
          serverPort: {port}
          security: {{auth: {{username: guest, password: {password}}}}}
          producer:
            exchange: {{name: {exchange}, type: topic, durable: true}}
            routingKey: jobs.new
            {extra}
          consumer:
            exchange: {{name: {exchange}, type: topic, durable: true}}
            routingKey: "jobs.#"
            queue: {{expires: 120s}}
plans: [{{name: open, keyless: {{}}}}]
"""


class Pika:
    """An independent peer: a queue of its own on the exchange, and a publisher."""

    def __init__(self, exchange, binding="jobs.#"):
        host, port = broker()
        credentials = pika.PlainCredentials("guest", "guest")
        self.connection = pika.BlockingConnection(
            pika.ConnectionParameters(host, port, "/", credentials))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.exchange = exchange
        self.channel.exchange_declare(exchange, "topic", durable=True)
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, exchange, binding)

    def publish(self, body, key="jobs.new", **properties):
        self.channel.basic_publish(self.exchange, key, body,
                                   pika.BasicProperties(**properties), mandatory=True)

    def take(self, count):
        found = []

        def more():
            method, properties, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is not None:
                found.append((method, properties, body))
            return len(found) == count

        harness.until(more, f"{count} messages at pika, {len(found)} came")
        return found

    def close(self):
        self.connection.close()


class RabbitmqTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = harness.Gateway(workers=2).start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()

    def deploy(self, **settings):
        name = harness.unique("r")
        exchange = harness.unique("x")
        self.gateway.apply(api(name, exchange, **settings))
        peer = Pika(exchange)
        self.addCleanup(peer.close)
        return name, peer

    def queue_of(self, name, consumers=1):
        """Waits until the client identifier's queue has so many consumers."""
        def there():
            for line in ctl("list_queues", "name", "consumers").splitlines():
                queue, _, count = line.partition("\t")
                if queue.startswith(f"tidegate.{name}.main.") and count == str(consumers):
                    return queue
            return None
        return harness.until(there, f"a queue of {name} with {consumers} consumers")

    def test_post_is_with_the_broker_when_202_arrives(self):
        name, peer = self.deploy()
        for body in (b"one", b"", b"\x00\xff"):
            answer = self.gateway.request(
                "POST", f"/{name}", body=body,
                headers={"Content-Type": "text/x-job", "X-Colour": "blue", "Correlation-Id": "c1"})
            self.assertEqual(answer.status, 202, answer.body)
        taken = peer.take(3)
        self.assertEqual([body for _, _, body in taken], [b"one", b"", b"\x00\xff"])
        method, properties, _ = taken[0]
        self.assertEqual(method.routing_key, "jobs.new")
        self.assertEqual(properties.content_type, "text/x-job")
        self.assertEqual(properties.correlation_id, "c1")
        self.assertEqual(properties.delivery_mode, 2)
        headers = {key.lower(): value for key, value in properties.headers.items()}
        self.assertEqual(headers["x-colour"], "blue")
        self.assertEqual(len({properties.message_id for _, properties, _ in taken}), 3)

    def test_sse_has_what_pika_published_at_each_quality(self):
        for qos in ("none", "auto", "at-most-once", "at-least-once"):
            with self.subTest(qos=qos):
                name, peer = self.deploy(qos=qos)
                with self.gateway.sse(f"/{name}") as client:
                    self.assertEqual(client.status, 200)
                    for body in ("a", "b", "c"):
                        peer.publish(body, content_type="text/plain", headers={"n": 7, "ok": True})
                    events = client.messages(3)
                self.assertEqual([event.data for event in events], ["a", "b", "c"])
                self.assertEqual({event.id for event in events}, {None})
                comments = "\n".join(events[0].comments)
                self.assertIn("routingKey", comments)
                self.assertIn("jobs.new", comments)
                self.assertIn("text/plain", comments)

    def test_get_goes_on_where_the_queue_stands(self):
        for qos in ("auto", "at-most-once", "at-least-once"):
            with self.subTest(qos=qos):
                name, peer = self.deploy(qos=qos)
                first = self.gateway.get(f"/{name}", Accept="application/json")
                self.assertEqual((first.status, first.json["items"]), (200, []))
                for i in range(6):
                    peer.publish(f"m{i}", headers={"n": i})
                seen = []
                for _ in range(10):
                    page = self.gateway.get(f"/{name}?limit=2", Accept="application/json")
                    self.assertEqual(page.status, 200, page.body)
                    self.assertLessEqual(len(page.json["items"]), 2)
                    seen += page.json["items"]
                    if len(seen) >= 6:
                        break
                self.assertEqual([item["content"] for item in seen], [f"m{i}" for i in range(6)])
                self.assertEqual(seen[3]["metadata"]["routingKey"], "jobs.new")

    def test_websocket_both_ways(self):
        name, peer = self.deploy()

        async def talk():
            async with websockets.connect(f"ws://{self.gateway.http}/{name}") as socket:
                await socket.send("from the socket")
                own = await asyncio.wait_for(socket.recv(), harness.DEADLINE)
                await asyncio.to_thread(peer.publish, "from pika")
                other = await asyncio.wait_for(socket.recv(), harness.DEADLINE)
                return own, other

        async def prepared():
            # The first connection makes the queue.
            async with websockets.connect(f"ws://{self.gateway.http}/{name}"):
                await asyncio.to_thread(self.queue_of, name)
            return await talk()

        own, other = asyncio.run(prepared())
        self.assertEqual((own, other), ("from the socket", "from pika"))
        self.assertEqual([body for _, _, body in peer.take(2)],
                         [b"from the socket", b"from pika"])

    def test_two_clients_share_one_identifier_and_each_message_once(self):
        name, peer = self.deploy(qos="at-least-once")
        same = {"X-Gravitee-Client-Identifier": "team"}
        seen = []

        def read(client):
            with contextlib.suppress(OSError, ValueError):
                for event in client.events():
                    if event.data and event.event == "message":
                        seen.append(event.data)

        with self.gateway.sse(f"/{name}", same) as one, self.gateway.sse(f"/{name}", same) as two:
            readers = [threading.Thread(target=read, args=(client,)) for client in (one, two)]
            for reader in readers:
                reader.start()
            for i in range(40):
                peer.publish(f"m{i}")
            harness.until(lambda: len(seen) >= 40, "40 messages between two clients")
            peer.publish("end")
            harness.until(lambda: "end" in seen, "the last message")
            self.gateway.ctl("undeploy", f"api/{name}")  # ends both streams
            for reader in readers:
                reader.join(harness.DEADLINE)
        self.assertEqual(sorted(seen), sorted([f"m{i}" for i in range(40)] + ["end"]))

    def test_nobody_listens_is_503_unroutable(self):
        name = harness.unique("r")
        self.gateway.apply(api(name, harness.unique("x")))
        answer = self.gateway.request("POST", f"/{name}", body=b"x",
                                      headers={"Accept": "application/json"})
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.json["key"], "UNROUTABLE")
        self.assertEqual(answer.json["outcome"], "no")

    def test_a_wrong_password_is_said_by_test_and_by_503(self):
        name = harness.unique("r")
        self.gateway.apply(api(name, harness.unique("x"), password="hunter2-wrong"))
        answer = self.gateway.request("POST", f"/{name}", body=b"x",
                                      headers={"Accept": "application/json"})
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.json["key"], "FAILURE_ENDPOINT_CONFIGURATION_INVALID")
        result = self.gateway.ctl("test", f"endpoint/{name}/main", check=False)
        self.assertNotEqual(result.returncode, 0)
        text = result.stdout + result.stderr
        self.assertIn("auth", text)
        self.assertIn("ACCESS_REFUSED", text)
        self.assertNotIn("hunter2", text + self.gateway.log_text())

    def test_test_endpoint_goes_through_all_stages(self):
        name, _ = self.deploy()
        result = self.gateway.ctl("test", f"endpoint/{name}/main")
        for stage in ("dns", "tcp", "auth", "metadata"):
            self.assertIn(stage, result.stdout)

    def test_an_alarm_is_503_within_seconds_and_passes(self):
        name, peer = self.deploy()
        ctl("set_vm_memory_high_watermark", "0")
        try:
            def refused():
                begun = time.monotonic()
                answer = self.gateway.request("POST", f"/{name}", body=b"x",
                                              headers={"Accept": "application/json"})
                self.assertLess(time.monotonic() - begun, 25)  # a publish may take 30 s
                self.assertEqual(answer.json["key"], "ENDPOINT_OVERLOADED")
                return answer.status == 503

            # What is in flight when the broker says so is unknown (502); then it is known.
            harness.until(refused, "503 while the alarm lasts")
        finally:
            ctl("set_vm_memory_high_watermark", "absolute", "1GB")
        harness.until(lambda: self.gateway.request("POST", f"/{name}", body=b"y").status == 202,
                      "202 after the alarm")
        # What the alarm caught on its way comes before it.
        harness.until(lambda: peer.take(1)[0][2] == b"y", "the message after the alarm")

    def test_sigterm_loses_no_message_that_was_not_acknowledged(self):
        exchange = harness.unique("x")
        name = harness.unique("r")
        peer = Pika(exchange)
        self.addCleanup(peer.close)
        seen = []
        sent = 0
        for _ in range(3):
            with harness.Gateway({"api.yaml": api(name, exchange, qos="at-least-once")}) as gateway:
                with gateway.sse(f"/{name}", {"X-Gravitee-Client-Identifier": "me"}) as client:
                    for _ in range(50):
                        peer.publish(f"m{sent}")
                        sent += 1
                    seen += [event.data for event in client.messages(20)]
                    gateway.process.terminate()
                    for event in client.events():
                        if event.data and event.event == "message":
                            seen.append(event.data)
                self.assertEqual(gateway.process.wait(harness.DEADLINE), 0)
        with harness.Gateway({"api.yaml": api(name, exchange, qos="at-least-once")}) as gateway:
            with gateway.sse(f"/{name}", {"X-Gravitee-Client-Identifier": "me"}) as client:
                peer.publish("last")
                for event in client.events():
                    if event.data:
                        seen.append(event.data)
                    if event.data == "last":
                        break
        missing = {f"m{i}" for i in range(sent)} - set(seen)
        self.assertEqual(missing, set())

    def test_the_example_runs(self):
        host, port = broker()
        script = harness.ROOT / "sidecar" / "examples" / "try-rabbitmq.sh"
        result = subprocess.run([str(script), f"{host}:{port}"], capture_output=True, text=True,
                                timeout=60, env=dict(os.environ, TIDEGATE=str(harness.TIDEGATE)))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn('data:', result.stdout)
        self.assertIn("write tests", result.stdout)


if __name__ == "__main__":
    unittest.main()
