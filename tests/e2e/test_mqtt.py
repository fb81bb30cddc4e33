"""MQTT 5 to API consumers and back, on a real Mosquitto, judged by Eclipse Paho."""

import asyncio
import base64
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import websockets

import harness
from mqtt_peer import OwnBroker, Peer, address, directory


def api(name, topic, qos="auto", host=None, port=None, endpoint="", producer="", filters=None,
        consumer=True):
    default_host, default_port = address()
    consumes = f"consumer: {{topics: [{filters or topic}]}}" if consumer else ""
    readers = f"""
  - sse: {{heartbeatInterval: 1s, metadataAsComment: true, headersAsComment: true}}
    qos: {qos}
  - websocket
  - httpGet: {{messagesLimitDuration: 1s, headersInPayload: true, metadataInPayload: true}}
    qos: {'auto' if qos == 'none' else qos}""" if consumer else ""
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:{readers}
  - httpPost: {{requestHeadersToMessage: true}}
endpointGroups:
  - name: default
    endpoints:
      - name: hall
        mqtt5:
          serverHost: {host or default_host}
          serverPort: {port or default_port}
          {endpoint}
          producer: {{topics: {topic}{producer}}}
          {consumes}
plans: [{{name: open, keyless: {{}}}}]
"""


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.secrets = pathlib.Path(tempfile.mkdtemp(prefix="tg-mqtt-"))
        cls.gateway = harness.Gateway(env={"MQTT_PASSWORD": "tide", "MQTT_WRONG": "wr0ng-pass"})
        cls.gateway.start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()
        shutil.rmtree(cls.secrets, ignore_errors=True)

    def deploy(self, **settings):
        name = harness.unique("m")
        topic = settings.pop("topic", f"{name}/t")
        self.gateway.apply(api(name, topic, **settings))
        return name, topic

    @contextlib.contextmanager
    def reader(self, name, got, headers=None):
        """Reads in the background what comes over SSE."""
        with self.gateway.sse(f"/{name}", headers) as client:
            def read():
                with contextlib.suppress(OSError, ValueError, AssertionError):
                    while True:
                        got.extend(event.data for event in client.messages(1))
            thread = threading.Thread(target=read)
            thread.start()
            try:
                yield
            finally:
                client.socket.shutdown(socket.SHUT_RDWR)
                thread.join()

    def post(self, name, body=b"x", **headers):
        return self.gateway.request("POST", f"/{name}", body=body, headers=headers)

    def stages(self, name):
        answer = self.gateway.ctl("test", f"endpoint/{name}/hall", check=False)
        return answer.stdout + answer.stderr


class PublishTest(Base):
    def test_a_post_is_a_qos_1_message_with_its_properties(self):
        name, topic = self.deploy(producer=", messageExpiry: 1h, responseTopic: answers/here")
        with Peer(topic) as peer:
            answer = self.post(name, b'{"a":1}', **{"Content-Type": "application/json",
                                                    "X-Colour": "blue", "X-Request-Id": "r-7"})
            self.assertEqual(answer.status, 202, answer.body)
            message = peer.wait(1)[0]
        self.assertEqual((message.payload, message.qos, message.retain), (b'{"a":1}', 1, False))
        self.assertEqual(message.properties.ContentType, "application/json")
        self.assertEqual(message.properties.PayloadFormatIndicator, 1)
        self.assertLessEqual(message.properties.MessageExpiryInterval, 3600)
        self.assertGreater(message.properties.MessageExpiryInterval, 3500)
        self.assertEqual(message.properties.ResponseTopic, "answers/here")
        self.assertEqual(message.properties.CorrelationData, b"r-7")
        headers = {key.lower(): value for key, value in message.properties.UserProperty}
        self.assertEqual(headers["x-colour"], "blue")

    def test_every_topic_of_a_list_gets_it_and_bytes_stay_bytes(self):
        base = harness.unique("list")
        name, _ = self.deploy(topic=f"[{base}/a, {base}/b]", consumer=False)
        with Peer(f"{base}/+") as peer:
            self.assertEqual(self.post(name, b"\x00\xff").status, 202)
            got = peer.wait(2)
        self.assertEqual({message.topic for message in got}, {f"{base}/a", f"{base}/b"})
        self.assertEqual({message.payload for message in got}, {b"\x00\xff"})

    def test_retained_is_there_for_who_comes_later_and_not_otherwise(self):
        for setting, count in ((", retained: true", 1), ("", 0)):
            name, topic = self.deploy(producer=setting)
            self.assertEqual(self.post(name, b"last").status, 202)
            with Peer(topic) as peer:
                peer.publish(topic, b"mark")
                got = [message.payload for message in peer.wait(count + 1)]
            self.assertEqual(got, [b"last"] * count + [b"mark"])

    def test_nobody_subscribed_is_a_success(self):
        name, _ = self.deploy(consumer=False)
        self.assertEqual(self.post(name).status, 202)

    def test_what_the_acl_denies_is_refused(self):
        host, port = address("_AUTH")
        auth = "security: {auth: {username: limited, password: ebb}}"
        name, _ = self.deploy(host=host, port=port, endpoint=auth, topic="denied/t")
        self.assertEqual(self.post(name).status, 503)
        refused = self.gateway.metric("tidegate_endpoint_errors_total", api=name,
                                      reason="NotAuthorized")
        self.assertEqual(refused, 1)
        name, _ = self.deploy(host=host, port=port, endpoint=auth, topic="allowed/t")
        self.assertEqual(self.post(name).status, 202)


class ConsumeTest(Base):
    def test_sse_metadata_and_headers(self):
        name, topic = self.deploy(filters="in/+/temperature", qos="none")
        with self.gateway.sse(f"/{name}") as client, Peer() as peer:
            peer.publish("in/7/temperature", b"21", UserProperty=[("unit", "C"), ("unit", "K")],
                         ContentType="text/plain", ResponseTopic="back", CorrelationData=b"\x01",
                         MessageExpiryInterval=60, PayloadFormatIndicator=1)
            event = client.messages(1)[0]
        comments = "\n".join(event.comments)
        self.assertEqual(event.data, "21")
        for line in ("in/7/temperature", "contentType", "text/plain", "responseTopic",
                     "correlationData", base64.b64encode(b"\x01").decode(), "payloadFormat",
                     "messageExpiryInterval", "qos", "retain", "subscriptionId"):
            self.assertIn(line, comments)
        self.assertRegex(comments, r"(?s)unit.*C.*unit.*K")

    def test_none_gives_every_consumer_everything(self):
        name, topic = self.deploy(qos="none")
        with self.gateway.sse(f"/{name}") as one, self.gateway.sse(f"/{name}") as two, \
                Peer() as peer:
            for i in range(5):
                peer.publish(topic, str(i), qos=i % 3)
            wanted = [str(i) for i in range(5)]
            self.assertEqual([event.data for event in one.messages(5)], wanted)
            self.assertEqual([event.data for event in two.messages(5)], wanted)

    def test_auto_gives_each_message_to_one(self):
        name, topic = self.deploy(qos="auto")
        headers = {"X-Gravitee-Client-Identifier": "shared"}
        got = []
        with self.reader(name, got, headers), self.reader(name, got, headers), Peer() as peer:
            for i in range(40):
                peer.publish(topic, str(i))
            harness.until(lambda: len(got) >= 40, "every message at one of them")
        self.assertEqual(sorted(got, key=int), [str(i) for i in range(40)])

    def test_at_least_once_and_at_most_once_deliver_in_order(self):
        for qos in ("at-least-once", "at-most-once"):
            name, topic = self.deploy(qos=qos)
            with self.gateway.sse(f"/{name}") as client, Peer() as peer:
                for i in range(200):
                    peer.publish(topic, str(i))
                got = [event.data for event in client.messages(200)]
            self.assertEqual(got, [str(i) for i in range(200)], qos)

    def test_a_changed_endpoint_leaves_no_second_member_behind(self):
        name, topic = self.deploy(qos="at-least-once")
        with self.gateway.sse(f"/{name}") as client:
            self.gateway.apply(api(name, topic, qos="at-least-once", endpoint="sessionExpiry: 2h"))
            self.assertEqual([event.event for event in client.events()][-1], "goaway")
        # The reader of the endpoint as it was waits for its client: a member that nobody reads.
        with self.gateway.sse(f"/{name}") as client, Peer() as peer:
            for i in range(100):
                peer.publish(topic, str(i))
            got = [event.data for event in client.messages(100)]
        self.assertEqual(got, [str(i) for i in range(100)])

    def test_http_get_takes_what_the_session_has_kept(self):
        name, topic = self.deploy(qos="auto")
        self.assertEqual(self.gateway.get(f"/{name}").status, 200)
        with Peer() as peer:
            for text in ("a", "b"):
                peer.publish(topic, text)
        items = []

        def both():  # on a slow machine one page may end before the second
            page = self.gateway.get(f"/{name}", Accept="application/json").json
            items.extend(page["items"])
            return len(items) >= 2
        harness.until(both, "what the session has kept")
        self.assertEqual([item["content"] for item in items], ["a", "b"])
        self.assertEqual(items[0]["metadata"]["topic"], topic)

    def test_websocket_both_ways(self):
        name, topic = self.deploy()

        async def talk():
            url = f"ws://{self.gateway.http}/{name}"
            async with websockets.connect(url) as client:
                await client.send("through the broker")
                return await asyncio.wait_for(client.recv(), harness.DEADLINE)

        with Peer(topic) as peer:
            self.assertEqual(asyncio.run(talk()), "through the broker")
            self.assertEqual(peer.wait(1)[0].payload, b"through the broker")


class EndTest(unittest.TestCase):
    def test_a_gateway_that_has_published_and_read_ends_cleanly(self):
        name = harness.unique("e")
        with harness.Gateway({"a.yaml": api(name, f"{name}/t")}) as gateway:
            with gateway.sse(f"/{name}") as client:
                self.assertEqual(gateway.request("POST", f"/{name}", body=b"x").status, 202)
                self.assertEqual(client.messages(1)[0].data, "x")
                self.assertEqual(gateway.stop(), 0)


class SecurityTest(Base):
    def store(self, name):
        shutil.copy(directory() / name, self.gateway.definitions / name)
        return self.gateway.definitions / name

    def test_password_from_a_reference_and_a_wrong_one(self):
        host, port = address("_AUTH")
        for variable, status in (("MQTT_PASSWORD", 202), ("MQTT_WRONG", 503)):
            auth = f"security: {{auth: {{username: gateway, password: {{env: {variable}}}}}}}"
            name, _ = self.deploy(host=host, port=port, endpoint=auth)
            self.assertEqual(self.post(name).status, status)
            self.assertIn("auth", self.stages(name))
        self.assertNotIn("wr0ng-pass", self.gateway.log_text())

    def test_tls_whom_it_believes(self):
        host, port = address("_TLS")
        for ca, status in (("ca.pem", 202), ("other-ca.pem", 503)):
            tls = f"security: {{tls: {{trustStore: {{pem: {{location: {self.store(ca)}}}}}}}}}"
            name, topic = self.deploy(host=host, port=port, endpoint=tls)
            with Peer(topic) as peer:
                self.assertEqual(self.post(name, b"sealed").status, status)
                if status == 202:
                    self.assertEqual(peer.wait(1)[0].payload, b"sealed")
            stages = self.stages(name)
            self.assertIn("tls", stages)
            if status == 503:
                self.assertIn("trusted", stages)

    def test_tls_with_a_client_certificate(self):
        host, port = address("_MTLS")
        trust = f"trustStore: {{pem: {{location: {self.store('ca.pem')}}}}}"
        chain, key = self.store("client.pem"), self.store("client.key")
        shown = (f"keyStore: {{pem: {{certificateChain: {{file: {chain}}}, "
                 f"key: {{file: {key}}}}}}}")
        name, _ = self.deploy(host=host, port=port,
                              endpoint=f"security: {{tls: {{{trust}, {shown}}}}}")
        self.assertEqual(self.post(name).status, 202)
        name, _ = self.deploy(host=host, port=port, endpoint=f"security: {{tls: {{{trust}}}}}")
        self.assertEqual(self.post(name).status, 503)

    def test_stages_of_a_broker_that_is_well_and_of_one_that_is_not_there(self):
        name, _ = self.deploy()
        stages = self.stages(name)
        for stage in ("dns", "tcp", "auth", "metadata"):
            self.assertIn(stage, stages)
        name, _ = self.deploy(port=1)
        self.assertEqual(self.post(name).status, 503)
        self.assertIn("tcp", self.stages(name))
        answer = self.gateway.get(f"/{name}")
        self.assertEqual(answer.status, 503)


class ExampleTest(unittest.TestCase):
    def test_the_example_runs_as_it_stands(self):
        script = harness.ROOT / "sidecar" / "examples" / "try-mqtt.sh"
        host, port = address("_TLS")
        environment = dict(os.environ, TIDEGATE=str(harness.TIDEGATE), MQTT_PASSWORD="tide")
        result = subprocess.run([str(script), f"{host}:{port}", str(directory() / "ca.pem")],
                                env=environment, text=True, capture_output=True, timeout=90)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("data: 21.5", result.stdout)
        self.assertIn("sensors/commands", result.stdout)


class BrokerGoesTest(Base):
    def setUp(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="tg-mosquitto-"))
        self.broker = OwnBroker(self.place)

    def tearDown(self):
        self.broker.stop("--kill")
        shutil.rmtree(self.place, ignore_errors=True)

    def own(self, **settings):
        return self.deploy(host=self.broker.host, port=self.broker.port, **settings)

    def test_stopped_killed_and_started_again_streams_go_on(self):
        name, topic = self.own(qos="at-least-once", endpoint="reconnectAttempts: 10")
        got = []
        with self.reader(name, got):
            for number, way in enumerate(((), ("--kill",))):
                self.broker.stop(*way)
                self.assertEqual(self.post(name).status, 503)
                self.broker.start()
                body = f"after {number}"

                # Mosquitto forgets a shared subscription when it restarts: what comes before the
                # consumer is back goes to nobody.
                def seen(text=body):
                    self.post(name, text.encode())
                    time.sleep(0.1)
                    return text in got
                harness.until(seen, "the stream goes on")
        reached = self.gateway.metric("tidegate_connector_connects_total", api=name,
                                      outcome="reached")
        self.assertGreaterEqual(reached, 4)

    def test_attempts_used_up_end_the_stream_with_its_error(self):
        name, topic = self.own(qos="none", endpoint="reconnectAttempts: 1")
        with self.gateway.sse(f"/{name}") as client:
            begun = time.monotonic()
            self.broker.stop()
            events = list(client.events())
            took = time.monotonic() - begun
        self.assertLess(took, harness.DEADLINE)
        self.assertTrue(any("connection" in str(event.data) for event in events), events)

    def test_a_session_outlives_the_gateway_unless_it_starts_clean_or_expires_at_once(self):
        for settings, kept in (("cleanStart: false, sessionExpiry: 1h", True),
                               ("cleanStart: true, sessionExpiry: 1h", False),
                               ("cleanStart: false, sessionExpiry: 0s", False)):
            name = harness.unique("s")
            text = api(name, f"{name}/t", qos="at-least-once", host=self.broker.host,
                       port=self.broker.port, endpoint=settings.replace(", ", "\n          "))
            with Peer(host=self.broker.host, port=self.broker.port) as peer:
                with harness.Gateway({"a.yaml": text}) as gateway:
                    with gateway.sse(f"/{name}") as client:
                        peer.publish(f"{name}/t", "seen")
                        self.assertEqual(client.messages(1)[0].data, "seen")
                    self.assertEqual(gateway.stop(), 0)
                peer.publish(f"{name}/t", "while away")
                with harness.Gateway({"a.yaml": text}) as gateway:
                    with gateway.sse(f"/{name}") as client:
                        peer.publish(f"{name}/t", "mark")
                        got = [client.messages(1)[0].data]
                        if got[0] == "while away":
                            got.append(client.messages(1)[0].data)
            self.assertEqual(got, ["while away", "mark"] if kept else ["mark"], settings)


class RefusedTest(Base):
    def test_grammar_is_judged_at_deploy(self):
        for producer, consumer in (("a/+", "a"), ("a", "a#"), ("a", "$share/g/a")):
            text = api(harness.unique("r"), producer, filters=f"'{consumer}'")
            answer = self.gateway.ctl("apply", "-f", "-", stdin=text, check=False)
            self.assertEqual(answer.returncode, 3, answer.stderr)
            self.assertIn("wildcard" if "$" not in consumer else "shared", answer.stderr)

    def test_an_entrypoint_whose_direction_is_off_is_refused(self):
        for direction, entrypoint in (("producer", "httpPost"), ("consumer", "sse")):
            text = api(harness.unique("d"), "a/b")
            self.assertIn(f"{direction}: {{topics:", text)
            text = text.replace(f"{direction}: {{", f"{direction}: {{enabled: false, ")
            answer = self.gateway.ctl("apply", "-f", "-", stdin=text, check=False)
            self.assertEqual(answer.returncode, 3, answer.stderr)
            self.assertRegex(answer.stderr, f"(?i){entrypoint.removeprefix('http')}.*{direction}")


if __name__ == "__main__":
    unittest.main()
