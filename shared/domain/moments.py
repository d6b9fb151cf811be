"""Moments that were stored or sent as text or as a number. Anything may be written there.

Those that are read are in UTC and in these centuries, so that all can be shown and calculated with.
"""

from datetime import UTC, datetime

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def usable_moment(moment: datetime) -> datetime:
    """Return the moment in UTC. Raises `ValueError` if it has no zone or is far from now."""
    if moment.tzinfo is None or not _EARLIEST <= moment <= _LATEST:
        raise ValueError("no moment in these centuries, with its zone")
    return moment.astimezone(UTC)


def read_moment(stored: str) -> datetime:
    """Return the moment that is written as ISO 8601. Raises `ValueError` and `TypeError`."""
    return usable_moment(datetime.fromisoformat(stored))
