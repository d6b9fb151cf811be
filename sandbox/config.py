"""What a sandbox is started with. Much of it can be changed at run time, see `settings`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, time


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """The first application registered in the sandbox, its limits, and where the data is kept.

    ``redirect_uris`` are the addresses that browsers may be sent back to; None for any.
    ``rotating`` is the kind of refresh token: single-use, or the same value for ever
    ("long lived"). Without a ``database`` everything is gone when the process ends.
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


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the sandbox takes its time from; tests put in their own.

    ``now`` (seconds since 1970) dates things and ends the day; ``monotonic`` measures
    the seconds of the rate limits.
    """

    now: Callable[[], float] = time
    monotonic: Callable[[], float] = monotonic
