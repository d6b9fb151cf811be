"""Which refusals speak for a form, when somebody asks whether it is broken.

One stranger can have a form refuse thousands of requests, with any origin. The visitors of a broken
form come from many networks. So of a network, one refusal a minute speaks for a form, and an origin
is worth adding if several networks have sent it. Nothing of this leaves the process's memory.
"""

from collections.abc import Callable
from datetime import timedelta

from shared.domain.window_counts import WindowCounts
from shared.infrastructure.addresses import is_local, wider_network

_MINUTE = timedelta(minutes=1)
# Some 200 KB. Strangers choose the origins, so there must be a bound.
_MOST_ORIGINS = 1000


class Witnesses:
    """`clock` is monotonic, in seconds. An address of this host or of a private network may be that
    of a proxy which nobody has named, so it stands for many visitors."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._spoken = WindowCounts(1, _MINUTE, clock=clock)
        # The only network that has sent the form this origin; None if there were several.
        self._senders: dict[tuple[str, str], str | None] = {}

    def hear(self, form: str, address: str, *, by_itself: bool) -> bool:
        """Whether one more refusal of this address speaks for the form.

        What a browser asks by itself costs a stranger nothing, and a broken page has it ask before
        each sign-up, or whenever it is shown. So of an unknown proxy, that counts once a minute.
        """
        if is_local(address) and not by_itself:
            return True
        return self._spoken.count(f"{wider_network(address)[0]} {form}") is None

    def from_several(self, form: str, origin: str, address: str) -> bool:
        """Note that this address has sent the origin. Returns whether several networks have."""
        sent, network = (form, origin), wider_network(address)[0]
        known = self._senders.setdefault(sent, network)
        if known != network:
            self._senders[sent] = None
        while len(self._senders) > _MOST_ORIGINS:
            del self._senders[next(iter(self._senders))]
        return self._senders.get(sent, network) is None
