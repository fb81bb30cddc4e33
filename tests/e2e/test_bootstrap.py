"""Settings of the bootstrap (kind: Gateway), each seen acting on the running process."""

import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import harness
from test_mock import CLOCK

GET = b"GET /clock?limit=1 HTTP/1.1\r\nHost: h\r\n"


def bootstrap(text):
    return "kind: Gateway\n" + text


class Named(harness.Gateway):
    """Keeps the listener of its file: `--http NAME=ADDR` changes only the address."""

    def command(self):
        command = super().command()
        command[command.index("--http") + 1] = "front=127.0.0.1:0"
        return command


class LimitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = harness.Gateway({"clock.yaml": CLOCK}, config=bootstrap("""
limits:
  requestLineBytes: 300B
  headerBytes: 2KiB
  headerFieldBytes: 600B
  headerCount: 12
  headerTimeout: 300ms
  bodyBytes: 1KiB
  bodyIdleTimeout: 300ms
  keepAlive: 400ms
  keepAliveRequests: 3
  connectionsPerAddress: 4
""")).start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()

    def talk(self, data, whole=True):
        """What the gateway says until it closes, or (not `whole`) until the first answer."""
        with socket.create_connection((self.gateway.host, self.gateway.port), 10) as client:
            client.sendall(data)
            text = b""
            while whole or b"\r\n\r\n" not in text:
                try:
                    piece = client.recv(65536)
                except ConnectionResetError:  # it closed on what it had not read
                    break
                if not piece:
                    break
                text += piece
            return text

    def status(self, data):
        return int(self.talk(data).split(b" ", 2)[1])

    def test_what_is_too_large_is_told_by_its_status(self):
        post = b"POST /clock HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        rows = ((b"GET /clock?" + b"a" * 300 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
                (GET + b"X-Long: " + b"a" * 700 + b"\r\n\r\n", 431),
                (GET + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 500) for i in range(5)) + b"\r\n",
                 431),
                (GET + b"".join(b"X-%d: 1\r\n" % i for i in range(13)) + b"\r\n", 431),
                (post + b"Content-Length: 1025\r\n\r\n" + b"b" * 1025, 413),
                (post + b"Content-Length: 1024\r\n\r\n" + b"b" * 1024, 202))
        for data, status in rows:
            self.assertEqual(self.status(data), status, data[:40])

    def test_what_takes_too_long_is_told(self):
        self.assertEqual(self.status(GET), 408)
        self.assertEqual(self.status(b"POST /clock HTTP/1.1\r\nHost: h\r\n"
                                     b"Content-Length: 10\r\n\r\nabc"), 408)

    def test_connections_end_when_idle_and_after_their_requests(self):
        post = b"POST /clock HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
        begin = time.monotonic()
        self.assertEqual(self.talk(post).count(b" 202 "), 1)
        self.assertGreater(time.monotonic() - begin, 0.3)
        said = self.talk(post * 5)
        self.assertEqual(said.count(b" 202 "), 3)
        self.assertEqual(said.count(b"Connection: close"), 1)

    def test_an_address_has_a_number_of_connections(self):
        held = []
        try:
            for _ in range(4):
                held.append(socket.create_connection((self.gateway.host, self.gateway.port), 10))
                held[-1].sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n"
                                 b"Accept: text/event-stream\r\n\r\n")
                self.assertIn(b"200 OK", held[-1].recv(4096))
            self.assertIn(b" 503 ", self.talk(GET))
            self.assertEqual(self.gateway.metric("tidegate_http_connections_refused_total",
                                                 listener="plain"), 1)
        finally:
            for client in held:
                client.close()
            harness.until(lambda: self.gateway.metric("tidegate_http_connections_open",
                                                      listener="plain") == 0, "all have gone")


class ListenersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tg-pki-")
        self.addCleanup(folder.cleanup)
        self.pki = pathlib.Path(folder.name)

    def certificates(self):
        """A CA, a server for 127.0.0.1 and a client."""
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.pki, check=True, capture_output=True)

        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
                "-subj", "/CN=test CA")
        for name, extra in (("server", "subjectAltName=IP:127.0.0.1"), ("client", None)):
            openssl("req", *new, "-keyout", f"{name}.key", "-out", f"{name}.csr",
                    "-subj", f"/CN={name}")
            (self.pki / "ext").write_text((extra or "basicConstraints=CA:FALSE") + "\n")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile", "ext")

    def tls(self, clients=""):
        return (f"{{certificates: [{{certificateChain: {{file: {self.pki}/server.crt}}, "
                f"key: {{file: {self.pki}/server.key}}}}]{clients}}}")

    def required(self):
        return (", clientCertificates: {mode: required, trustStore: {pem: "
                f"{{location: {self.pki}/ca.crt}}}}}}")

    def curl(self, gateway, *words):
        return subprocess.run(["curl", "-s", "-m", "10", "--cacert", self.pki / "ca.crt", *words,
                               f"https://{gateway.http}/clock?limit=1"], capture_output=True,
                              text=True)

    def test_tls_and_client_certificates(self):
        self.certificates()
        config = bootstrap(f"http: [{{name: front, address: '127.0.0.1:0', "
                           f"tls: {self.tls(self.required())}}}]\n"
                           f"secrets: {{files: [{self.pki}]}}\n")
        with Named({"clock.yaml": CLOCK}, config=config) as gateway:
            self.assertNotEqual(self.curl(gateway).returncode, 0, "without a certificate")
            shown = self.curl(gateway, "--cert", self.pki / "client.crt", "--key",
                              self.pki / "client.key")
            self.assertIn("tick", shown.stdout, shown.stderr)
            self.assertGreater(gateway.metric("tidegate_certificate_expiry_timestamp_seconds",
                                              listener="front"), time.time())

    def test_admin_over_tcp_with_and_without_certificates(self):
        self.certificates()
        config = bootstrap(f"admin:\n  - address: '127.0.0.1:0'\n"
                           f"  - {{address: '127.0.0.1:0', tls: {self.tls(self.required())}}}\n"
                           f"secrets: {{files: [{self.pki}]}}\n")
        gateway = harness.Gateway({"clock.yaml": CLOCK}, config=config)
        words = gateway.command()
        at = words.index("--admin")
        del words[at:at + 2]
        gateway.command = lambda: words
        with gateway:
            plain, secure = gateway.ports["admin"]

            def names(*flags):
                return subprocess.run([str(harness.CTL), "get", "apis", "-o", "name", *flags],
                                      capture_output=True, text=True, timeout=30)

            self.assertIn("api/clock", names("--server", plain).stdout)
            nobody = names("--server", secure, "--ca", self.pki / "ca.crt", "--timeout", "5s")
            self.assertEqual(nobody.returncode, 4, nobody.stderr)
            known = names("--server", secure, "--ca", self.pki / "ca.crt", "--cert",
                          self.pki / "client.crt", "--key", self.pki / "client.key")
            self.assertIn("api/clock", known.stdout, known.stderr)

    def test_new_admin_certificates_and_authorities_act_without_a_restart(self):
        self.certificates()
        config = bootstrap(f"admin:\n  - {{address: '127.0.0.1:0', tls: "
                           f"{self.tls(self.required())}}}\n"
                           f"secrets: {{files: [{self.pki}]}}\n")
        gateway = harness.Gateway({"clock.yaml": CLOCK}, config=config)
        words = gateway.command()
        at = words.index("--admin")
        del words[at:at + 2]
        gateway.command = lambda: words
        before = self.pki / "before"
        before.mkdir()
        for name in ("ca.crt", "client.crt", "client.key"):
            shutil.copy(self.pki / name, before / name)
        with gateway:
            def names(directory):
                return subprocess.run(
                    [str(harness.CTL), "get", "apis", "-o", "name", "--server",
                     gateway.ports["admin"], "--ca", directory / "ca.crt", "--cert",
                     directory / "client.crt", "--key", directory / "client.key",
                     "--timeout", "5s"], capture_output=True, text=True, timeout=30).returncode

            self.assertEqual(names(before), 0)
            (self.pki / "server.crt").write_text("half a file")
            harness.until(lambda: "tls.reload_failed" in gateway.log_text(), "the refusal")
            self.assertEqual(names(before), 0, "what was there goes on")
            # Everything anew: another authority, another server, another client.
            self.certificates()
            harness.until(lambda: names(self.pki) == 0, "the new authority")
            self.assertEqual(names(before), 4, "the old one is believed no more")

    def test_an_open_admin_address_is_refused(self):
        gateway = harness.Gateway(config=bootstrap("admin: [address: '0.0.0.0:0']\n"))
        words = gateway.command()
        at = words.index("--admin")
        del words[at:at + 2]
        result = subprocess.run(words, capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, r"tidegate\.yaml:\d+:\d+: admin\[0\].*clientCertificates")

    def test_a_trusted_proxy_names_the_client_and_streams_count_for_that(self):
        config = bootstrap("http: [{name: front, address: '127.0.0.1:0', "
                           "trustedProxies: [127.0.0.0/8]}]\n"
                           "limits: {streamsPerAddress: 1}\n")
        with Named({"clock.yaml": CLOCK}, config=config) as gateway:
            one = {"X-Forwarded-For": "198.51.100.1"}
            with gateway.sse("/slow", one) as first, gateway.sse("/slow", one) as second:
                self.assertEqual((first.status, second.status), (200, 429))
                with gateway.sse("/slow", {"X-Forwarded-For": "198.51.100.2"}) as other:
                    self.assertEqual(other.status, 200)
                listed = json.loads(gateway.ctl("connections", "-o", "json").stdout)
                self.assertIn("198.51.100.1", [one["clientAddress"] for one in listed])


