"""A trouble: something that an operator should know of, for as long as it stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad a trouble is."""

    WARNING = "warning"  #: everything still works, but will not for ever
    PROBLEM = "problem"  #: sign-ups wait because of it


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCondition:
    """What stands now. `key` is the same for as long as it is the same trouble: its `kind`, and
    what it is about behind a colon. Troubles of one kind may share a message.

    `since` is None where only the first look at it can tell. `over` is the title of the notice
    that it has ended, written down at once, as nothing is left to tell of it by then.
    """

    key: str
    severity: Severity
    title: str
    body: str
    over: str
    account: str | None = None
    since: datetime | None = None

    @property
    def kind(self) -> str:
        return self.key.partition(":")[0]
