"""TLS listeners as clients see them: names, client certificates, versions, reload."""

import base64
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import unittest

import harness
from pki import Pki
from test_mock import CLOCK


class TlsGateway(harness.Gateway):
    """One listener `front` with the given `tls` block; its address is chosen by the system."""

    def __init__(self, tls, pki, extra=""):
        super().__init__({"clock.yaml": CLOCK}, config=(
            f"kind: Gateway\nhttp:\n  - name: front\n    address: '127.0.0.1:0'\n    tls: {tls}\n"
            f"secrets: {{files: [{pki.folder}], env: [TLS_*]}}\n{extra}"))

    def command(self):
        words = super().command()
        at = words.index("--http")
        del words[at:at + 2]
        return words

    def curl(self, name, *words, ca):
        url = f"https://{name}:{self.port}/clock?limit=1"
        return subprocess.run(
            ["curl", "-s", "-S", "-m", "10", "--resolve", f"{name}:{self.port}:127.0.0.1",
             "--cacert", str(ca), *map(str, words), url], capture_output=True, text=True)

    def shown(self, name, ca):
        """The subject of the certificate that is shown to who asks for `name`."""
        context = ssl.create_default_context(cafile=str(ca))
        context.check_hostname = False
        with socket.create_connection((self.host, self.port), timeout=harness.DEADLINE) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secured:
                subject = dict(pair[0] for pair in secured.getpeercert()["subject"])
                return subject["commonName"]


def pair(certificate, key):
    return f"{{certificateChain: {{file: {certificate}}}, key: {{file: {key}}}}}"


