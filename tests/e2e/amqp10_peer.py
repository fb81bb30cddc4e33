"""The Solace-shaped AMQP 1.0 peer of tests/support/amqp10 as a child process."""

import json
import pathlib
import shutil
import socket
import subprocess
import tempfile

import harness

PEER = harness.ROOT / "tests" / "support" / "amqp10" / "peer.py"


class Peer:
    def __init__(self, *options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="amqp10-"))
        ports = self.dir / "ports.json"
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", str(PEER), "--ports-file", str(ports), *options],
            stdin=subprocess.PIPE)

        def ready():
            if self.process.poll() is not None:
                raise AssertionError("the AMQP 1.0 peer does not start")
            return ports.exists()

        harness.until(ready, "AMQP 1.0 peer ready")
        self.ports = json.loads(ports.read_text())
        self.port = self.ports["amqp"]
        self.socket = socket.create_connection(("127.0.0.1", self.ports["control"]), timeout=30)
        self.control = self.socket.makefile("rw")

    def ask(self, do, **order):
        self.control.write(json.dumps({"do": do, **order}) + "\n")
        self.control.flush()
        answer = json.loads(self.control.readline())
        if "error" in answer:
            raise AssertionError(f"peer: {do}: {answer['error']}")
        return answer

    def links(self, receives):
        return [link for link in self.ask("links")["links"] if link["receives"] == receives]

    def received(self):
        return self.ask("received")["messages"]

    def close(self):
        self.control.close()
        self.socket.close()
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)
