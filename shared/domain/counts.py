"""What was counted in a time: sign-ups, refused requests, and calls of the API."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`accepted` includes the `quarantined` ones; `refused` are requests that became no sign-up.
    `calls` of the API took `call_ms` milliseconds in all."""

    accepted: int = 0
    delivered: int = 0
    retried: int = 0
    dead: int = 0
    quarantined: int = 0
    refused: int = 0
    calls: int = 0
    call_ms: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in COUNTED})

    @property
    def latency(self) -> timedelta | None:
        """How long a call took on average; None if there was none."""
        return timedelta(milliseconds=self.call_ms / self.calls) if self.calls else None


# In the order in which the ledger's slots have them (`COUNTED` in scripts/lib/chart_slots.lua).
COUNTED = tuple(each.name for each in fields(Counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSlot:
    """What was counted from `at` on, for a minute, a quarter of an hour or a day. `due` is the most
    that was due at once; None if nobody looked."""

    at: datetime
    counts: Counts
    due: int | None = None
