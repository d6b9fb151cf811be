"""What forwarding headers say of the proxies in front, and whether RELAY_TRUSTED_PROXIES fits."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self

# Headers in which proxies name the visitor, the one that counts first.
FORWARDING_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP")
# All by which a proxy shows itself.
_SHOWN_BY = {"via", "true-client-ip", *(name.lower() for name in FORWARDING_HEADERS)}


def is_forwarded(headers: Iterable[str]) -> bool:
    """Whether a request with headers of these names came through a proxy that says so."""
    names = [name.lower() for name in headers]
    return any(name in _SHOWN_BY or name.startswith("x-forwarded-") for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A request whose visitor is not known, because proxies and settings do not fit.

    `headers` are the names of the forwarding headers that it had, `addresses` is how many
    X-Forwarded-For had, `trusted` the setting then. `private` means that it came from this host or
    a private network, as from a proxy.
    """

    headers: tuple[str, ...]
    addresses: int
    trusted: int
    private: bool

    @property
    def certain(self) -> bool:
        """Whether a proxy did it, and not a visitor who can reach web without one."""
        return self.private and bool(self.headers)

    @property
    def found(self) -> str:
        """What is wrong, and what that means for the sign-ups."""
        if not self.trusted:
            came = f"Requests come with {' and '.join(self.headers)}, as from a proxy"
        elif self.addresses >= self.trusted:
            came = "Requests come with an X-Forwarded-For in which the visitor is no address"
        else:
            count = {0: "no address", 1: "1 address"}.get(
                self.addresses, f"{self.addresses} addresses"
            )
            came = f"Requests come with {count} in X-Forwarded-For"
        who = (
            "All visitors behind that proxy"
            if self.certain
            else "If a proxy sent them, its visitors"
        )
        return (
            f"{came}, but RELAY_TRUSTED_PROXIES is {self.trusted}. {who} share one address: its"
            " limit, and the evidence of consent."
        )

    @property
    def fix(self) -> str:
        """What to do. If no proxy of ours did it, following the usual advice would do harm."""
        if self.certain:
            return self._count_proxies
        if self.trusted:
            return (
                "If visitors reach web without the proxy, let it alone reach web: strangers could"
                f" choose their address. If they do not: {self._count_proxies}"
            )
        return (
            "Anybody can send such a header. If no proxy of yours is in front, leave"
            " RELAY_TRUSTED_PROXIES at 0: otherwise strangers could choose their address. If there"
            f" is one: {self._count_proxies}"
        )

    @property
    def _count_proxies(self) -> str:
        if self.trusted:
            return (
                "Set RELAY_TRUSTED_PROXIES to the number of proxies that add to X-Forwarded-For, or"
                " let each of them add to it. Then restart web."
            )
        return (
            "Set RELAY_TRUSTED_PROXIES to the number of proxies in front, mostly 1, and let each"
            " of them add to X-Forwarded-For. Then restart web."
        )

    def to_json(self, seen_at: str) -> str:
        return json.dumps(asdict(self) | {"seen_at": seen_at})

    @classmethod
    def from_json(cls, text: str) -> Self:
        stored = json.loads(text)
        known = {name: stored[name] for name in ("addresses", "trusted", "private")}
        return cls(headers=tuple(map(str, stored["headers"])), **known)
