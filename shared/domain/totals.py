"""The counts of invariant 2: of one account, or of several together."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many sign-ups were `accepted` in all, and how many of these are in each state. What was
    cleared stays counted."""

    accepted: int = 0
    due: int = 0
    delivered: int = 0
    dead: int = 0
    discarded: int = 0
    quarantined: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in COUNTS})

    @property
    def in_a_state(self) -> int:
        return self.due + self.delivered + self.dead + self.discarded + self.quarantined


# In this order `accounts/glance.lua` and all tables have them.
COUNTS = tuple(each.name for each in fields(Totals))
