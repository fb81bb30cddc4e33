"""The catalogue of sidecar/README.md against what a running process shows."""

import asyncio
import contextlib
import json
import re
import subprocess
import unittest

import websockets

import harness
from test_mock import CLOCK

CONNECTORS_OWN = ("tidegate_connector_", "tidegate_broker_")
KEY = "demo-key-of-the-playground"


def catalogue():
    """family → (type, labels) of the table in the README."""
    text = (harness.ROOT / "sidecar" / "README.md").read_text()
    found = {}
    for line in text.splitlines():
        row = re.match(r"\| `((?:tidegate|process)_\w+)` \| (\w+) \| ([\w, ]*) ?\|", line)
        if row:
            labels = {label.strip() for label in row.group(3).split(",")} - {""}
            if row.group(1) in found:
                raise AssertionError(f"{row.group(1)} stands twice in the catalogue")
            found[row.group(1)] = (row.group(2), labels)
    return found


def families(text):
    """family → (type, sets of label names seen)."""
    kinds, found = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            kinds[name] = kind
        elif line and not line.startswith("#"):
            name = re.match(r"\w+", line).group(0)
            if name not in kinds:
                name = re.sub(r"_(bucket|sum|count)$", "", name)
            labels = frozenset(re.findall(r'(\w+)="', line)) - {"le"}
            found.setdefault(name, (kinds[name], set()))[1].add(labels)
    return found


class Playground(harness.Gateway):
    """`tidegate dev`: a mock and a Kafka endpoint, without a broker of one's own."""

    def command(self):
        self.write_config()
        return [str(harness.TIDEGATE), "dev", "--config", str(self.dir / "tidegate.yaml"),
                "--ports-file", str(self.dir / "ports.json")]

    def write_config(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem", "-out",
                        "cert.pem", "-days", "2", "-subj", "/CN=localhost"], cwd=self.dir,
                       check=True, capture_output=True)
        (self.dir / "tidegate.yaml").write_text(f"""
kind: Gateway
http:
  - {{name: plain, address: "127.0.0.1:0"}}
  - name: secure
    address: 127.0.0.1:0
    tls: {{certificates: [{{certificateChain: {{file: {self.dir}/cert.pem}},
                            key: {{file: {self.dir}/key.pem}}}}]}}
admin: [unix: {self.socket}]
operations: {{address: "127.0.0.1:0"}}
state: {{sqlite: {{directory: {self.dir}/state}}}}
secrets: {{files: [{self.dir}]}}
accessLog: {{path: {self.dir}/access.log}}
""")

    def start(self):
        self.spawn()
        ports = self.dir / "ports.json"
        harness.until(ports.exists, "tidegate dev ready\n" + self.log_text())
        self.ports = json.loads(ports.read_text())
        self.http = self.ports["http"][0]  # of two listeners
        self.host, port = self.http.rsplit(":", 1)
        self.port = int(port)
        self.operations = self.ports["operations"]
        return self


class MetricsTest(unittest.TestCase):
    def use(self, gateway):
        """A little of everything, so that what is made at first use is there."""
        headers = {"X-Gravitee-Api-Key": KEY}
        self.assertEqual(gateway.request("POST", "/clock", body="x").status, 202)
        self.assertEqual(gateway.request("POST", "/demo", body="x", headers=headers).status, 202)
        self.assertEqual(gateway.get("/clock?limit=1").status, 200)
        self.assertEqual(gateway.get("/nowhere").status, 404)
        with gateway.sse("/demo", headers) as client:
            client.messages(1)

        async def take():
            async with websockets.connect(f"ws://{gateway.http}/clock") as client:
                await asyncio.wait_for(client.recv(), 10)

        asyncio.run(take())
        gateway.ctl("get", "apis")
        gateway.ctl("stop", "api/clock", "--force")
        harness.until(lambda: gateway.metric("tidegate_event_loop_lag_seconds_count") > 0, "a beat")

    @staticmethod
    def full(gateway):
        """A scrape that has what is looked at only from time to time."""
        scrape = gateway.operations_get("/metrics")
        late = ("tidegate_kafka_consumer_lag_messages{",
                "tidegate_kafka_consumer_lag_max_messages{", "tidegate_consumer_buffer_bytes{")
        return scrape if all(name in scrape.text for name in late) else None

    def test_the_catalogue_is_what_is_shown(self):
        described = catalogue()
        self.assertGreater(len(described), 40)
        with Playground() as gateway:
            self.use(gateway)
            with gateway.sse("/demo", {"X-Gravitee-Api-Key": KEY}) as client:
                client.messages(1)
                text = harness.until(lambda: self.full(gateway), "lag and backlogs are looked at")
            check = subprocess.run(["promtool", "check", "metrics"], input=text.body,
                                   capture_output=True)
            self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
            shown = families(text.text)
            own = {name for name in shown if not name.startswith(CONNECTORS_OWN)}
            self.assertEqual(own - described.keys(), set(), "shown, not in the catalogue")
            self.assertEqual(described.keys() - own, set(), "in the catalogue, not shown")
            for name in own:
                kind, labels = shown[name]
                self.assertEqual(kind, described[name][0], name)
                for seen in labels:
                    self.assertEqual(set(seen), described[name][1], name)
            self.assertLess(len(text.text.splitlines()), 4000, "the budget of series")

    def test_build_and_memory(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway, contextlib.ExitStack() as stack:
            version = gateway.operations_get("/version").json
            self.assertEqual(gateway.metric("tidegate_build_info", version=version["version"],
                                            revision=version["revision"]), 1)
            self.assertTrue(version["revision"])
            told = subprocess.run([str(harness.TIDEGATE), "version"], capture_output=True,
                                  text=True)
            self.assertEqual(told.stdout,
                             f"tidegate {version['version']} ({version['revision']})\n")
            used = gateway.metric("tidegate_memory_used_bytes")
            self.assertGreater(used, 4 << 20)
            self.assertGreater(gateway.metric("tidegate_memory_budget_bytes"), used)
            for _ in range(500):
                stack.enter_context(gateway.sse("/clock"))
            self.assertGreater(gateway.metric("tidegate_memory_used_bytes"), used)

    def test_lag_is_what_a_slow_group_has_not_taken(self):
        topic = harness.create_topic(2)
        # A name of its own: what the group of a killed gateway holds, the broker gives up slowly.
        name = harness.unique("ledger")
        ledger = f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /ledger}}]
