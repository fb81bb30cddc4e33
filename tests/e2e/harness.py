"""Starts the real `tidegate` binary on port 0 and talks to it with real clients.

Used by the end-to-end tests (unittest). Environment, set by tests/run.sh:
  TIDEGATE_BUILD         build directory with sidecar/tidegate and sidecar/ctl/tidegatectl
  TIDEGATE_TEST_KAFKA    HOST:PORT of the real Kafka broker
  TIDEGATE_TEST_KAFKA_DIR  its directory, for tests that stop and start it
Waiting is always for a condition with a deadline, never for a time.
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import ports  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TIDEGATE_BUILD", ROOT / "build" / "release"))
TIDEGATE = BUILD / "sidecar" / "tidegate"
CTL = BUILD / "sidecar" / "ctl" / "tidegatectl"
# How long a test waits for what must come: only one that fails waits so long. Machines stand still
# for seconds now and then.
DEADLINE = 60.0


def kafka():
    """The real broker; a test that needs it fails without it, it is never skipped."""
    address = os.environ.get("TIDEGATE_TEST_KAFKA")
    if not address:
        raise AssertionError("TIDEGATE_TEST_KAFKA is not set: start the tests with tests/run.sh")
    return address


def closed_port():
    """A port on loopback where nothing listens, and which the kernel gives to nobody."""
    return ports.free(1)[0]


def until(condition, what, deadline=DEADLINE):
    """Polls until `condition()` is true; returns its value. Fails naming `what`."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}")
        time.sleep(0.02)


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


