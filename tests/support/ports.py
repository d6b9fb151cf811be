"""Ports for servers that tests start, several test processes side by side."""

import random
import socket

# Below those that the system gives to connections: a client of a server that is away could else
# be given the server's own port, and be connected to itself.
PORTS = range(10_000, 30_000)

_held: list[socket.socket] = []


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on, and that nobody else gets from here.

    The port stays taken until this process ends, so that a server can come back on it; servers
    can listen on it all the same, as they set SO_REUSEADDR and nobody listens here.
    """
    while True:
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", random.choice(PORTS)))
        except OSError:
            probe.close()
            continue
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _held.append(probe)
        return int(probe.getsockname()[1])
