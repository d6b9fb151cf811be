"""How long something took, when it is, and how often it happened, in words."""

from datetime import UTC, datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def in_words(span: timedelta) -> str:
    """Return a duration in its two largest units, such as ``3 h 20 min``."""
    seconds = int(span.total_seconds())
    parts: list[str] = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def minute(moment: datetime) -> str:
    """Return the minute of a time, such as ``2026-03-01 14:05 UTC``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