class Gateway:
    """One tidegate process in a directory of its own."""

    def __init__(self, definitions=None, state=None, workers=1, config=None, env=None, extra=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tg-"))
        self.definitions = self.dir / "definitions"
        self.definitions.mkdir()
        for name, text in (definitions or {}).items():
            (self.definitions / name).write_text(text)
        self.state = state or "none"
        self.workers = workers
        self.config = config
        self.env = dict(os.environ, **(env or {}))
        self.extra = list(extra)
        self.process = None
        self.socket = self.dir / "admin.sock"
        self.log = self.dir / "log"

    def command(self):
        command = [str(TIDEGATE), "serve"]
        if self.config is not None:
            path = self.dir / "tidegate.yaml"
            path.write_text(self.config)
            command += ["--config", str(path)]
        return command + [
            "--http", "127.0.0.1:0", "--admin", f"unix:{self.socket}",
            "--operations", "127.0.0.1:0", "--state", str(self.state),
            "--definitions", str(self.definitions), "--workers", str(self.workers),
            "--ports-file", str(self.dir / "ports.json"), *self.extra,
        ]

    def spawn(self):
        ports = self.dir / "ports.json"
        ports.unlink(missing_ok=True)
        self.log_file = open(self.log, "ab")
        self.process = subprocess.Popen(
            self.command(), stdout=self.log_file, stderr=self.log_file, env=self.env)

    def start(self):
        self.spawn()
        ports = self.dir / "ports.json"

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"tidegate ended with {self.process.returncode}:\n"
                                     + self.log_text())
            return ports.exists()

        until(ready, "tidegate ready\n" + self.log_text())
        self.ports = json.loads(ports.read_text())
        self.http = self.ports["http"]
        self.host, port = self.http.rsplit(":", 1)
        self.port = int(port)
        self.operations = self.ports["operations"]
        return self

    def log_text(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log_file.close()

    def stop(self, deadline=DEADLINE):
        """SIGTERM; returns the exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("tidegate did not end after SIGTERM:\n" + self.log_text())

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                self.kill()
        finally:
            self.log_file.close()
            shutil.rmtree(self.dir, ignore_errors=True)

    # --- clients -------------------------------------------------------------------------------

    def ctl(self, *arguments, stdin=None, check=True, env=None):
        end = time.monotonic() + DEADLINE
        while True:
            result = subprocess.run(
                [str(CTL), "--server", f"unix:{self.socket}", *arguments], input=stdin, text=True,
                capture_output=True, timeout=2 * DEADLINE, env=dict(os.environ, **(env or {})))
            # A gateway that stands still for seconds takes no connection; nothing was sent then.
            stalled = result.returncode == 4 and "does not take a connection" in result.stderr
            if not stalled or self.process.poll() is not None or time.monotonic() > end:
                break
        if check and result.returncode != 0:
            raise AssertionError(f"tidegatectl {' '.join(arguments)}: {result.returncode}\n"
                                 f"{result.stdout}{result.stderr}\n{self.log_text()}")
        return result

    def apply(self, text, *arguments):
        return self.ctl("apply", "-f", "-", *arguments, stdin=text)

    def request(self, method, path, body=None, headers=None, timeout=DEADLINE):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, dict((k.lower(), v) for k, v in response.getheaders()),
                          response.read())

    def get(self, path, **headers):
        return self.request("GET", path,
                            headers={k.replace("_", "-"): v for k, v in headers.items()})

    def operations_get(self, path, accept=None):
        host, port = self.operations.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Accept": accept} if accept else {})
            response = connection.getresponse()
            return Answer(response.status, dict((k.lower(), v) for k, v in response.getheaders()),
                          response.read())

    def metric(self, name, **labels):
        """The value of a series; the sum where several fit the labels; 0 when there is none."""
        total = 0.0
        for line in self.operations_get("/metrics").text.splitlines():
            if not line.startswith(name) or line.startswith("#"):
                continue
            rest = line[len(name):]
            if rest[:1] not in ("{", " "):
                continue
            if all(f'{key}="{value}"' in rest for key, value in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def sse(self, path, headers=None):
        return SseClient(self.host, self.port, path, headers or {})


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Event:
    def __init__(self, fields, comments):
        self.id = fields.get("id")
        self.event = fields.get("event", "message")
        self.data = fields.get("data", "")
        self.retry = fields.get("retry")
        self.comments = comments


class SseClient:
    """A plain Server-Sent Events reader over a socket; decodes chunked framing."""

    def __init__(self, host, port, path, headers):
        self.socket = socket.create_connection((host, port), timeout=DEADLINE)
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Accept: text/event-stream"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        for line in iter(self.file.readline, b"\r\n"):
            name, _, value = line.decode().partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.text = b""
        self.ended = False
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            self.body = self.file.read(int(self.headers.get("content-length", "0")))

    def _more(self):
        size_line = self.file.readline()
        if not size_line:
            self.ended = True
            return
        size = int(size_line, 16)
        self.text += self.file.read(size)
        self.file.readline()
        self.ended = size == 0

    def events(self):
        """Yields events (retry and comment-only blocks too) until the stream ends."""
        while True:
            while b"\n\n" not in self.text:
                if self.ended:
                    return
                self._more()
            block, _, self.text = self.text.partition(b"\n\n")
            fields, comments, data = {}, [], []
            for line in block.decode().split("\n"):
                if line.startswith(":"):
                    comments.append(line[1:])
                    continue
                name, _, value = line.partition(":")
                value = value[1:] if value.startswith(" ") else value
                if name == "data":
                    data.append(value)
                else:
                    fields[name] = value
            if data:
                fields["data"] = "\n".join(data)
            yield Event(fields, comments)

    def messages(self, count):
        """The next `count` events that carry data."""
        found = []
        for event in self.events():
            if "data" in event.__dict__ and event.data and event.event == "message":
                found.append(event)
                if len(found) == count:
                    return found
        raise AssertionError(f"the stream ended after {len(found)} of {count} messages")

    def close(self):
        self.file.close()  # it holds the socket open as well
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class OneGateway:
    """Mixed into a TestCase whose tests share one gateway, each with an API of its own."""

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway().start()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()


# --- Kafka by independent clients ----------------------------------------------------------------


def kcat(*arguments, stdin=None, bootstrap=None):
    result = subprocess.run(["kcat", "-b", bootstrap or kafka(), *arguments], input=stdin,
                            capture_output=True, timeout=2 * DEADLINE)
    if result.returncode != 0:
        raise AssertionError(f"kcat {' '.join(arguments)}: {result.stderr.decode()}")
    return result.stdout


def create_topic(partitions=1, prefix="t"):
    topic = unique(prefix)
    script = ROOT / "tests" / "support" / "kafka" / "topic.sh"
    result = subprocess.run([str(script), os.environ["TIDEGATE_TEST_KAFKA_DIR"], "create", topic,
                             str(partitions)], capture_output=True, text=True, timeout=90)
    if result.returncode != 0:
        raise AssertionError(f"topic.sh: {result.stdout}{result.stderr}")
    return topic


def produce(topic, values, partition=None, key=None):
    where = ["-p", str(partition)] if partition is not None else []
    keyed = ["-k", key] if key else []
    kcat("-P", "-t", topic, *where, *keyed, stdin="\n".join(values).encode() + b"\n")


def consume(topic, count):
    """`count` records from the start, as [partition, offset, key, value] with headers."""
    out = kcat("-C", "-t", topic, "-o", "beginning", "-c", str(count), "-e", "-J")
    return [json.loads(line) for line in out.decode().splitlines()]