class ChoiceTest(unittest.TestCase):
    def test_apis_of_other_tags_are_not_served(self):
        tagged = CLOCK.replace("name: clock\n", "name: clock\ntags: [inner]\n", 1)
        with harness.Gateway({"clock.yaml": tagged}, config=bootstrap("tags: [edge]\n")) as gateway:
            self.assertEqual(gateway.get("/clock?limit=1").status, 404)
            self.assertEqual(gateway.get("/slow?limit=1").status, 200)

    def test_the_log_is_json_and_names_the_node(self):
        config = bootstrap("node: north-7\nlog: {format: json, level: info}\n")
        with harness.Gateway({"clock.yaml": CLOCK}, config=config) as gateway:
            lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
            started = next(line for line in lines if line["event"] == "started")
            self.assertEqual(started["node"], "north-7")
            self.assertEqual(gateway.operations_get("/version").json["node"], "north-7")

    def test_secrets_outside_the_list_are_refused(self):
        outside = harness.Gateway().dir / "password"
        outside.write_text("s3cret")
        text = CLOCK + f"""---
kind: Application
name: shop
---
kind: Api
name: keyed
type: message
listeners: [{{path: /keyed}}]
entrypoints: [httpPost]
endpointGroups: [{{name: default, endpoints: [{{name: m, mock: {{}}}}]}}]
plans: [{{name: partners, apiKey: {{}}}}]
---
kind: Subscription
name: s
api: keyed
plan: partners
application: shop
apiKeys: [{{name: main, key: {{file: {outside}}}}}]
"""
        config = bootstrap("secrets: {files: [/etc/tidegate]}\n")
        gateway = harness.Gateway({"clock.yaml": text}, config=config)
        gateway.spawn()
        self.addCleanup(gateway.log_file.close)
        self.assertEqual(gateway.process.wait(harness.DEADLINE), 3)
        self.assertRegex(gateway.log_text(), r"clock\.yaml:\d+:\d+: .*apiKeys\[0\]\.key")
        self.assertNotIn("s3cret", gateway.log_text())


KEYED = """
kind: Api
name: {name}
type: message
listeners: [{{path: /{name}}}]
entrypoints: [httpPost]
endpointGroups: [{{name: default, endpoints: [{{name: m, mock: {{}}}}]}}]
plans: [{{name: partners, apiKey: {{}}}}]
"""


