"""Sessions: each browser in which an operator is signed in to the console.

Redis has a record of each, under a digest of the random id that only the browser has. A session
ends by itself after `IDLE` without use, and after `LONGEST` in any case.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import redis

from shared.domain.audit import Action
from shared.domain.moments import read_moment
from shared.infrastructure.stored_records import RecordKind, json_object, read_all
from shared.ledger.stores import documents
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.operators import Operator, read_operator

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)
# Of one operator. A further one ends the one that was not used for longest.
MOST_SESSIONS = 20
# How long a session lives that Redis never stored. Only a changed password or role can end it
# earlier, as nothing can note that it ended.
UNSTORED_LIFE = timedelta(hours=1)
# The epoch of what stays of an ended session. No operator has it.
_ENDED = -1
# Stands for the digests of sessions that Redis never stored.
_OTHERS = "others"
# A use is noted so often, so that not every page writes to Redis.
NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How a request came: the visitor's address, and the kind of browser."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What Redis knows of a session. It counts only while the operator has this `epoch`. `late`: it
    began while Redis took no writes, so a copy of its cookie may ask to have it stored once more.
    """

    epoch: int
    begun_at: datetime
    seen_at: datetime
    address: str
    browser: str
    late: bool = False

    @classmethod
    def from_json(cls, stored: str) -> "Session":
        found = json_object(stored)
        times = {name: read_moment(found[name]) for name in ("begun_at", "seen_at")}
        return cls(**found | times)

    def to_json(self) -> str:
        times = {"begun_at": self.begun_at.isoformat(), "seen_at": self.seen_at.isoformat()}
        stored = asdict(self) | times
        if not self.late:  # an older version knows no such field
            del stored["late"]
        return json.dumps(stored)

    @property
    def is_over(self) -> bool:
        """Whether this is only what stayed of it."""
        return self.epoch == _ENDED

    def has_ended(self, epoch: int, now: datetime) -> bool:
        """Whether it is over for an operator who has this `epoch`."""
        is_over = now - self.begun_at >= LONGEST or now - self.seen_at >= IDLE
        return is_over or self.epoch != epoch

    def left_after(self, now: datetime) -> str | None:
        """Return what stays stored once it has ended: while a copy could have it stored again, a
        record that says so."""
        if self.late and now - self.begun_at < UNSTORED_LIFE:
            return replace(self, epoch=_ENDED).to_json()
        return None

    def seen_also(self, at: datetime) -> "Session":
        return replace(self, seen_at=max(self.seen_at, at))

    def seen(self, visit: Visit, now: datetime) -> "Session":
        return replace(self, seen_at=now, address=visit.address, browser=visit.browser)


