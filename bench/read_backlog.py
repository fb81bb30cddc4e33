"""One SSE consumer reads a topic's backlog: the gateway's CPU for a message, and beside it what a
plain client of the same library takes for the same records (kcat).

usage: read_backlog.py HOST:PORT PATH GATEWAY-PID KAFKA-HOST:PORT TOPIC MESSAGES

Prints two lines of JSON; exits with 1 when the messages do not come.
"""

import json
import os
import resource
import socket
import subprocess
import sys

PATIENCE = 60.0  # seconds without anything


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(name, seconds, count):
    print(json.dumps({"mode": "consume", "name": name, "messages": count,
                      "cpu_us_per_unit": round(seconds * 1e6 / count, 3)}), flush=True)


def ours(address, path, pid, count):
    host, port = address.rsplit(":", 1)
    stream = socket.create_connection((host, int(port)), timeout=PATIENCE)
    before = cpu_seconds(pid)
    # A name of its own for every run: at-least-once goes on where a known consumer stood.
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n"
                   f"X-Gravitee-Client-Identifier: bench-{os.getpid()}\r\n\r\n".encode())
    seen, tail = 0, b""
    while seen < count:
        data = stream.recv(1 << 18)
        if not data:
            sys.exit(f"the stream ended after {seen} of {count}")
        data = tail + data
        seen += data.count(b"\ndata: ")
        tail = data[-6:]  # shorter than what is counted
    report("ours", cpu_seconds(pid) - before, seen)


def floor(kafka, topic, count):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["taskset", "-c", "0", "kcat", "-b", kafka, "-C", "-t", topic, "-o",
                    "beginning", "-c", str(count), "-q"], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report("floor", after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, count)


def main(address, path, pid, kafka, topic, count):
    floor(kafka, topic, int(count))
    ours(address, path, int(pid), int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
