"""Looks: each sees to a part, on a thread of its own, so that none stops or delays another."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.check import Check, unknown
from shared.domain.errors import RelayError
from shared.infrastructure.logs import redact

log = logging.getLogger(__name__)

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Look:
    """One thing to look at. `name` and `title` are for the check that says why it came to nothing;
    `see` raises a `RelayError` where it cannot be looked at."""

    name: str
    title: str
    see: Callable[[], Iterable[Check]]
    account: str | None = None


def look_together(looks: Sequence[Look], within: timedelta) -> list[Check]:
    """Return what all looks saw, in their order; an unknown for each that is not done `within`."""
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="doctor")
    started = [pool.submit(_see, look) for look in looks]
    wait(started, timeout=within.total_seconds())
    # Those that have begun go on: one may be about to store tokens that nobody else has. The
    # process does not end before them, and each has a deadline of its own.
    pool.shutdown(wait=False, cancel_futures=True)
    return [
        check
        for look, seeing in zip(looks, started, strict=True)
        for check in _seen(look, seeing, within)
    ]


def _see(look: Look) -> list[Check]:
    return list(look.see())


def _seen(look: Look, seeing: "Future[list[Check]]", within: timedelta) -> list[Check]:
    if seeing.cancelled() or not seeing.done():
        return [_came_to_nothing(look, f"Not done within {within.total_seconds():g} s.")]
    match seeing.exception():
        case None:
            return seeing.result()
        case RelayError() as error:
            return [_came_to_nothing(look, f"{error}".rstrip(".") + ".")]
        case error:
            kind = type(error).__name__
            log.error("a check failed", extra={"check": look.name, "cause": redact(repr(error))})
            return [_came_to_nothing(look, f"The check itself failed ({kind}).")]


def _came_to_nothing(look: Look, cause: str) -> Check:
    return unknown(look.name, look.title, cause, account=look.account)
