"""A failure group: dead letters with one cause, so that an operator reads and mends it once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.signup import DeathReason

# The group of those whose records nobody can read.
UNREADABLE_GROUP = str(DeathReason.UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Dead letters of an account with the same reason, form and error.

    `message` leaves out what differs from one to the other. `form`, `error_key` and `message` are
    None in a group of others, which came when the account had too many groups. Since `first_at`,
    the group has never been empty; the last one came to it at `last_at`. `jobs` are those that
    send some of them again: how many wait in each, by its id.
    """

    id: str
    account: str
    reason: DeathReason
    form: str | None
    error_key: str | None
    message: str | None
    count: int
    first_at: datetime
    last_at: datetime
    jobs: Mapping[str, int] = field(default_factory=dict)

    @property
    def in_jobs(self) -> int:
        """How many are being retried by jobs."""
        return sum(self.jobs.values())

    @property
    def undecided(self) -> int:
        """How many wait for an operator's decision."""
        return max(0, self.count - self.in_jobs)


def are_retried(count: int, noun: str = "") -> str:
    """Return that jobs retry so many, without the full stop; `noun` follows the number."""
    them = f"{count:,} {noun}".rstrip()
    return f"{them} {'is' if count == 1 else 'are'} being retried by a job"
