"""Times and durations in the ledger's units: milliseconds, and microseconds for the pace."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from shared.domain.moments import usable_moment

_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_MS = 1000 * 366 * 86_400_000


@lru_cache  # the same few settings, for each sign-up
def in_milliseconds(duration: timedelta) -> int:
    return round(duration / _MILLISECOND)


def in_microseconds(duration: timedelta) -> int:
    return round(duration / _MICROSECOND)


def to_milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(stored: str | float | None) -> datetime | None:
    return None if stored is None else from_milliseconds(stored)


def from_milliseconds(stored: str | float) -> datetime:
    """Return the UTC time that the ledger wrote as milliseconds since 1970. Raises `ValueError` for
    one that is far from now."""
    try:
        return usable_moment(datetime.fromtimestamp(float(stored) / 1000, UTC))
    except (OverflowError, OSError) as error:
        raise ValueError("a time beyond all calendars") from error


def duration(milliseconds: int) -> timedelta:
    """Return the duration, which a stored time may have made absurd; ten centuries at most."""
    return timedelta(milliseconds=max(-_LONGEST_MS, min(milliseconds, _LONGEST_MS)))