def quoted(text):
    return '"' + text.replace("\n", "\\n") + '"'


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.pki = Pki()
        self.addCleanup(self.pki.close)
        self.ca = self.pki.folder / "ca.crt"

    def test_each_name_gets_its_certificate(self):
        pki = self.pki
        first = pki.issue("first", "DNS:first.test,IP:127.0.0.1")
        wild = pki.issue("wild", "DNS:*.wild.test")
        pki.issue("exact", "DNS:one.wild.test")
        pki.run("pkcs8", "-topk8", "-in", "exact.key", "-out", "exact.enc", "-passout", "pass:open")
        # From files, as text, and with a password from the environment.
        inline = (f"{{certificateChain: {quoted(wild[0].read_text())}, "
                  f"key: {quoted(wild[1].read_text())}}}")
        locked = (f"{{certificateChain: {{file: {pki.folder}/exact.crt}}, "
                  f"key: {{file: {pki.folder}/exact.enc}}, keyPassword: {{env: TLS_KEY}}}}")
        gateway = TlsGateway(f"{{certificates: [{pair(*first)}, {inline}, {locked}]}}", pki)
        gateway.env["TLS_KEY"] = "open"
        with gateway:
            for name, subject in (("first.test", "first"), ("one.wild.test", "exact"),
                                  ("two.wild.test", "wild"), ("unknown.test", "first")):
                self.assertEqual(gateway.shown(name, self.ca), subject, name)
            for name in ("first.test", "one.wild.test", "two.wild.test", "127.0.0.1"):
                answer = gateway.curl(name, ca=self.ca)
                self.assertIn("tick", answer.stdout, answer.stderr)
            self.assertEqual(gateway.curl("unknown.test", ca=self.ca).returncode, 60)

    def test_client_certificates_with_stores_of_every_form(self):
        pki, others = self.pki, Pki("another root")
        self.addCleanup(others.close)
        server = pki.issue("server", "DNS:front.test")
        known, stranger = pki.issue("known"), others.issue("stranger")
        pki.trust_store("JKS", pki.folder / "clients.jks")
        p12 = pki.trust_store("PKCS12", pki.folder / "clients.p12")
        content = base64.b64encode(p12.read_bytes()).decode()
        stores = {
            f"{{pem: {{location: {self.ca}}}}}": "required",
            f"{{jks: {{location: {pki.folder}/clients.jks, password: changeit}}}}": "required",
            f"{{pkcs12: {{content: {content}, password: changeit}}}}": "optional",
        }
        for store, mode in stores.items():
            tls = (f"{{certificates: {pair(*server)}, clientCertificates: "
                   f"{{mode: {mode}, trustStore: {store}}}}}")
            with self.subTest(store[:20]), TlsGateway(tls, pki) as gateway:
                good = gateway.curl("front.test", "--cert", known[0], "--key", known[1], ca=self.ca)
                self.assertIn("tick", good.stdout, good.stderr)
                bad = gateway.curl("front.test", "--cert", stranger[0], "--key", stranger[1],
                                   ca=self.ca)
                self.assertNotEqual(bad.returncode, 0, bad.stdout)
                nobody = gateway.curl("front.test", ca=self.ca)
                self.assertEqual("tick" in nobody.stdout, mode == "optional", nobody.stderr)
                if mode == "required":
                    self.assertIn("certificate required", nobody.stderr)

    def test_the_oldest_version_is_kept(self):
        server = self.pki.issue("server", "DNS:front.test")
        with TlsGateway(f"{{certificates: {pair(*server)}, minVersion: tls13}}",
                        self.pki) as gateway:
            self.assertIn("tick", gateway.curl("front.test", "--tlsv1.3", ca=self.ca).stdout)
            old = gateway.curl("front.test", "--tls-max", "1.2", ca=self.ca)
            self.assertIn("protocol version", old.stderr)

    def test_changed_files_are_read_again_and_bad_ones_are_not_used(self):
        pki = self.pki
        front = pki.folder / "live"
        front.mkdir()
        for name in pki.issue("before", "DNS:front.test"):
            shutil.copy(name, front / f"tls{name.suffix}")
        tls = f"{{certificates: {pair(front / 'tls.crt', front / 'tls.key')}}}"
        with TlsGateway(tls, pki) as gateway:
            self.assertEqual(gateway.shown("front.test", self.ca), "before")
            context = ssl.create_default_context(cafile=str(self.ca))
            plain = socket.create_connection((gateway.host, gateway.port), timeout=30)
            with context.wrap_socket(plain, server_hostname="front.test") as stream:
                stream.sendall(b"GET /clock HTTP/1.1\r\nHost: front.test\r\n"
                               b"Accept: text/event-stream\r\n\r\n")
                self.assertIn(b"200 OK", stream.recv(4096))
                (front / "tls.crt").write_text("no certificate\n")
                harness.until(lambda: "tls.reload_failed" in gateway.log_text(), "the refusal")
                self.assertIn("tls.certificates[0].certificateChain: holds no certificate",
                              gateway.log_text())
                self.assertEqual(gateway.shown("front.test", self.ca), "before")
                counted = "tidegate_config_applies_total"
                self.assertEqual(
                    gateway.metric(counted, source="secrets", result="rejected"), 1)
                self.assertEqual(
                    gateway.metric(counted, source="secrets", result="accepted"), 0)
                certificate, key = pki.issue("after", "DNS:front.test")
                shutil.copy(key, front / "tls.key")  # one after the other, as people do
                shutil.copy(certificate, front / "new")
                os.replace(front / "new", front / "tls.crt")
                harness.until(lambda: gateway.shown("front.test", self.ca) == "after", "it")
                self.assertIn("tls.reloaded", gateway.log_text())
                self.assertEqual(
                    gateway.metric(counted, source="secrets", result="accepted"), 1)
                # Who is connected goes on under the old one.
                while b"data: tick" not in stream.recv(4096):
                    pass

    def test_what_is_wrong_is_named_and_nothing_starts(self):
        pki = self.pki
        server = pki.issue("server", "DNS:front.test")
        other = pki.issue("other", "DNS:front.test")
        pki.run("pkcs8", "-topk8", "-in", "server.key", "-out", "locked.key", "-passout",
                "pass:open")
        chain = f"certificateChain: {{file: {server[0]}}}"
        cases = {
            f"{{certificates: {pair(server[0], other[1])}}}":
                "tls.certificates[0].certificateChain: the private key does not fit",
            f"{{certificates: {{{chain}, key: {{file: {pki.folder}/locked.key}}}}}}":
                "tls.certificates[0].keyPassword: is missing",
            f"{{certificates: {{{chain}, key: {{file: {pki.folder}/locked.key}}, "
            "keyPassword: hunter2}}": "tls.certificates[0].keyPassword: does not open",
            f"{{certificates: {{{chain}, key: {{file: {pki.folder}/gone.key}}}}}}":
                "tls.certificates[0].key: file ",
            f"{{certificates: {pair(*server)}, clientCertificates: {{mode: required, trustStore: "
            f"{{jks: {{location: {server[0]}}}}}}}}}":
                "tls.clientCertificates.trustStore.jks.location: is PEM",
        }
        for tls, expected in cases.items():
            gateway = TlsGateway(tls, pki)
            self.addCleanup(shutil.rmtree, gateway.dir, True)
            result = subprocess.run(gateway.command(), capture_output=True, text=True, timeout=30)
            self.assertNotEqual(result.returncode, 0, tls)
            self.assertIn("front", result.stderr)
            self.assertIn(expected, result.stderr)
            self.assertNotIn("hunter2", result.stderr)
            self.assertFalse(pathlib.Path(gateway.dir / "ports.json").exists())
