"""A failure group: dead letters with one cause, so that an operator reads and mends it once."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.signup import DeathReason

# The group of those whose records nobody can read.
UNREADABLE_GROUP = str(DeathReason.UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Dead letters of an account with the same reason, form and error.

    `message` leaves out what differs from one to the other. `form`, `error_key` and `message` are
    None in a group of others, which came when the account had too many groups. Since `first_at`,
    the group has never been empty; the last one came to it at `last_at`.
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
