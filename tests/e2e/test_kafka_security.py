"""Kafka with TLS and SASL behind the real binary: what clients, operators and `tidegatectl` see."""

import os
import pathlib
import socket
import ssl
import subprocess
import threading
import unittest

import harness
import pki


def broker(name):
    """A value of the broker's kafka.env."""
    directory = os.environ.get("TIDEGATE_TEST_KAFKA_DIR")
    if not directory:
        raise AssertionError("TIDEGATE_TEST_KAFKA_DIR is not set: start with tests/run.sh")
    for line in pathlib.Path(directory, "kafka.env").read_text().splitlines():
        key, _, value = line.partition("=")
        if key == name:
            return value
    raise AssertionError(f"kafka.env has no {name}")


def file(name):
    return pathlib.Path(os.environ["TIDEGATE_TEST_KAFKA_DIR"], name)


def api(name, topic, address, security):
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:
  - sse: {{heartbeatInterval: 1s}}
  - httpGet: {{messagesLimitDuration: 2s}}
  - httpPost
endpointGroups:
  - name: default
    endpoints:
      - name: main
        kafka:
          bootstrapServers: ['{address}']
          security: {security}
          producer: {{topics: [{topic}]}}
          consumer: {{topics: [{topic}], autoOffsetReset: earliest}}
