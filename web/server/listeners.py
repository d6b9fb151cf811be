"""The sockets that the serving processes listen on: one for each, all on the same address.

The system spreads new connections over them. The main process keeps them open, so that connections
wait for the successor of a process that has died.
"""

import socket
from typing import Any

from granian import net
from granian.server.mp import MPServer, WorkerProcess

from shared.infrastructure.settings import Bind

BACKLOG = 1024
# How long a client may leave an answer unread, or a packet unacknowledged.
UNREAD_MILLISECONDS = 20_000
# Of answers, for each connection. The system's own limit is megabytes, all of which a client that
# reads nothing would get.
MOST_UNREAD = 32 * 1024


def listen(bind: Bind) -> socket.socket:
    """Return a new listening socket. The connections that it accepts inherit its options."""
    infos = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = infos[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Granian has no limit for sending an answer. The system drops the connection for it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MILLISECONDS)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_UNREAD)
    listener.bind(address)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


class ListeningServer(MPServer):
    """Granian's server with the sockets of `listen`, as it makes its own without those options.

    It has no public way to give it a socket for each process.
    """

    def __init__(self, bind: Bind, **options: Any) -> None:
        super().__init__("signup-relay", address=bind.host, port=bind.port, **options)
        self._bind = bind
        self._listeners: list[socket.socket] = []

    def _init_shared_socket(self) -> None:
        self._listeners = [listen(self._bind) for _ in range(self.workers)]

    def _spawn_worker(self, idx: int, *loaders: Any, **more: Any) -> WorkerProcess:
        granian: Any = net
        self._sso: Any = self._listeners[idx]
        self._shd: Any = granian.SocketHolder(self._sso.fileno(), False, BACKLOG)
        return super()._spawn_worker(idx, *loaders, **more)