entrypoints: [{{websocket: {{}}, qos: auto}}]
endpointGroups:
  - name: default
    endpoints:
      - name: main
        kafka:
          bootstrapServers: ['{harness.kafka()}']
          consumer: {{topics: [{topic}], autoOffsetReset: earliest}}
plans: [{{name: open, keyless: {{}}}}]
"""
        big, small = 5000, 3000

        async def slow(gateway):
            async with websockets.connect(f"ws://{gateway.http}/ledger", max_queue=1,
                                          max_size=1 << 20) as client:
                await asyncio.wait_for(client.recv(), 30)
                lag = await asyncio.get_running_loop().run_in_executor(None, self.behind, gateway,
                                                                       name)
                for _ in range(big + small - 1):
                    await asyncio.wait_for(client.recv(), 30)
            return lag

        with harness.Gateway({"ledger.yaml": ledger}) as gateway:
            for partition, count in enumerate((big, small)):
                harness.produce(topic, [f"{n} " + "x" * 4000 for n in range(count)], partition)
            total, most = asyncio.run(slow(gateway))
            self.assertGreater(most, 0)
            self.assertLess(most, total, "the one partition, and both")
            self.assertLessEqual(most, big)
            harness.until(lambda: self.lag(gateway, name) == (0, 0), "caught up")

    @staticmethod
    def lag(gateway, api):
        names = ("tidegate_kafka_consumer_lag_messages", "tidegate_kafka_consumer_lag_max_messages")
        return tuple(gateway.metric(name, api=api, endpoint="main") for name in names)

    def behind(self, gateway, api):
        """The lag once both partitions are behind."""
        def both():
            total, most = self.lag(gateway, api)
            return (total, most) if 0 < most < total else None
        return harness.until(both, "two partitions behind")

    def test_values_follow_what_happens(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            before = gateway.metric("tidegate_http_request_bytes_total", api="clock")
            self.assertEqual(gateway.request("POST", "/clock", body="x" * 1000).status, 202)
            # Counted when the answer has been sent.
            harness.until(lambda: gateway.metric("tidegate_gateway_overhead_seconds_count",
                                                 api="clock") == 1, "the request is counted")
            taken = gateway.metric("tidegate_http_request_bytes_total", api="clock") - before
            self.assertGreater(taken, 1000)
            self.assertLess(taken, 1500)
            with gateway.sse("/clock") as client:
                client.messages(3)
                self.assertEqual(gateway.metric("tidegate_connections_active", entrypoint="sse",
                                                listener="plain"), 1)
            harness.until(lambda: gateway.metric("tidegate_connections_active",
                                                 entrypoint="sse") == 0, "the stream has ended")
            harness.until(lambda: gateway.metric("tidegate_http_response_bytes_total", api="clock",
                                                 entrypoint="sse") > 30, "its bytes are counted")
            self.assertEqual(gateway.metric("tidegate_connections_total", entrypoint="sse",
                                            close_reason="client_gone"), 1)
            self.assertEqual(gateway.metric("tidegate_connection_duration_seconds_count",
                                            entrypoint="sse"), 1)
            self.assertEqual(gateway.metric("tidegate_config_resources", kind="api"), 2)
            self.assertEqual(gateway.metric("tidegate_state_degraded"), 0)


if __name__ == "__main__":
    unittest.main()
