"""kill -9 of the gateway while configuration is written: what was acknowledged is there, whole."""

import json
import random
import subprocess
import threading
import time
import unittest

import harness

BUNDLE = """
kind: Api
name: api-{n}
version: "{n}"
type: message
listeners: [{{path: /api-{n}}}]
entrypoints: [httpPost]
endpointGroups: [{{name: default, endpoints: [{{name: m, mock: {{}}}}]}}]
plans: [{{name: partners, apiKey: {{}}}}]
---
kind: Application
name: app-{n}
---
kind: Subscription
name: sub-{n}
api: api-{n}
plan: partners
application: app-{n}
apiKeys: [{{name: main, key: key-of-the-bundle-{n}}}]
---
kind: Api
name: counter
version: "{n}"
type: message
listeners: [{{path: /counter}}]
entrypoints: [httpPost]
endpointGroups: [{{name: default, endpoints: [{{name: m, mock: {{}}}}]}}]
plans: [{{name: open, keyless: {{}}}}]
"""
ROUNDS = 12


class Writer(threading.Thread):
    """Applies one bundle after the other until the gateway is gone."""

    def __init__(self, gateway, first):
        super().__init__()
        self.gateway, self.next = gateway, first
        self.acknowledged = []
        self.problem = None

    def run(self):
        while True:
            n = self.next
            self.next += 1
            result = subprocess.run(
                [str(harness.CTL), "--server", f"unix:{self.gateway.socket}", "apply", "-f", "-"],
                input=BUNDLE.format(n=n), text=True, capture_output=True, timeout=60)
            if result.returncode == 0:
                self.acknowledged.append(n)
                continue
            if result.returncode != 4:  # anything but "unreachable"
                self.problem = result.stderr
            return


class StateTest(unittest.TestCase):
    def names(self, gateway, what):
        out = gateway.ctl("get", what, "-o", "name").stdout.split()
        return {name.rsplit("/", 1)[1] for name in out}

    def test_killed_while_writing(self):
        random.seed(20)
        owner = harness.Gateway()
        self.addCleanup(lambda: harness.shutil.rmtree(owner.dir, ignore_errors=True))
        state, number, acknowledged = owner.dir / "state", 1, []
        for _ in range(ROUNDS):
            gateway = harness.Gateway(state=state).start()
            try:
                writer = Writer(gateway, number)
                writer.start()
                harness.until(lambda w=writer: len(w.acknowledged) >= 2 or w.problem, "two writes")
                time.sleep(random.uniform(0, 0.1))  # so that the kill meets any step of a write
                gateway.kill()
                writer.join(harness.DEADLINE)
                self.assertIsNone(writer.problem)
                acknowledged += writer.acknowledged
                number = writer.next
            finally:
                gateway.log_file.close()
                harness.shutil.rmtree(gateway.dir, ignore_errors=True)
            self.check(state, acknowledged, number)
        self.assertGreater(len(acknowledged), 2 * ROUNDS)

    def check(self, state, acknowledged, number):
        with harness.Gateway(state=state) as gateway:
            apis = self.names(gateway, "apis") - {"counter"}
            for n in acknowledged:
                self.assertIn(f"api-{n}", apis)
            # Nothing half: what a bundle brought came together, served and with its key.
            numbers = {name.split("-")[1] for name in apis}
            self.assertEqual(self.names(gateway, "applications"), {f"app-{n}" for n in numbers})
            self.assertEqual(self.names(gateway, "subscriptions"), {f"sub-{n}" for n in numbers})
            self.assertLessEqual(len(numbers - {str(n) for n in acknowledged}), ROUNDS)
            for n in numbers:
                answer = gateway.request("POST", f"/api-{n}", body="x",
                                         headers={"X-Gravitee-Api-Key": f"key-of-the-bundle-{n}"})
                self.assertEqual((n, answer.status), (n, 202))
            version = int(json.loads(gateway.ctl("get", "api/counter", "-o", "json").stdout)
                          ["version"])
            self.assertEqual(version, max(int(n) for n in numbers))
            self.assertIn(version, (acknowledged[-1], number - 1))


if __name__ == "__main__":
    unittest.main()
