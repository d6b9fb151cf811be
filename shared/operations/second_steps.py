"""Second steps: sign-ins whose password was right, and which wait for a code.

Redis has a record of each, under a digest of a random id that only the browser has. It opens
nothing but the page that asks for the code. While Redis takes no writes, the browser's signed
cookie has what the record would have.
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial

import redis

from shared.domain.errors import LedgerUnavailable
from shared.domain.moments import read_moment
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger.stores import documents, stored_texts
from shared.operations.operators import Operator, read_operator

LIFE = timedelta(minutes=10)

# What the browser's signed cookie has: the id of the record; or, if there is none, the record.
Ticket = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Who waits for a code, with which epoch, and until when."""

    operator: str
    epoch: int
    until: datetime

    @classmethod
    def from_json(cls, stored: str) -> "_Waiting":
        found = json_object(stored)
        return cls(**found | {"until": read_moment(found["until"])})

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"until": self.until.isoformat()})


class SecondSteps:
    """`now` gives the time. Raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._operators = documents.operators(client)
        self._now = now

    def begin(self, operator: Operator) -> Ticket:
        """Begin the step, with a right password."""
        id = secrets.token_urlsafe(24)
        until = self._now() + LIFE
        waiting = _Waiting(operator.name, operator.epoch, until).to_json()
        try:
            self._record(id).write(waiting, LIFE)
        except LedgerUnavailable:
            return {"waiting": waiting}
        return {"id": id}

    def find(self, ticket: Ticket) -> Operator | None:
        """Return who waits for a code; None if it is too late, or the password has changed."""
        waiting = self._waiting(ticket)
        if waiting is None or waiting.until <= self._now():
            return None
        stored = self._operators.find(waiting.operator)
        operator = read_operator(waiting.operator, stored) if stored else None
        return operator if operator and operator.epoch == waiting.epoch else None

    def end(self, ticket: Ticket) -> None:
        """Forget the step. Never fails: what stays opens nothing without another code."""
        with contextlib.suppress(LedgerUnavailable):
            self._record(ticket.get("id", "")).remove()

    def _waiting(self, ticket: Ticket) -> _Waiting | None:
        stored = self._record(ticket["id"]).read() if "id" in ticket else ticket.get("waiting")
        if not stored:
            return None
        return read_one(RecordKind.SECOND_STEP, "", partial(_Waiting.from_json, stored))

    def _record(self, id: str) -> stored_texts.StoredText:
        digest = hashlib.sha256(id.encode()).hexdigest()[:32]
        return stored_texts.second_step(self._client, digest)
