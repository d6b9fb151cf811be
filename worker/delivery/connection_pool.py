"""Connections to Constant Contact that stay open from lane to lane."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.constant_contact.client import ConstantContact


class ConnectionPool:
    """Lends clients of the API, each to one lane at a time. Safe between threads.

    `connect` makes a new client for an API key.
    """

    def __init__(self, connect: Callable[[str], ConstantContact]) -> None:
        self._connect = connect
        self._idle: defaultdict[str, list[ConstantContact]] = defaultdict(list)

    @contextmanager
    def lend(self, client_id: str) -> Iterator[ConstantContact]:
        """Lend a client for the API key `client_id` while the block runs."""
        idle = self._idle[client_id]
        try:
            contacts = idle.pop()
        except IndexError:
            contacts = self._connect(client_id)
        try:
            yield contacts
        finally:
            idle.append(contacts)

    def close(self) -> None:
        """Close the connections that no lane uses now."""
        for idle in list(self._idle.values()):
            while idle:
                idle.pop().close()