class Sessions:
    """The sessions of all operators. `now` gives the time. Raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._operators = documents.operators(client)
        self._seen = documents.last_seen(client)
        self._trail = AuditTrail(client)
        self._now = now

    def find(self, name: str, id: str) -> tuple[Operator | None, Session | None]:
        """Return the operator, and the record of their session `id`, which may have ended."""
        operator = self._operators.find(name)
        if operator is None:
            return None, None
        digest = _digest(id)
        stored = self._of(name).find(digest)
        session = _read(name, {digest: stored}).get(digest) if stored else None
        return read_operator(name, operator), session

    def all(self, operator: Operator) -> dict[str, Session]:
        """Return the operator's sessions that have not ended by digest, the last used first."""
        now = self._now()
        stored = self._of(operator.name).all()
        going_on = {
            digest: found
            for digest, found in _read(operator.name, stored).items()
            if not found.has_ended(operator.epoch, now)
        }
        return dict(sorted(going_on.items(), key=lambda each: each[1].seen_at, reverse=True))

    def last_seen(self) -> dict[str, datetime]:
        """Return when each operator last used the console, right to a minute."""
        return read_all(RecordKind.LAST_SEEN, self._seen.all(), read_moment)

    def begin(
        self, operator: Operator, id: str, visit: Visit, begun_at: datetime | None = None
    ) -> bool:
        """Store the session `id`; False if it was ended. `begun_at` is given if Redis took no
        writes then."""
        now, digest = self._now(), _digest(id)
        session = Session(
            epoch=operator.epoch,
            begun_at=begun_at or now,
            seen_at=now,
            late=begun_at is not None,
            **asdict(visit),
        )

        def decide(stored: dict[str, str]) -> tuple[documents.Changes, bool]:
            known = _read(operator.name, stored)
            was_ended = _was_ended(known, digest, session)
            if was_ended or digest in stored:
                return {}, not was_ended
            ended = _ended(known, _without_room(operator, stored, known, now), now)
            return {**ended, digest: session.to_json()}, True

        self._seen.save(operator.name, now.isoformat())
        return self._of(operator.name).change_and_tell(decide)

    def note_use(self, operator: Operator, id: str, visit: Visit) -> None:
        """Note that the session was used now, unless it has ended meanwhile."""

        def decide(stored: dict[str, str]) -> documents.Changes:
            known = _read(operator.name, stored).get(_digest(id))
            return {_digest(id): known.seen(visit, self._now()).to_json()} if known else {}

        self._seen.save(operator.name, self._now().isoformat())
        self._of(operator.name).change(decide)

    def end(self, name: str, id: str) -> None:
        def decide(stored: dict[str, str]) -> documents.Changes:
            return _ended(_read(name, stored), [_digest(id)], self._now())

        self._of(name).change(decide)

    def end_others(self, name: str, id: str) -> int:
        """End all sessions of the operator but `id`; return how many there were."""

        def decide(stored: dict[str, str]) -> tuple[documents.Changes, int]:
            others = stored.keys() - {_digest(id)}
            known, now = _read(name, stored), self._now()
            ending = [each for each in others if not (each in known and known[each].is_over)]
            changed = {**_ended(known, others, now), _OTHERS: _all_until(now).to_json()}
            return changed, len(ending)

        count = self._of(name).change_and_tell(decide)
        self._trail.add(Action.SIGN_OUT_ELSEWHERE, target=name, sessions=count)
        return count

    def _of(self, operator: str) -> documents.Documents:
        return documents.sessions(self._client, operator, LONGEST)


def is_of(digest: str, id: str) -> bool:
    """Whether the record under `digest` is of the session `id`."""
    return digest == _digest(id)


def _read(operator: str, stored: dict[str, str]) -> dict[str, Session]:
    """Return those that can be read."""
    return read_all(RecordKind.SESSION, stored, Session.from_json, of=operator)


def _all_until(now: datetime) -> Session:
    """Return what says that all sessions from before now have ended which Redis never stored."""
    return Session(epoch=_ENDED, begun_at=now, seen_at=now, address="", browser="", late=True)


def _was_ended(known: dict[str, Session], digest: str, session: Session) -> bool:
    """Whether a session that asks to be stored was ended before."""
    if digest in known:
        return known[digest].is_over
    return session.late and _OTHERS in known and session.begun_at <= known[_OTHERS].begun_at


def _ended(
    known: dict[str, Session], digests: Iterable[str], now: datetime
) -> dict[str, str | None]:
    """Return what to store in place of these sessions, which end now; None for nothing."""
    return {each: known[each].left_after(now) if each in known else None for each in digests}


def _without_room(
    operator: Operator, stored: Iterable[str], known: dict[str, Session], now: datetime
) -> list[str]:
    """Return those of the `stored` digests whose sessions have ended, or must end so that one more
    has room. `known` are the sessions that can be read."""
    going_on = [digest for digest, each in known.items() if not each.has_ended(operator.epoch, now)]
    going_on.sort(key=lambda digest: known[digest].seen_at)
    room_needed = max(0, len(going_on) + 1 - MOST_SESSIONS)
    return [*(set(stored) - set(going_on)), *going_on[:room_needed]]


def _digest(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:32]
