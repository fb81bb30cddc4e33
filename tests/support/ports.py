#!/usr/bin/env python3
"""Free loopback ports for brokers that must come back on the port they had.

usage: ports.py N        one port a line

They lie below the kernel's ephemeral range: while a broker is down, no outgoing connection and no
bind to port 0 can be given its port.
"""

import contextlib
import pathlib
import random
import socket
import sys

LOWEST = 10240
RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")


def below_ephemeral():
    """The ports to choose from; all of them where the ephemeral range leaves no room."""
    first = int(RANGE.read_text().split()[0])
    return range(LOWEST, first) if first - LOWEST >= 1000 else range(LOWEST, 65536)


def free(count):
    """`count` different ports on which nothing listens."""
    choice = below_ephemeral()
    ports = []
    with contextlib.ExitStack() as held:
        for port in random.sample(choice, len(choice)):
            if len(ports) == count:
                break
            probe = held.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    if len(ports) < count:
        raise OSError(f"fewer than {count} free ports on loopback")
    return ports


if __name__ == "__main__":
    print(*free(int(sys.argv[1])), sep="\n")