plans: [{{name: open, keyless: {{}}}}]
"""


def plain(password):
    return ("{protocol: sasl-plaintext, sasl: {mechanism: plain, username: gateway, password: "
            f"{password}}}}}")


class OldServer:
    """Speaks TLS 1.2 and nothing newer; notes whether handshakes have come to an end."""

    def __init__(self, pair):
        self.handshakes = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(harness.DEADLINE)
            try:
                with self.context.wrap_socket(connection, server_side=True):
                    self.handshakes.append(True)
            except ssl.SSLError as error:
                # Who only looks whether somebody listens sends nothing.
                if error.reason == "NO_SHARED_CIPHER":
                    self.handshakes.append(False)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class KafkaSecurityTest(unittest.TestCase):
    def deploy(self, gateway, address, security):
        topic = harness.create_topic(1)
        name = harness.unique("s")
        gateway.apply(api(name, topic, broker(f"TIDEGATE_TEST_KAFKA_{address}"), security))
        return name

    def stages(self, gateway, name):
        result = gateway.ctl("test", f"endpoint/{name}/main", check=False)
        return result.returncode, result.stdout + result.stderr

    def test_a_refused_login_is_said_to_everybody_and_never_shown(self):
        with harness.Gateway() as gateway:
            name = self.deploy(gateway, "SASL", plain("hunter2"))
            answer = gateway.request("POST", f"/{name}", body="x",
                                     headers={"Accept": "application/json"})
            self.assertEqual(answer.status, 503, answer.text)
            self.assertEqual(answer.json["key"], "FAILURE_ENDPOINT_CONFIGURATION_INVALID")
            self.assertEqual(answer.json["outcome"], "no")
            self.assertEqual(gateway.get(f"/{name}", Accept="text/event-stream").status, 503)
            answer = gateway.get(f"/{name}", Accept="application/json")
            self.assertEqual(answer.status, 503, answer.text)
            self.assertEqual(answer.json["key"], "FAILURE_ENDPOINT_CONFIGURATION_INVALID")
            code, text = self.stages(gateway, name)
            self.assertNotEqual(code, 0)
            self.assertIn("Authentication failed: Invalid username or password", text)
            self.assertRegex(text, r"tcp\s+ok")
            # The condition of the API says so, too.
            described = gateway.ctl("get", f"apis/{name}", "-o", "proto-json").stdout
            self.assertIn("Invalid username or password", described)
            for shown in (text, described, answer.text, gateway.log.read_text()):
                self.assertNotIn("hunter2", shown)

    def test_an_untrusted_certificate(self):
        with harness.Gateway() as gateway:
            name = self.deploy(gateway, "SSL", "{protocol: ssl}")  # the system's authorities
            answer = gateway.request("POST", f"/{name}", body="x",
                                     headers={"Accept": "application/json"})
            self.assertEqual(answer.status, 503, answer.text)
            code, text = self.stages(gateway, name)
            self.assertNotEqual(code, 0)
            self.assertIn("is not trusted", text)

    def test_a_rotated_password_acts_without_a_restart(self):
        with harness.Gateway() as gateway:
            secret = gateway.definitions / "password"
            secret.write_text("hunter2\n")
            topic = harness.create_topic(1)
            text = api("rotated", topic, broker("TIDEGATE_TEST_KAFKA_SASL"),
                       plain("{file: %s}" % secret))
            (gateway.definitions / "rotated.yaml").write_text(text)
            harness.until(lambda: gateway.request("POST", "/rotated", body="x").status == 503,
                          "the definition")
            secret.write_text(file("sasl.password").read_text())

            def accepted():
                return gateway.request("POST", "/rotated", body="after").status == 202

            harness.until(accepted, "the new password")
            page = gateway.get("/rotated", Accept="application/json")
            self.assertIn("after", page.text)

    def test_tls_and_scram_from_end_to_end(self):
        with harness.Gateway() as gateway:
            (gateway.definitions / "ca.crt").write_bytes(file("tls/ca.crt").read_bytes())
            name = self.deploy(
                gateway, "SASL_SSL",
                "{protocol: sasl-ssl, sasl: {mechanism: SCRAM_SHA-256, username: gateway, "
                f"password: {file('sasl.password').read_text().strip()}}}, tls: {{trustStore: "
                f"{{pem: {{location: {gateway.definitions}/ca.crt}}}}}}}}")
            self.assertEqual(gateway.request("POST", f"/{name}", body="hello").status, 202)
            with gateway.sse(f"/{name}") as client:
                event = next(e for e in client.events() if e.data)
                self.assertEqual(event.data, "hello")
            code, text = self.stages(gateway, name)
            self.assertEqual(code, 0, text)
            self.assertIn("logged in by SCRAM-SHA-256", text)

    def test_tls_13_alone_when_it_is_asked_for(self):
        authority = pki.Pki()
        self.addCleanup(authority.close)
        with harness.Gateway() as gateway:
            (gateway.definitions / "ca.crt").write_bytes(file("tls/ca.crt").read_bytes())
            trust = f"trustStore: {{pem: {{location: {gateway.definitions}/ca.crt}}}}"
            name = self.deploy(gateway, "SSL",
                               f"{{protocol: ssl, tls: {{{trust}, minVersion: tls13}}}}")
            self.assertEqual(gateway.request("POST", f"/{name}", body="x").status, 202)
            for version, shaken in (("tls12", True), ("tls13", False)):
                with OldServer(authority.issue("old", "IP:127.0.0.1")) as server:
                    name = harness.unique("s")
                    gateway.apply(api(name, "t", server.address, "{protocol: ssl, tls: {trustAll: "
                                      f"true, verifyHostname: false, minVersion: {version}}}}}"))
                    self.stages(gateway, name)
                    harness.until(lambda s=server: s.handshakes, "a handshake")
                    self.assertEqual(set(server.handshakes), {shaken}, version)

    def test_stores_rotate_by_location_under_sasl_ssl(self):
        with harness.Gateway() as gateway:
            authority = gateway.definitions / "ca.crt"
            authority.write_bytes(file("tls/other-ca.crt").read_bytes())
            name = self.deploy(
                gateway, "SASL_SSL",
                "{protocol: sasl-ssl, sasl: {mechanism: scram-sha-512, username: gateway, "
                f"password: {file('sasl.password').read_text().strip()}}}, tls: {{trustStore: "
                f"{{pem: {{location: {authority}}}}}}}}}")

            def posted():
                return gateway.request("POST", f"/{name}", body="x").status

            self.assertEqual(posted(), 503)
            fresh = authority.with_suffix(".new")
            fresh.write_bytes(file("tls/ca.crt").read_bytes())
            fresh.replace(authority)
            harness.until(lambda: posted() == 202, "the new authority")

    def test_the_example_runs(self):
        script = harness.ROOT / "sidecar" / "examples" / "try-kafka-security.sh"
        result = subprocess.run([str(script), os.environ["TIDEGATE_TEST_KAFKA_DIR"]],
                                capture_output=True, text=True, timeout=120,
                                env=dict(os.environ, TIDEGATE=str(harness.TIDEGATE)))
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stdout.count("== tidegatectl test"), 9)
        self.assertIn("data: entry", result.stdout)


if __name__ == "__main__":
    unittest.main()
