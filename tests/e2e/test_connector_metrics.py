"""What every kind of connector counts, on its real broker; promtool has nothing against it."""

import subprocess
import unittest

import harness
import test_kill_loops


class ConnectorMetricsTest(harness.OneGateway, unittest.TestCase):
    def value(self, name, **labels):
        return self.gateway.metric("tidegate_endpoint_" + name, **labels)

    def count(self, make, group):
        broker = make()
        self.addCleanup(broker.close)
        self.gateway.apply(broker.api())
        api = broker.name
        with self.gateway.sse(f"/{api}", {}) as client:
            self.assertEqual(client.status, 200)
            for i in range(3):
                answer = self.gateway.request("POST", f"/{api}", body=f"m{i}".encode())
                self.assertEqual(answer.status, 202, answer.body)
            client.messages(3)
            harness.until(lambda: self.value("inflight", api=api) == 0, "all is settled")
            self.assertEqual(self.value("messages_total", api=api, direction="publish",
                                        outcome="ok"), 3)
            self.assertEqual(self.value("messages_total", api=api, direction="publish"), 3)
            self.assertEqual(self.value("messages_total", api=api, direction="receive"), 3)
            settled = 3 if group else 0  # a log's readers keep their own positions
            self.assertEqual(self.value("settled_total", api=api, outcome="ack"), settled)
            self.assertEqual(self.value("ack_seconds_count", api=api), settled)
            self.assertEqual(self.value("settled_total", api=api, outcome="nack"), 0)
            self.assertEqual(self.value("redelivered_total", api=api), 0)
            self.assertEqual(self.value("dropped_total", api=api), 0)
            self.assertEqual(self.value("state", api=api, state="ready"), 1)
            self.assertEqual(self.value("state", api=api), 1)
            self.assertEqual(self.value("connect_failures_total", api=api), 0)
        page = self.gateway.operations_get("/metrics").text
        judged = subprocess.run(["promtool", "check", "metrics"], input=page, text=True,
                                capture_output=True, timeout=60)
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_kafka(self):
        self.count(test_kill_loops.Kafka, group=False)

    def test_mqtt5(self):
        self.count(test_kill_loops.Mqtt5, group=True)

    def test_rabbitmq(self):
        self.count(test_kill_loops.Rabbitmq, group=True)

    def test_solace(self):
        self.count(test_kill_loops.Solace, group=True)


if __name__ == "__main__":
    unittest.main()
