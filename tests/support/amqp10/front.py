"""The door of the AMQP 1.0 peer: TLS, SASL, and cutting the wire.

Debian's Proton has no SASL server beyond ANONYMOUS, so the exchange (OASIS AMQP 1.0 part 5) is
spoken here, and what follows is handed to the broker unchanged. Threads: one event loop of its own.
"""

import asyncio
import contextlib
import ssl
import struct

SASL_HEADER = b"AMQP\x03\x01\x00\x00"
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
CODE_OK, CODE_AUTH = 0, 1


def _frame(body):
    """A SASL frame: size, data offset, type 1, two unused bytes."""
    return struct.pack(">IBBH", len(body) + 8, 2, 1, 0) + body


def _mechanisms(names):
    symbols = b"".join(bytes([len(name)]) + name for name in names)
    array = bytes([0xE0, len(symbols) + 2, len(names), 0xA3]) + symbols
    return _frame(b"\x00\x53\x40\xC0" + bytes([len(array) + 1, 1]) + array)


def _outcome(code):
    return _frame(b"\x00\x53\x44\xC0\x03\x01\x50" + bytes([code]))


def _field(data, at):
    """One symbol or binary at `at`: its bytes (None for null) and where the next field begins."""
    kind = data[at]
    if kind == 0x40:
        return None, at + 1
    if kind in (0xA0, 0xA3, 0xA1):
        size = data[at + 1]
        return data[at + 2:at + 2 + size], at + 2 + size
    if kind in (0xB0, 0xB3, 0xB1):
        size = struct.unpack_from(">I", data, at + 1)[0]
        return data[at + 5:at + 5 + size], at + 5 + size
    raise ValueError(f"unexpected type {kind:#x} in sasl-init")


def parse_init(frame):
    """Mechanism and initial response of a sasl-init frame."""
    body = frame[8:]
    if body[:3] != b"\x00\x53\x41":
        raise ValueError("not a sasl-init")
    at = 3 + {0xC0: 3, 0xD0: 9}[body[3]]
    mechanism, at = _field(body, at)
    response = None
    if at < len(body):
        response, at = _field(body, at)
    return mechanism, response or b""


class Front:
    """Listens on loopback and relays to the broker's port."""

    def __init__(self, broker_port, port, users=None, certificate=None, key=None, vpns=()):
        self.broker_port = broker_port
        self.users = users  # None: authentication is off
        self.vpns = {name.lower() for name in vpns}  # server names that stand for a VPN
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate, key)
            self.tls.sni_callback = self._on_sni
        self.server_names = []  # as clients asked for them
        self.wires = set()
        self.stuck = False  # takes connections and says nothing
        self.server = None
        self.port = port

    def _on_sni(self, _socket, name, _context):
        self.server_names.append(name)
        if self.vpns and (name or "").lower() not in self.vpns:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    async def listen(self):
        self.server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.tls, reuse_address=True)

    async def cut(self):
        """The broker's machine is gone: no listener, no goodbye."""
        if self.server is not None:
            self.server.close()
            self.server = None
        for writer in list(self.wires):
            writer.transport.abort()
        self.wires.clear()

    async def _serve(self, reader, writer):
        self.wires.add(writer)
        try:
            if self.stuck:
                await reader.read()
                return
            first = await self._sasl(reader, writer)
            if first is not None:
                await self._relay(reader, writer, first)
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            self.wires.discard(writer)
            writer.close()

    async def _sasl(self, reader, writer):
        """The first bytes after SASL; None when the client may not come in."""
        header = await reader.readexactly(8)
        if header == AMQP_HEADER and self.users is None:
            return header
        if header != SASL_HEADER:
            writer.write(SASL_HEADER)
            await writer.drain()
            return None
        names = [b"PLAIN"] if self.users is not None else [b"PLAIN", b"ANONYMOUS"]
        writer.write(SASL_HEADER + _mechanisms(names))
        size = struct.unpack(">I", await reader.readexactly(4))[0]
        frame = struct.pack(">I", size) + await reader.readexactly(size - 4)
        mechanism, response = parse_init(frame)
        allowed = mechanism == b"ANONYMOUS" and self.users is None
        if mechanism == b"PLAIN":
            _, user, password = response.split(b"\x00")
            allowed = self.users is None or self.users.get(user.decode()) == password.decode()
        writer.write(_outcome(CODE_OK if allowed else CODE_AUTH))
        await writer.drain()
        return b"" if allowed else None

    async def _relay(self, reader, writer, first):
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.broker_port)
        up_writer.write(first)

        async def copy(source, target):
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            with contextlib.suppress(OSError):
                target.close()

        await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))
