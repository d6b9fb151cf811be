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

    def count(self, address: str, *, at: str = "") -> timedelta | None:
        """Count one for the visitor with this address, unless there were too many.

        Returns how long to wait then. What is counted `at` one place says nothing of another.
        """
        wait = self.wait(address, at=at)
        if wait is None:
            visitor, network = _keys(address, at)
            self._visitors.count(visitor)
            self._networks.count(network)
        return wait

    def wait(self, address: str, *, at: str = "") -> timedelta | None:
        """Return how long the visitor must wait; None if one more is allowed."""
        visitor, network = _keys(address, at)
        return self._visitors.wait(visitor) or self._networks.wait(network)


def _keys(address: str, at: str) -> tuple[str, str]:
    return f"{client_network(address)} {at}", f"{wider_network(address)[0]} {at}"
