"""A broker that says what a test wants it to say: what real ones cannot be brought to."""

import socket
import struct
import threading
import time


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def packet(first, body=b""):
    size, out = len(body), bytearray([first])
    while True:
        size, low = size >> 7, size & 0x7F
        out.append(low | (0x80 if size else 0))
        if not size:
            return bytes(out) + body


def connack(reason=0, properties=b"", present=False):
    return packet(0x20, bytes([present, reason, len(properties)]) + properties)


def publish(topic, payload, properties=b"", qos=0, identifier=0):
    body = text(topic) + (struct.pack(">H", identifier) if qos else b"")
    return packet(0x30 | qos << 1, body + bytes([len(properties)]) + properties + payload)


def disconnect(reason, properties=b""):
    return packet(0xE0, bytes([reason, len(properties)]) + properties)


def client_id(body):
    """Of a CONNECT packet."""
    start = 11 + body[10]
    return body[start + 2:start + 2 + struct.unpack(">H", body[start:start + 2])[0]].decode()


class ScriptedBroker:
    """`answers`: connack (bytes), puback (reason; None: not yet, see release), suback (reason of
    a filter: a function), after_suback and after_puback (bytes), pings (whether it answers),
    hangs_up (after after_puback). What is bytes may be a function of the connection's number,
    counted from 1."""

    def __init__(self, **answers):
        self.answers = answers
        self.seen = []  # (type, body) of every packet that came
        self.times = []  # of every CONNECT
        self.held = []  # PUBACKs that were not sent
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.newest = connection
            threading.Thread(target=self._serve, args=(connection, self.connections),
                             daemon=True).start()

    def _serve(self, connection, number):
        try:
            stream = connection.makefile("rb")
            while head := stream.read(1):
                size = shift = 0
                while True:
                    byte = stream.read(1)[0]
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80:
                        break
                body = stream.read(size)
                self.seen.append((head[0] >> 4, body))
                answer = self._answer(head[0], body, connection, number)
                if answer is None:
                    break
                connection.sendall(answer)
                if head[0] >> 4 == 3 and self.answers.get("hangs_up"):
                    break
        except OSError:
            pass
        finally:
            connection.close()

    def _said(self, name, number, default=b""):
        value = self.answers.get(name, default)
        return value(number) if callable(value) else value

    def _answer(self, first, body, connection, number):
        kind = first >> 4
        if kind == 1:
            self.times.append(time.monotonic())
            return self._said("connack", number, connack())
        if kind == 3:
            size = struct.unpack(">H", body[:2])[0]
            identifier = body[2 + size:4 + size]
            if self.answers.get("puback", 0) is None:
                self.held.append((connection, packet(0x40, identifier + b"\0")))
                return self._said("after_puback", number)
            return packet(0x40, identifier + bytes([self.answers.get("puback", 0)])) + \
                self._said("after_puback", number)
        if kind == 8:
            start = 3 + body[2]
            size = struct.unpack(">H", body[start:start + 2])[0]
            topic = body[start + 2:start + 2 + size].decode()
            reason = self.answers.get("suback", lambda topic: 1)(topic)
            return packet(0x90, body[:2] + b"\0" + bytes([reason])) + \
                self._said("after_suback", number)
        if kind == 10:
            return packet(0xB0, body[:2] + b"\0\0")
        if kind == 12:
            return packet(0xD0) if self.answers.get("pings", True) else b""
        return None if kind == 14 else b""

    def say(self, answer):
        """On the newest connection, unasked."""
        self.newest.sendall(answer)

    def release(self):
        """Sends the PUBACKs that were held back, and holds none back from now on."""
        self.answers["puback"] = 0
        for connection, answer in self.held:
            connection.sendall(answer)

    def client_ids(self):
        return [client_id(body) for kind, body in list(self.seen) if kind == 1]

    def count(self, kind):
        return sum(1 for seen, _ in self.seen if seen == kind)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
