"""The doctor's own requests: how web recognizes them, and what web tells about them alone.

A request whose `Relay-Doctor` header proves that its sender knows RELAY_SECRET_KEY gets told how
web sees it. So the doctor learns what the proxies in front make of a request. Nobody else does.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from shared.infrastructure.sealing import derived_key

HEADER = "Relay-Doctor"
# Whoever sees the header on its way, such as a wrong server, can use it for so long.
LIVES = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request of the doctor as web saw it.

    `visitor` is the address that web believes, `forwarded_for` all that X-Forwarded-For had.
    `as_root` is whether web runs as root.
    """

    visitor: str
    forwarded_for: tuple[str, ...]
    host: str
    as_root: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def in_body(cls, body: object) -> Self | None:
        """Return what the answer's JSON tells; None if it tells nothing, or not to us."""
        told = body.get("seen") if isinstance(body, Mapping) else None
        if not isinstance(told, Mapping) or set(told) != set(cls.__slots__):
            return None
        return cls(**{**told, "forwarded_for": tuple(told["forwarded_for"])})


def proof(secret_key: str, at: datetime) -> str:
    """Return the header's value for a request at `at`."""
    second = int(at.timestamp())
    return f"{second}.{_signature(secret_key, second)}"


def is_doctor(value: str | None, secret_keys: Iterable[str], now: datetime) -> bool:
    """Return whether the header's value was made with one of the keys, and just now."""
    second, _, signature = (value or "").partition(".")
    if not (second.isascii() and second.isdigit() and len(second) < 16 and signature.isascii()):
        return False
    if abs(now.timestamp() - int(second)) > LIVES.total_seconds():
        return False
    return any(hmac.compare_digest(signature, _signature(key, int(second))) for key in secret_keys)


def _signature(secret_key: str, second: int) -> str:
    key = derived_key(secret_key, "doctor's visit")
    return hmac.new(key.encode(), str(second).encode(), "sha256").hexdigest()
