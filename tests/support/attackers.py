"""Strangers who hold connections open: they send slowly, never end, or read no answer."""

import contextlib
import resource
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from tests.support.beside import Beside

# A client whose buffer is small leaves more of an answer on the server.
RECEIVE_BUFFER = 4096


@dataclass(frozen=True, slots=True)
class Attack:
    """What one stranger sends: `first` at once, then `again` every second. Nobody reads."""

    first: bytes
    again: bytes = b""


class Attackers(Beside):
    """Opens a connection for each attack, and keeps it until the server closes it.

    `address_of` gives each, by its number, the address that it comes from.
    """

    def __init__(
        self,
        port: int,
        attacks: Iterable[Attack],
        *,
        address_of: Callable[[int], str] = lambda number: "127.0.0.1",
    ) -> None:
        super().__init__()
        self._port = port
        self._attacks = list(attacks)
        self._address_of = address_of
        self._open: dict[socket.socket, tuple[Attack, bytes]] = {}
        self._connected = threading.Event()

    def __enter__(self) -> Self:
        allow_open_files(len(self._attacks) + 500)
        super().__enter__()
        assert self._connected.wait(timeout=60), "not all could connect"
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for connection in self._open:
            connection.close()

    def _run(self) -> None:
        for number, attack in enumerate(self._attacks):
            connection = self._connect(number)
            self._send(connection, attack, attack.first)
        self._connected.set()
        while not self._ended.wait(1):
            for connection, (attack, unsent) in list(self._open.items()):
                self._send(connection, attack, unsent or attack.again)

    def _connect(self, number: int) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        connection.settimeout(30)
        connection.bind((self._address_of(number), 0))
        connection.connect(("127.0.0.1", self._port))
        connection.setblocking(False)
        return connection

    def _send(self, connection: socket.socket, attack: Attack, data: bytes) -> None:
        """Send as much as the server takes. Closed connections are forgotten."""
        try:
            with contextlib.suppress(BlockingIOError):
                data = data[connection.send(data) :]
        except OSError:
            self._open.pop(connection, None)
            connection.close()
        else:
            self._open[connection] = attack, data


def from_many_networks(number: int) -> str:
    """Return another loopback address for each number below 65,000."""
    return f"127.{1 + number // 250}.0.{2 + number % 250}"


def allow_open_files(count: int) -> None:
    """Let this process open so many files, if the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
