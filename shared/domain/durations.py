"""How long something took, when it is, and how often it happened, in words."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_WRITTEN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_WRITTEN = timedelta(days=36_500)


def in_words(span: timedelta) -> str:
    """Return a duration in its largest unit and the next one, such as ``3 h 20 min``."""
    left = int(span.total_seconds())
    if not left:
        return "0 s"
    counts = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        counts.append((count, unit))
    largest = next(place for place, (count, _) in enumerate(counts) if count)
    return " ".join(f"{count} {unit}" for count, unit in counts[largest : largest + 2] if count)


def read_duration(raw: str) -> timedelta:
    """Return a duration such as ``90s``, ``15m``, ``12h`` or ``30d``. Raises `ValueError`."""
    found = re.fullmatch("([0-9]{1,12})([smhd])", raw)
    if not found:
        raise ValueError("must be a duration such as 90s, 15m, 12h or 30d")
    seconds = int(found[1]) * _WRITTEN_UNITS[found[2]]
    if not 1 <= seconds <= _LONGEST_WRITTEN.total_seconds():
        raise ValueError(f"must be from 1s to {_LONGEST_WRITTEN.days}d")
    return timedelta(seconds=seconds)


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def minute(moment: datetime) -> str:
    """Return the minute of a time, such as ``2026-03-01 14:05 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def short_minute(moment: datetime, now: datetime) -> str:
    """Return the minute of a time, without the day if that is today in UTC."""
    today = moment.astimezone(UTC).date() == now.astimezone(UTC).date()
    return moment.astimezone(UTC).strftime("%H:%M UTC") if today else minute(moment)
