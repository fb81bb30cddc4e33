#!/usr/bin/env python3
"""A Solace-shaped AMQP 1.0 peer for the tests, on free loopback ports.

usage: peer.py [--ports-file FILE] [--user NAME:PASSWORD]… [--queue NAME[=SUBSCRIPTION]]…
               [--max-message-size N] [--certificate PEM --key PEM [--vpn NAME]…]

When all ports listen, {"amqp": N, "amqps": N, "control": N, "pid": N} is written to FILE (whole),
or as a line to standard output.
`control` takes one JSON object a line and answers with one:
  {"do": "cut"}                         no listener, every wire broken
  {"do": "restore"}                     listens again on the same ports; messages are kept
  {"do": "stuck", "on": true}           takes connections and says nothing
  {"do": "detach"|"close", "condition": "amqp:…", "text": "…"}
  {"do": "credit", "amount": N}         what new publishers are granted
  {"do": "queue", "name": "q", "subscription": "a/>"}   makes a queue
  {"do": "endpoints"|"links"|"received"|"outcomes"|"connections"|"server-names"}
Ends with its parent (when stdin closes).
"""

import argparse
import asyncio
import base64
import json
import os
import pathlib
import signal
import sys
import threading

from proton.reactor import Container

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import ports  # noqa: E402
from broker import Broker  # noqa: E402
from front import Front  # noqa: E402


def plain(value):
    """Anything of a message as JSON."""
    if isinstance(value, (bytes, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def describe(message):
    names = ("id", "user_id", "address", "subject", "reply_to", "correlation_id", "content_type",
             "ttl", "durable", "priority", "group_id", "creation_time", "inferred", "properties",
             "body")
    return {name: plain(getattr(message, name)) for name in names}


class Control:
    def __init__(self, broker, fronts):
        self.broker = broker
        self.fronts = fronts
        self.loop = asyncio.get_running_loop()

    def in_broker(self, function):
        future = self.loop.create_future()

        def reply(value):
            self.loop.call_soon_threadsafe(future.set_result, value)

        self.broker.post(function, reply)
        return future

    async def answer(self, order):
        what = order["do"]
        if what == "cut":
            for front in self.fronts:
                await front.cut()
            return {}
        if what == "restore":
            for front in self.fronts:
                if front.server is None:
                    await front.listen()
            return {}
        if what == "stuck":
            for front in self.fronts:
                front.stuck = order["on"]
            return {}
        if what == "server-names":
            return {"names": [name for front in self.fronts for name in front.server_names]}
        condition, text = order.get("condition", "amqp:internal-error"), order.get("text", "")
        jobs = {
            "detach": lambda b: b.detach_all(condition, text) or {},
            "close": lambda b: b.close_all(condition, text) or {},
            "credit": lambda b: setattr(b, "credit", order["amount"]) or {},
            "queue": lambda b: b.add_queue(order["name"], order.get("subscription")) or {},
            "endpoints": lambda b: {"endpoints": [
                {"key": key, "name": e.name, "subscription": e.subscription,
                 "durable": e.durable, "messages": len(e.messages),
                 "held": sum(len(link.held) for link in e.links), "links": len(e.links)}
                for key, e in b.endpoints.items()]},
            "links": lambda b: {"links": plain(b.links)},
            "received": lambda b: {"messages": [describe(m) for m in b.received]},
            "outcomes": lambda b: {"outcomes": dict(b.outcomes)},
            "connections": lambda b: {"count": len(b.connections)},
        }
        return await self.in_broker(jobs[what])

    async def serve(self, reader, writer):
        while line := await reader.readline():
            try:
                answer = await self.answer(json.loads(line))
            except (ValueError, KeyError) as error:
                answer = {"error": repr(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()


async def main(options):
    inner, plain_port, tls_port = ports.free(3)
    broker = Broker(inner, options.queue, options.max_message_size)
    threading.Thread(target=Container(broker).run, daemon=True).start()
    users = dict(user.split(":", 1) for user in options.user) or None
    fronts = [Front(broker.port, plain_port, users)]
    if options.certificate:
        fronts.append(
            Front(broker.port, tls_port, users, options.certificate, options.key, options.vpn))
    for front in fronts:
        await front.listen()
    control = Control(broker, fronts)
    server = await asyncio.start_server(control.serve, "127.0.0.1", 0)
    await control.in_broker(lambda _: {})  # the broker's thread runs and listens
    known = {"amqp": fronts[0].port, "control": server.sockets[0].getsockname()[1],
             "pid": os.getpid()}
    if options.certificate:
        known["amqps"] = fronts[1].port
    if options.ports_file:
        temporary = options.ports_file.with_suffix(".new")
        temporary.write_text(json.dumps(known))
        temporary.rename(options.ports_file)
    else:
        print(json.dumps(known), flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)),
                     daemon=True).start()
    await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports-file", type=pathlib.Path)
    parser.add_argument("--user", action="append", default=[])
    parser.add_argument("--queue", action="append", default=[])
    parser.add_argument("--max-message-size", type=int, default=0)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--vpn", action="append", default=[])
    asyncio.run(main(parser.parse_args()))
    os._exit(0)  # the broker's thread sits in its container
