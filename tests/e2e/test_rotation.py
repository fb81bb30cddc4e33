"""Secrets, certificates and key stores that change while the gateway runs."""

import json
import os
import shutil
import subprocess
import unittest

import harness
from test_kafka_security import broker, file


def mock(name, secret):
    return f"""
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints:
  - sse: {{heartbeatInterval: 100ms}}
  - httpGet: {{headersInPayload: true}}
endpointGroups:
  - name: default
    endpoints:
      - name: main
        mock:
          messageInterval: 20ms
          headers: [{{name: X-Secret, secret: {{file: {secret}}}}}]
plans: [{{name: open, keyless: {{}}}}]
"""


def ledger(topic, tls):
    return f"""
kind: Api
name: ledger
type: message
listeners: [{{path: /ledger}}]
entrypoints: [{{httpPost: {{}}}}, {{sse: {{}}, qos: none}}]
endpointGroups:
  - name: default
    endpoints:
      - name: main
        kafka:
          bootstrapServers: ['{broker("TIDEGATE_TEST_KAFKA_SSL")}']
          security: {{protocol: ssl, tls: {tls}}}
          producer: {{topics: [{topic}]}}
          consumer: {{topics: [{topic}]}}
plans: [{{name: open, keyless: {{}}}}]
"""


class RotationTest(unittest.TestCase):
    def put(self, path, text):
        """Whole, by rename, as Kubernetes and careful people do."""
        path.with_suffix(".new").write_text(text)
        os.replace(path.with_suffix(".new"), path)

    def refs(self, gateway, api):
        """Status and reason of its condition ResolvedRefs."""
        shown = json.loads(gateway.ctl("get", f"api/{api}", "-o", "proto-json").stdout)
        for condition in shown["conditions"]:
            if condition["type"] == "ResolvedRefs":
                status = condition["status"].removeprefix("CONDITION_STATUS_").lower()
                return status, condition["reason"]
        return None

    def openssl(self, *words):
        subprocess.run(["openssl", "pkcs12", *map(str, words)], check=True, capture_output=True)

    def test_a_changed_secret_makes_a_new_endpoint_and_live_streams_go_on(self):
        gateway = harness.Gateway()
        secret = gateway.definitions / "secret"
        secret.write_text("first\n")
        with gateway:
            # By the admin API: no definition directory watches its files.
            gateway.apply(mock("aloud", secret))

            def said():
                return gateway.get("/aloud?limit=1", Accept="application/json").text

            self.assertIn("first", said())
            with gateway.sse("/aloud") as stream:
                stream.messages(1)
                self.put(secret, "second\n")
                harness.until(lambda: "second" in said(), "the new secret")
                stream.messages(20)
                self.assertFalse(stream.ended)
            harness.until(lambda: gateway.metric("tidegate_config_applies_total", source="secrets",
                                                 result="accepted") == 1, "it is counted")
            self.assertEqual(self.refs(gateway, "aloud"), ("true", "Resolved"))
            # Gone: what runs goes on, and it is said why.
            secret.unlink()
            harness.until(lambda: self.refs(gateway, "aloud")[0] == "false", "the condition")
            harness.until(lambda: "secrets.rejected" in gateway.log_text(), "it is logged")
            self.assertEqual(self.refs(gateway, "aloud"), ("false", "SecretRejected"))
            described = gateway.ctl("describe", "api/aloud").stdout
            self.assertRegex(described,
                             r"ResolvedRefs +false +SecretRejected .*mock: file .*secret cannot")
            waited = gateway.ctl("wait", "api/aloud", "--timeout", "5s", check=False)
            self.assertEqual(waited.returncode, 5, waited.stderr)
            self.assertIn("SecretRejected", waited.stderr)
            self.assertIn("second", said())
            secret.write_text("third\n")
            harness.until(lambda: "third" in said(), "the third secret")
            harness.until(lambda: self.refs(gateway, "aloud") == ("true", "Resolved"),
                          "the condition's end")
            gateway.ctl("wait", "api/aloud", "--timeout", "5s")
            for secretive in (gateway.log_text(), described, waited.stderr):
                self.assertNotIn("second", secretive)

    def test_a_new_certificate_authority_acts_without_a_restart(self):
        topic = harness.create_topic(1)
        gateway = harness.Gateway()
        authority = gateway.definitions / "ca.crt"
        shutil.copy(file("tls/other-ca.crt"), authority)
        with gateway:
            gateway.apply(ledger(topic, f"{{trustStore: {{pem: {{location: {authority}}}}}}}"))

            def posted():
                return gateway.request("POST", "/ledger", body="x").status

            self.assertEqual(posted(), 503)
            self.put(authority, file("tls/ca.crt").read_text())
            harness.until(lambda: posted() == 202, "the new authority")
            # Half a rotation: not a certificate. What works goes on working.
            self.put(authority, "no certificate\n")
            harness.until(lambda: "secrets.rejected" in gateway.log_text(), "the refusal")
            self.assertIn("trustStore.pem.location: holds no certificate", gateway.log_text())
            self.assertEqual(self.refs(gateway, "ledger"), ("false", "SecretRejected"))
            self.assertEqual(posted(), 202)
            # A new definition is judged by itself, and clears what was said.
            self.put(authority, file("tls/ca.crt").read_text())
            harness.until(lambda: self.refs(gateway, "ledger") == ("true", "Resolved"), "cleared")

    def test_a_new_client_key_store_keeps_the_streams(self):
        topic = harness.create_topic(1)
        gateway = harness.Gateway()
        store, password = gateway.definitions / "client.p12", gateway.definitions / "password"
        shutil.copy(file("tls/client.p12"), store)
        shutil.copy(file("tls/client.password"), password)
        tls = (f"{{trustStore: {{pem: {{location: {gateway.definitions}/ca.crt}}}}, keyStore: "
               f"{{pkcs12: {{location: {store}, password: {{file: {password}}}}}}}}}")
        shutil.copy(file("tls/ca.crt"), gateway.definitions / "ca.crt")
        text = ledger(topic, tls).replace(broker("TIDEGATE_TEST_KAFKA_SSL"),
                                          broker("TIDEGATE_TEST_KAFKA_MTLS"))
        with gateway:
            gateway.apply(text)
            with gateway.sse("/ledger") as stream:
                harness.until(lambda: gateway.request("POST", "/ledger", body="one").status == 202,
                              "the first publish")
                self.assertEqual(stream.messages(1)[0].data, "one")
                # The same identity in a store with another password.
                pem, following = gateway.dir / "all.pem", gateway.dir / "next.p12"
                self.openssl("-in", store, "-passin", f"file:{password}", "-nodes", "-out", pem)
                self.openssl("-export", "-in", pem, "-name", "client", "-passout", "pass:another",
                             "-out", following)
                os.replace(following, store)
                self.put(password, "another\n")
                harness.until(lambda: "secrets.refreshed" in gateway.log_text(), "the new store")
                self.assertEqual(gateway.request("POST", "/ledger", body="two").status, 202)
                self.assertEqual(stream.messages(1)[0].data, "two")
