"""All operators with what concerns their access: second factor, sessions, key, and when they were
last there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.infrastructure.timestamps import timestamp
from shared.operations.operator_keys import OperatorKey, OperatorKeys
from shared.operations.operators import Operator, Operators
from shared.operations.sessions import Session, Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSummary:
    """An operator, and their access. `sessions` go on, the last used first; `last_seen` is right to
    a minute, and None if they never signed in with this version."""

    operator: Operator
    has_second_factor: bool
    sessions: list[Session]
    last_seen: datetime | None
    key: OperatorKey | None

    def as_document(self) -> dict[str, Any]:
        """Return it as scripts read it."""
        return {
            "name": self.operator.name,
            "role": str(self.operator.role),
            "second_factor": self.has_second_factor,
            "sessions": len(self.sessions),
            "last_seen": timestamp(self.last_seen),
            "key_made": timestamp(self.key.made_at) if self.key else None,
            "key_used": timestamp(self.key.used_at) if self.key else None,
        }


@dataclass(frozen=True, slots=True)
class OperatorList:
    """Raises `LedgerUnavailable`."""

    operators: Operators
    sessions: Sessions
    keys: OperatorKeys

    def all(self) -> list[OperatorSummary]:
        """Return all operators, sorted by name."""
        return self._summaries(self.operators.all())

    def one(self, name: str) -> OperatorSummary:
        """Return this operator; raises `Refused` with the names that there are."""
        [summary] = self._summaries([self.operators.named(name)])
        return summary

    def _summaries(self, found: list[Operator]) -> list[OperatorSummary]:
        having, seen = self.operators.with_second_factor(), self.sessions.last_seen()
        keys = self.keys.all()
        return [
            OperatorSummary(
                operator=each,
                has_second_factor=each.name in having,
                sessions=list(self.sessions.all(each).values()),
                last_seen=seen.get(each.name),
                key=keys.get(each.name),
            )
            for each in found
        ]