class DirectoriesTest(unittest.TestCase):
    """Two definition directories. Each API has a subscription and a key that calls have made."""

    def setUp(self):
        self.gateway = harness.Gateway({"orders.yaml": KEYED.format(name="orders")})
        self.gateway.state = self.gateway.dir / "state"
        self.one, self.two = self.gateway.definitions, self.gateway.dir / "two"
        self.two.mkdir()
        (self.two / "bills.yaml").write_text(KEYED.format(name="bills"))
        self.gateway.extra = ["--definitions", str(self.two)]
        self.gateway.start()
        self.addCleanup(self.gateway.__exit__)
        self.gateway.apply("{kind: Application, name: shop}")
        self.keys = {}
        for api in ("orders", "bills"):
            self.gateway.ctl("create", f"subscription/{api}/late", "--plan", "partners",
                             "--application", "shop")
            self.keys[api] = self.gateway.ctl("create", f"key/{api}/late/main").stdout.strip()

    def status(self, api):
        return self.gateway.request("POST", f"/{api}", "x",
                                    {"X-Gravitee-Api-Key": self.keys[api]}).status

    def owner(self, api):
        shown = self.gateway.ctl("get", f"api/{api}", "-o", "proto-json").stdout
        return json.loads(shown)["owner"]

    def owned(self, **directories):
        """Whether the APIs are where they are to be; each answers, with its key, all the time."""
        self.assertEqual([self.status(api) for api in self.keys], [202, 202])
        return all(self.owner(api) == f"file:{path}" for api, path in directories.items())

    def rejected(self):
        return self.gateway.metric("tidegate_config_applies_total", source="file",
                                   result="rejected")

    def test_a_file_moves_to_the_other_directory_and_back(self):
        self.assertTrue(self.owned(orders=self.one, bills=self.two))
        (self.one / "orders.yaml").rename(self.two / "orders.yaml")
        harness.until(lambda: self.owned(orders=self.two, bills=self.two), "the second has both")
        (self.two / "orders.yaml").rename(self.one / "orders.yaml")
        harness.until(lambda: self.owned(orders=self.one, bills=self.two), "each has its own")
        (self.one / "orders.yaml").rename(self.two / "orders.yaml")
        (self.two / "bills.yaml").rename(self.one / "bills.yaml")
        harness.until(lambda: self.owned(orders=self.two, bills=self.one), "they are swapped")
        self.assertEqual(self.rejected(), 0)
        # What is in neither directory is gone.
        (self.two / "orders.yaml").unlink()
        harness.until(lambda: self.status("orders") == 404, "the API is deleted")

    def test_files_that_move_while_the_process_is_down(self):
        for orders, bills in ((self.two, self.one), (self.one, self.two)):
            self.assertEqual(self.gateway.stop(), 0)
            self.gateway.log_file.close()
            (bills / "orders.yaml").rename(orders / "orders.yaml")
            (orders / "bills.yaml").rename(bills / "bills.yaml")
            self.gateway.start()
            self.assertTrue(self.owned(orders=orders, bills=bills))

    def test_nothing_is_deleted_while_the_taker_cannot_be_read(self):
        text = (self.one / "orders.yaml").read_text()
        (self.two / "orders.yaml").write_text(text.replace("mock:", "mok:"))
        harness.until(lambda: self.rejected() == 1, "the error is found")
        (self.one / "orders.yaml").unlink()
        harness.until(lambda: "definitions.kept" in self.gateway.log_text(), "the other is done")
        self.assertTrue(self.owned(orders=self.one, bills=self.two))
        (self.two / "orders.yaml").write_text(text)
        harness.until(lambda: self.owned(orders=self.two, bills=self.two), "it is taken over")

    def test_a_refusal_is_told_once_and_passes_with_its_cause(self):
        self.gateway.apply(KEYED.format(name="taken"))
        (self.two / "new.yaml").write_text(
            KEYED.format(name="new").replace("path: /new", "path: /taken"))
        harness.until(lambda: self.rejected() == 1, "the listener is taken")
        # With what the other directory brings it is tried again, in vain.
        (self.one / "more.yaml").write_text(KEYED.format(name="more"))
        harness.until(lambda: self.gateway.ctl("get", "api/more", check=False).returncode == 0,
                      "the other directory is applied")
        self.gateway.ctl("delete", "api/taken")
        harness.until(lambda: self.gateway.ctl("get", "api/new", check=False).returncode == 0,
                      "the listener is given back")
        self.assertEqual(self.owner("new"), f"file:{self.two}")
        self.assertEqual(self.rejected(), 1)


if __name__ == "__main__":
    unittest.main()
