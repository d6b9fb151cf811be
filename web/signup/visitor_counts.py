"""Limits of visitors that this process counts in its own memory: by address and by network."""

from collections.abc import Callable
from datetime import timedelta

from shared.domain.window_counts import WindowCounts
from shared.infrastructure.addresses import client_network, wider_network
from shared.infrastructure.settings import RateLimit
from shared.ledger.limits import VISITORS_OF_A_NETWORK


class VisitorCounts:
    """Allows each visitor so many as `limit` says, and a network as many as some visitors.

    `clock` is monotonic, in seconds. The ledger counts what reaches it in the same way.
    """

    def __init__(self, limit: RateLimit, *, clock: Callable[[], float]) -> None:
        self._visitors = WindowCounts(limit.count, limit.window, clock=clock)
        most = limit.count * VISITORS_OF_A_NETWORK
        self._networks = WindowCounts(most, limit.window, clock=clock)

    def count(self, address: str) -> timedelta | None:
        """Count one for the visitor with this address, unless there were too many.

        Returns how long to wait then.
        """
        wait = self.wait(address)
        if wait is None:
            self._visitors.count(client_network(address))
            self._networks.count(wider_network(address)[0])
        return wait

    def wait(self, address: str) -> timedelta | None:
        """Return how long the visitor must wait; None if one more is allowed."""
        visitor = self._visitors.wait(client_network(address))
        return visitor or self._networks.wait(wider_network(address)[0])
