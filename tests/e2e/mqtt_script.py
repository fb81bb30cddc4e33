"""A broker that says what a test wants it to say: what real ones cannot be brought to."""

import socket
import struct
import threading


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


class ScriptedBroker:
    """`answers`: connack (bytes), puback (reason), suback (reason of a filter: a function),
    after_suback (bytes), pings (whether it answers)."""

    def __init__(self, **answers):
        self.answers = answers
        self.seen = []  # (type, body) of every packet that came
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
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
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
                answer = self._answer(head[0], body)
                if answer is None:
                    break
                connection.sendall(answer)
        except OSError:
            pass
        finally:
            connection.close()

    def _answer(self, first, body):
        kind = first >> 4
        if kind == 1:
            return self.answers.get("connack", connack())
        if kind == 3:
            size = struct.unpack(">H", body[:2])[0]
            identifier = body[2 + size:4 + size]
            return packet(0x40, identifier + bytes([self.answers.get("puback", 0)]))
        if kind == 8:
            start = 3 + body[2]
            size = struct.unpack(">H", body[start:start + 2])[0]
            topic = body[start + 2:start + 2 + size].decode()
            reason = self.answers.get("suback", lambda topic: 1)(topic)
            return packet(0x90, body[:2] + b"\0" + bytes([reason])) + \
                self.answers.get("after_suback", b"")
        if kind == 10:
            return packet(0xB0, body[:2] + b"\0\0")
        if kind == 12:
            return packet(0xD0) if self.answers.get("pings", True) else b""
        return None if kind == 14 else b""

    def count(self, kind):
        return sum(1 for seen, _ in self.seen if seen == kind)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
