"""How long records are kept, what is kept now, and when it will be cleared. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from shared.domain.durations import in_words, minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long records are kept after they were settled, by their state. None is for ever.

    `consent`: how long the evidence of consent is kept after it was given. `addresses`: how long
    visitors' network addresses are kept as they are.
    """

    delivered: timedelta | None
    discarded: timedelta | None
    quarantined: timedelta | None
    dead: timedelta | None
    consent: timedelta | None
    addresses: timedelta | None

    def of(self, name: str) -> timedelta | None:
        found: timedelta | None = getattr(self, name)
        return found

    @property
    def switched_on(self) -> dict[str, timedelta]:
        """Return how long each is kept that is not kept for ever, by its name."""
        return {
            each.name: kept for each in fields(self) if (kept := self.of(each.name)) is not None
        }

    @property
    def switched_off(self) -> list[str]:
        return [each.name for each in fields(self) if self.of(each.name) is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecords:
    """What is kept of one state, or of `consent` or `addresses`, over all accounts.

    `kept_for`: how long, None for ever. `since`: since when that counts, None if no worker has
    noted it yet. Of addresses there is no `count`. `oldest` is when the oldest was settled, or its
    consent given. `within_a_day`: how many will be cleared by this time tomorrow.
    """

    name: str
    kept_for: timedelta | None
    since: datetime | None
    count: int | None = None
    oldest: datetime | None = None
    within_a_day: int = 0

    @property
    def first_at(self) -> datetime | None:
        """Return when the first of all was or will be cleared, as retention counts from `since`."""
        return None if self.kept_for is None or self.since is None else self.since + self.kept_for

    @property
    def next_at(self) -> datetime | None:
        """Return when the next one is cleared; None if there is none, or no such time."""
        if self.first_at is None or self.oldest is None or self.kept_for is None:
            return None
        return max(self.first_at, self.oldest + self.kept_for)

    @property
    def in_words(self) -> str:
        return "for ever" if self.kept_for is None else in_words(self.kept_for)


def beginning(records: Iterable[KeptRecords], now: datetime) -> str | None:
    """Return since when retention counts, and that nothing was cleared yet; None afterwards."""
    firsts = [
        (each.first_at, each.since)
        for each in records
        if each.first_at and each.since and each.name != "addresses"
    ]
    if not firsts:
        return None
    first_at, since = min(firsts)
    if first_at <= now:
        return None
    return (
        f"Retention counts from {minute(since)}: the first records are cleared on"
        f" {minute(first_at)}."
    )
