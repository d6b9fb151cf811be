"""Moments that were stored or sent as text or as a number. Anything may be written there.

Those that are read are in UTC, in the years 1000 to 2999, so that all can be shown and calculated
with.
"""

from datetime import UTC, datetime

# What was "seen" 1,000 years ago, the longest `duration`, still is a moment.
_EARLIEST = datetime(1000, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def usable_moment(moment: datetime) -> datetime:
    """Return the moment in UTC. Raises `ValueError` if it has no zone or is far from now."""
    if moment.tzinfo is None or not _EARLIEST <= moment <= _LATEST:
        raise ValueError("no moment of the years 1000 to 2999, with its zone")
    return moment.astimezone(UTC)


def typed_moment(text: str) -> datetime:
    """Return the date or time that a person or a script means, as ISO 8601; in UTC unless it says
    otherwise. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    return usable_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def read_moment(stored: str) -> datetime:
    """Return the moment that is written as ISO 8601. Raises `ValueError` and `TypeError`."""
    return usable_moment(datetime.fromisoformat(stored))
