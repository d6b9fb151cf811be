"""When deliveries have stalled: something is due, no hold explains it, and nothing is delivered."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.domain.account import Hold

STALLED_AFTER = timedelta(hours=1)


def has_stalled(
    oldest_due: timedelta, last_delivery: datetime | None, holds: Iterable[Hold], at: datetime
) -> bool:
    """Whether nothing was delivered for an hour; time on hold does not count. A hold that begins
    later does not end a stall."""
    since = max(at - oldest_due, last_delivery or datetime.min.replace(tzinfo=UTC))
    until = min((at, *(hold.since for hold in holds)))
    return until - since >= STALLED_AFTER
