"""The options a sandbox starts with. `rules` has those that can change while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """The first application, its limits, and the file that keeps the data.

    ``redirect_uris``: the addresses that browsers may return to; None allows any.
    ``rotating``: refresh tokens work once; otherwise they keep their value ("long-lived").
    ``database``: without it, all data ends with the process.
    ``hosts``: the names and addresses that it answers to, besides loopback.
    """

    client_id: str = "sandbox-key"
    client_secret: str = field(default="sandbox-secret", repr=False)
    redirect_uris: tuple[str, ...] | None = None
    requests_per_second: int = 4
    requests_per_day: int = 10_000
    token_requests_per_second: int = 1
    rotating: bool = True
    access_token_seconds: int = 86_400
    confirmed_opt_in: bool = False
    database: Path | None = None
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clock:
    """The sandbox's source of time; tests pass their own.

    ``now`` (seconds since 1970) dates records and ends the day; ``monotonic`` measures
    the seconds of the rate limits.
    """

    now: Callable[[], float] = time
    monotonic: Callable[[], float] = monotonic
