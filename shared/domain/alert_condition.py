"""A condition that operators are alerted of, for as long as it is active."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad a condition is."""

    WARNING = "warning"  #: everything still works, but not forever
    PROBLEM = "problem"  #: sign-ups wait because of it


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCondition:
    """What is wrong now. `key` stays the same while the condition is active: its `kind`, and what
    it is about behind a colon. Conditions of one kind may share a message.

    `since` is None where only the first look at it can tell. `over` is the title of the notice
    that it has ended. It is written down at the beginning, as nothing is left to tell it later.
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
