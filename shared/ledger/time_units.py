"""Times and durations in the ledger's units: milliseconds, and microseconds for the pace."""

from datetime import UTC, datetime, timedelta

_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)


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
    one beyond all calendars."""
    try:
        return datetime.fromtimestamp(float(stored) / 1000, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("a time beyond all calendars") from error
