"""Solace over AMQP 1.0: API consumers on one side, the Solace-shaped peer on the other, judged by
Proton's own Python client."""

import os
import re
import subprocess
import unittest

from proton import Message
from proton.utils import BlockingConnection

import amqp10_peer
import harness
import mqtt_peer

EXAMPLES = harness.ROOT / "sidecar" / "examples"
PASSWORD = "right-hunter2"


def example(port):
    """events-solace.yaml as it stands, apart from the broker's port."""
    text = (EXAMPLES / "events-solace.yaml").read_text()
    assert "amqp://127.0.0.1:5672" in text
    return text.replace("127.0.0.1:5672", f"127.0.0.1:{port}")


def api(name, port, entrypoints, solace):
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints: {entrypoints}
endpointGroups:
  - name: default
    endpoints:
      - name: solace
        solace:
          url: amqp://127.0.0.1:{port}
          vpnName: default
          security: {{auth: {{username: gateway, password: {{env: SOLACE_PASSWORD}}}}}}
          {solace}
plans: [{{name: open, keyless: {{}}}}]
"""


class SolaceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.peer = amqp10_peer.Peer("--user", f"gateway:{PASSWORD}", "--queue", "work=jobs/>")
        cls.gateway = harness.Gateway(env={"SOLACE_PASSWORD": PASSWORD}).start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()
        cls.peer.close()

    def client(self):
        connection = BlockingConnection(f"amqp://127.0.0.1:{self.peer.port}", timeout=30,
                                        user="gateway", password=PASSWORD, allowed_mechs="PLAIN")
        self.addCleanup(connection.close)
        return connection

    def apply(self, text, expected=0):
        answer = self.gateway.ctl("apply", "-f", "-", stdin=text, check=False)
        self.assertEqual(answer.returncode, expected, answer.stdout + answer.stderr)
        return answer.stdout + answer.stderr

    def subscribed(self, topic):
        """Waits until a link of the gateway reads `topic`."""
        harness.until(
            lambda: any(entry["subscription"] == topic and entry["links"] > 0
                        for entry in self.peer.ask("endpoints")["endpoints"]),
            f"a reader of {topic}")

    def test_the_example_stands_and_every_field_of_it_acts(self):
        self.apply(example(self.peer.port))
        with self.gateway.sse("/events") as client:
            self.assertEqual(client.status, 200)
            self.subscribed("events/>")
            answer = self.gateway.request("POST", "/events", body=b"one")
            self.assertEqual(answer.status, 202, answer.body)
            self.assertEqual(client.messages(1)[0].data, "one")
        sent = self.peer.received()[-1]
        self.assertEqual(sent["address"], "topic://events/in")
        self.assertEqual(sent["ttl"], 3600.0)
        self.assertEqual(sent["reply_to"], "topic://events/replies")
        self.assertEqual(sent["correlation_id"], sent["id"])
        self.assertTrue(sent["durable"])
        link = self.peer.links(receives=True)[-1]
        self.assertEqual(link["address"], "topic://events/>")
        self.assertEqual(link["hostname"], "default")

    def test_an_independent_client_reads_what_was_posted_and_is_read(self):
        name = harness.unique("s")
        self.apply(api(name, self.peer.port,
                       "[{sse: {metadataAsComment: true, headersAsComment: true}, qos: none}, "
                       "{httpPost: {requestHeadersToMessage: true}}]",
                       f"producer: {{topics: {name}/out}}\n"
                       f"          consumer: {{topics: ['{name}/in/*']}}"))
        connection = self.client()
        receiver = connection.create_receiver(f"topic://{name}/out", credit=5)
        answer = self.gateway.request("POST", f"/{name}", body=b"\x00\xff",
                                      headers={"X-Colour": "blue"})
        self.assertEqual(answer.status, 202, answer.body)
        message = receiver.receive(10)
        receiver.accept()
        self.assertEqual(bytes(message.body), b"\x00\xff")
        colours = [v for k, v in message.properties.items() if k.lower() == "x-colour"]
        self.assertEqual(colours, ["blue"])
        with self.gateway.sse(f"/{name}") as client:
            self.subscribed(f"{name}/in/*")
            sender = connection.create_sender(f"topic://{name}/in/7")
            sender.send(Message(id="m-1", body="hello", properties={"n": 5}, user_id=b"alice",
                                address=f"topic://{name}/in/7"))
            event = client.messages(1)[0]
        self.assertEqual(event.data, "hello")
        comments = "\n".join(event.comments)
        for line in (f"destinationName: {name}/in/7", "senderId: alice", "senderTimestamp: -1",
                     "isCached: false", "isRedelivered: false", "messageId: m-1", "n: 5"):
            self.assertIn(line, comments)

    def test_at_least_once_over_sse_and_websocket_shares_one_durable_endpoint(self):
        name = harness.unique("s")
        self.apply(api(name, self.peer.port, "[{sse: {}, qos: at-least-once}, httpPost]",
                       f"producer: {{topics: {name}/x}}\n"
                       f"          consumer: {{topics: ['{name}/>']}}"))
        with self.gateway.sse(f"/{name}") as client:
            self.subscribed(f"{name}/>")
            self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"a").status, 202)
            self.assertEqual(client.messages(1)[0].data, "a")
        link = self.peer.links(receives=True)[-1]
        self.assertTrue(link["name"].startswith(f"tidegate.{name}.solace."), link)
        self.assertEqual(link["durability"], 1)
        harness.until(lambda: not any(
            entry["name"] == link["name"] and entry["links"] for entry in
            self.peer.ask("endpoints")["endpoints"]), "the reader leaves", 30)
        # What is published while nobody is there waits in the durable endpoint.
        self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"b").status, 202)
        with self.gateway.sse(f"/{name}") as client:
            self.assertEqual(client.messages(1)[0].data, "b")

    def test_a_queue_is_read_by_name(self):
        name = harness.unique("s")
        self.apply(api(name, self.peer.port, "[{httpGet: {messagesLimitDuration: 2s}}]",
                       "consumer: {queue: work}"))
        self.client().create_sender("topic://jobs/1").send(Message(body="job"))

        def items():
            page = self.gateway.get(f"/{name}", Accept="application/json")
            self.assertEqual(page.status, 200, page.body)
            return page.json["items"]
        found = harness.until(items, "the job")
        self.assertEqual([item["content"] for item in found], ["job"])

    def test_a_broker_that_is_away_is_503_and_its_refusals_are_told(self):
        name = harness.unique("s")
        self.apply(api(name, self.peer.port, "[httpPost]", "producer: {topics: reject/x}"))
        self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"x").status, 503)
        self.apply(api(name, self.peer.port, "[httpPost]", f"producer: {{topics: {name}/x}}"))
        self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"x").status, 202)
        self.peer.ask("cut")
        try:
            self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"x").status, 503)
        finally:
            self.peer.ask("restore")
        harness.until(
            lambda: self.gateway.request("POST", f"/{name}", body=b"x").status == 202,
            "publishing again")
        self.assertGreaterEqual(
            self.gateway.metric("tidegate_connector_connects_total", api=name, outcome="reached"),
            2)

    def test_too_large_is_413_before_anything_is_sent(self):
        name = harness.unique("s")
        peer = amqp10_peer.Peer("--max-message-size", "5000")
        self.addCleanup(peer.close)
        text = api(name, peer.port, "[httpPost]", f"producer: {{topics: {name}/x}}")
        self.apply(re.sub(r"\n +security:.*", "", text))  # authentication off
        self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"x" * 100).status, 202)
        self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"x" * 6000).status, 413)
        self.assertEqual(len(peer.received()), 1)

    def test_what_a_transport_cannot_do_is_refused_naming_the_one_that_can(self):
        name = harness.unique("s")
        cases = {
            "retained": (api(name, 1, "[httpPost]", "producer: {topics: a, retained: true}"),
                         "producer.retained: amqp knows no retained messages; an mqtt"),
            "smf": (api(name, 1, "[httpPost]", "producer: {topics: a}").replace(
                "amqp://", "tcp://"), "url: tcp and tcps mean SMF"),
            "wildcard": (api(name, 1, "[httpPost]", "producer: {topics: 'a/>'}"),
                         "producer.topics[0]: wildcards"),
            "sni": (api(name, 1, "[httpPost]",
                        "producer: {topics: a}\n          vpnSelection: sni"),
                    "vpnSelection: sni needs an amqps url"),
        }
        for what, (text, expected) in cases.items():
            with self.subTest(what):
                said = self.apply(text, expected=3)
                self.assertIn(expected, said)
                self.assertNotIn(PASSWORD, said)

    def test_an_mqtt_url_is_served_by_the_mqtt_connector_and_retained_works_there(self):
        name = harness.unique("s")
        host, port = mqtt_peer.address()
        text = api(name, port, "[{sse: {}, qos: none}, httpPost]",
                   f"producer: {{topics: {name}/kept, retained: true, messageExpiry: 1h}}\n"
                   f"          consumer: {{topics: ['{name}/in/*', '{name}/all/>']}}")
        text = text.replace(f"amqp://127.0.0.1:{port}", f"mqtt://{host}:{port}")
        self.apply(re.sub(r"\n +security:.*", "", text))
        self.assertEqual(self.gateway.request("POST", f"/{name}", body=b"kept").status, 202)
        with mqtt_peer.Peer(f"{name}/kept") as late:  # subscribes after the message was published
            message = late.wait(1)[0]
            self.assertTrue(message.retain)
            self.assertEqual(message.payload, b"kept")
            self.assertLessEqual(message.properties.MessageExpiryInterval, 3600)
            with self.gateway.sse(f"/{name}") as client:
                self.assertEqual(client.status, 200)
                late.publish(f"{name}/in/7", b"one")
                late.publish(f"{name}/all/a/b", b"two")
                self.assertEqual({event.data for event in client.messages(2)}, {"one", "two"})

    def test_the_connectivity_test_goes_by_stages_and_no_secret_is_shown(self):
        name = harness.unique("s")
        self.apply(api(name, self.peer.port, "[httpPost]", f"producer: {{topics: {name}/x}}"))
        answer = self.gateway.ctl("test", f"endpoint/{name}/solace")
        for stage in ("dns", "tcp", "auth", "metadata"):
            self.assertIn(stage, answer.stdout)
        other = harness.Gateway(env={"SOLACE_PASSWORD": "wrong-hunter2"})
        with other:
            other.apply(api(name, self.peer.port, "[httpPost]", f"producer: {{topics: {name}/x}}"))
            refused = other.request("POST", f"/{name}", body=b"x")
            self.assertEqual(refused.status, 503)
            said = other.ctl("test", f"endpoint/{name}/solace", check=False)
            self.assertIn("refused the credentials", said.stdout + said.stderr)
            for text in (refused.text, said.stdout, said.stderr, other.log.read_text()):
                self.assertNotIn("wrong-hunter2", text)

    def test_the_example_script_runs(self):
        result = subprocess.run(
            [str(EXAMPLES / "try-solace.sh"), f"127.0.0.1:{self.peer.port}"], text=True,
            capture_output=True, timeout=90,
            env=dict(os.environ, SOLACE_PASSWORD=PASSWORD, TIDEGATE=str(harness.TIDEGATE)))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn('data: {"order": 7}', result.stdout)


if __name__ == "__main__":
    unittest.main()
