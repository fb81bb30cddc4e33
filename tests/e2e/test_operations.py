"""Probes, metrics, drain, restart: what an SRE touches."""

import contextlib
import json
import selectors
import signal
import subprocess
import threading
import time
import unittest

import harness
from test_mock import CLOCK


class OperationsTest(unittest.TestCase):
    def test_probes_version_and_metrics(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            for path in ("/livez", "/readyz", "/startupz"):
                answer = gateway.operations_get(path)
                self.assertEqual((path, answer.status), (path, 200))
            self.assertIn("version", gateway.operations_get("/version").json)
            self.assertEqual(gateway.get("/clock?limit=1").status, 200)
            text = gateway.operations_get("/metrics")
            self.assertTrue(text.headers["content-type"].startswith("text/plain; version=0.0.4"))
            check = subprocess.run(["promtool", "check", "metrics"], input=text.body,
                                   capture_output=True)
            self.assertEqual(check.returncode, 0, check.stdout + check.stderr)
            self.assertEqual(gateway.metric("tidegate_http_requests_total", api="clock",
                                            entrypoint="http-get"), 1)
            opened = gateway.operations_get("/metrics", accept="application/openmetrics-text")
            self.assertTrue(opened.headers["content-type"].startswith(
                "application/openmetrics-text; version=1.0.0"))
            self.assertTrue(opened.text.endswith("# EOF\n"))
            self.assertEqual(gateway.operations_get("/nothing").status, 404)

    def test_sigterm_says_goaway_to_streams_and_ends_with_0(self):
        gateway = harness.Gateway({"clock.yaml": CLOCK}).start()
        self.addCleanup(gateway.__exit__)
        with gateway.sse("/clock") as client:
            client.messages(1)
            gateway.process.send_signal(signal.SIGTERM)
            events = [event.event for event in client.events()]
        self.assertEqual(events[-1], "goaway")
        self.assertEqual(gateway.process.wait(harness.DEADLINE), 0)

    def test_many_streams_are_told_to_go_one_after_the_other(self):
        count = 300
        clock = CLOCK.replace("messageInterval: 20ms", "messageInterval: 200ms", 1).replace(
            "messageCount: 1000", "messageCount: 1000000", 1)
        with harness.Gateway({"clock.yaml": clock}) as gateway, contextlib.ExitStack() as stack:
            streams = [stack.enter_context(gateway.sse("/clock")) for _ in range(count)]
            for stream in streams:
                stream.messages(1)
            pending = selectors.DefaultSelector()
            for stream in streams:
                stream.text = b""
                pending.register(stream.socket, selectors.EVENT_READ, stream)
            gateway.ctl("drain", "--no-wait")
            left = count
            deadline = time.monotonic() + harness.DEADLINE
            while left > 0:
                self.assertLess(time.monotonic(), deadline, f"{left} not told")
                for key, _ in pending.select(1):
                    stream = key.data
                    data = stream.socket.recv(65536)
                    stream.text += data
                    if not data or b"event: goaway" in stream.text:
                        self.assertIn(b"event: goaway", stream.text)
                        pending.unregister(stream.socket)
                        left -= 1
            # Who was told later was served longer. What was read meanwhile tells it, however late
            # it was read: the window holds fifteen messages of each stream.
            served = sorted(stream.text.count(b"tick") for stream in streams)
            self.assertGreaterEqual(served[-1] - served[0], 6, served)
            self.assertLess(served[count // 4], served[count // 2], served)
            self.assertLess(served[count // 2], served[count * 3 // 4], served)
            harness.until(lambda: gateway.metric("tidegate_connections_active") == 0, "all gone")

    def test_draining_is_not_ready_and_refuses_new_requests(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            gateway.ctl("drain", "--no-wait")
            harness.until(lambda: gateway.operations_get("/readyz").status == 503, "not ready")
            self.assertEqual(gateway.operations_get("/livez").status, 200)

    def test_a_drain_is_begun_without_waiting_and_can_be_taken_back(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            with gateway.sse("/clock") as client:
                client.messages(1)
                said = gateway.ctl("drain", "--no-wait")
                self.assertIn("draining", said.stderr)
                self.assertNotIn("drained", said.stderr)
                self.assertEqual([event.event for event in client.events()][-1], "goaway")
            self.assertEqual(gateway.request("POST", "/clock", body="x").status, 503)
            self.assertEqual(gateway.metric("tidegate_shed_total", reason="draining"), 1)
            done = gateway.ctl("drain", "--timeout", "20s")
            self.assertIn("no connections are left", done.stderr)
            gateway.ctl("drain", "--cancel")
            self.assertEqual(gateway.operations_get("/readyz").status, 200)
            answer = gateway.request("POST", "/clock", body="x")
            self.assertEqual(answer.status, 202)
            self.assertNotIn("connection", answer.headers)  # kept, as before the drain

    def test_the_access_log_has_a_line_for_each_request_and_no_secret(self):
        where = harness.Gateway().dir / "access.log"
        config = f"kind: Gateway\naccessLog: {{path: {where}}}\n"
        with harness.Gateway({"clock.yaml": CLOCK}, config=config) as gateway:
            parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            self.assertEqual(gateway.request("POST", "/clock", body="x" * 500).status, 202)
            self.assertEqual(gateway.get("/clock?limit=2&api-key=a-secret",
                                         traceparent=parent).status, 200)
            self.assertEqual(gateway.get("/nowhere").status, 404)
            with gateway.sse("/clock") as client:
                client.messages(3)
            lines = harness.until(lambda: where.exists() and len(where.read_text().splitlines()) > 3
                                  and where.read_text().splitlines(), "four lines")
        post, page, missing, stream = (json.loads(line) for line in lines)
        self.assertEqual((post["status"], post["method"], post["entrypoint"], post["endpoint"]),
                         (202, "POST", "http-post", "mock"))
        self.assertTrue(500 < post["requestBytes"] < 1000, post)
        self.assertTrue(50 < post["responseBytes"] < 1000, post)
        self.assertEqual((page["path"], page["messages"], page["traceparent"]),
                         ("/clock", 2, parent))
        self.assertEqual((missing["status"], missing["client"]), (404, "127.0.0.1"))
        self.assertEqual((stream["entrypoint"], stream["end"]), ("sse", "client_gone"))
        self.assertGreaterEqual(stream["messages"], 3)
        self.assertNotIn("a-secret", "".join(lines))

    def test_configuration_survives_kill_9(self):
        state = harness.Gateway().dir / "state"
        first = harness.Gateway(state=state).start()
        self.addCleanup(first.__exit__)
        first.apply(CLOCK)
        first.kill()
        second = harness.Gateway(state=state)
        self.addCleanup(second.__exit__)
        second.start()
        self.assertEqual(second.get("/clock?limit=1").status, 200)

    def test_a_broken_definition_at_start_ends_the_process_with_all_errors(self):
        gateway = harness.Gateway({"bad.yaml": CLOCK.replace("mock:", "mok:", 1)
                                   .replace("path: /slow", "pth: /slow")})
        self.addCleanup(lambda: gateway.log_file.close())
        gateway.spawn()
        self.assertEqual(gateway.process.wait(harness.DEADLINE), 3)
        log = gateway.log_text()
        self.assertIn("bad.yaml:", log)
        self.assertIn("mock", log)
        self.assertIn("path", log)

    def test_a_broken_change_keeps_the_last_good_state(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            (gateway.definitions / "clock.yaml").write_text(CLOCK.replace("plans:", "plan:"))
            harness.until(lambda: gateway.metric("tidegate_config_applies_total",
                                                 result="rejected") >= 1, "rejection counted")
            self.assertEqual(gateway.get("/clock?limit=1").status, 200)

    def test_reload_while_streaming_drops_nothing(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            with gateway.sse("/clock") as client:
                seen = []
                reader = threading.Thread(
                    target=lambda: seen.extend(client.messages(60)))
                reader.start()
                for i in range(5):
                    text = CLOCK.replace('version: "1.0"', f'version: "1.{i + 1}"')
                    gateway.apply(text, "--force")
                reader.join(harness.DEADLINE)
            self.assertEqual(len(seen), 60)

    def test_check_validates_and_starts_nothing(self):
        gateway = harness.Gateway({"clock.yaml": CLOCK})
        command = gateway.command()
        command[1] = "check"
        result = subprocess.run(command, capture_output=True, text=True, timeout=harness.DEADLINE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertFalse((gateway.dir / "ports.json").exists())

    def test_a_second_process_on_the_port_fails_with_a_text(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            second = harness.Gateway({"clock.yaml": CLOCK}, extra=[])
            command = second.command()
            command[command.index("--http") + 1] = gateway.http
            result = subprocess.run(command, capture_output=True, text=True,
                                    timeout=harness.DEADLINE)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(gateway.http.rsplit(":", 1)[1], result.stderr)

    def test_connections_are_listed(self):
        with harness.Gateway({"clock.yaml": CLOCK}) as gateway:
            with gateway.sse("/clock") as client:
                client.messages(1)
                out = json.loads(gateway.ctl("connections", "-o", "json").stdout)
                self.assertIn("clock", json.dumps(out))


if __name__ == "__main__":
    unittest.main()
