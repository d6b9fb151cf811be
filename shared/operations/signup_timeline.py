"""The life of one sign-up, in the order in which it happened. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.domain.phrases import sentence
from shared.domain.reading.field_checks import editable_values
from shared.domain.signup import Signup, State
from shared.domain.state_words import reason_words
from shared.ledger.time_units import from_milliseconds

Tone = Literal["ok", "problem", "waiting", "unknown"]

_CAUGHT = "Quarantined."
_DONE = {
    "retried": "An operator retried it. Its attempts begin anew.",
    "delivered from quarantine": "An operator had it delivered from quarantine.",
    "discarded": "An operator discarded it.",
    "discard undone": "An operator undid the discarding.",
    "edited": "An operator corrected it.",
    "claim lost": "The worker that had it ended. Another one takes it over.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an operator corrected. It is personal data. Empty stands for no value."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttempt:
    """One try at it. `number` is None for one that was not counted."""

    at: datetime
    number: int | None
    seconds: float
    status: int | None
    error_key: str | None
    message: str | None
    tracking_id: str | None

    @property
    def answer(self) -> str:
        return f"HTTP {self.status}" if self.status else "no answer"

    @property
    def succeeded(self) -> bool:
        return self.status in (200, 201) and not self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """Something that happened. `what` is a sentence, which may quote Constant Contact; `name` does
    not. `by` is the operator, `note` what they wrote. `changes` are of an edit.
    """

    at: datetime
    name: str
    what: str
    tone: Tone = "unknown"
    by: str | None = None
    via: str | None = None
    note: str | None = None
    changes: tuple[Change, ...] = ()


def attempts(history: Sequence[Mapping[str, Any]]) -> list[ShownAttempt]:
    """Return every attempt, the oldest first. After a retry, they count from 1 again."""
    found, number = [], 0
    for entry in history:
        if entry.get("event") == "retried":
            number = 0
        elif "event" not in entry:
            number += bool(entry["counted"])
            found.append(_attempt(entry, number if entry["counted"] else None))
    return found


def timeline(signup: Signup, history: Sequence[Mapping[str, Any]]) -> list[TimelineEvent]:
    """Return what happened to the sign-up, the oldest first."""
    received = f"Received through the form {signup.form}."
    begun = TimelineEvent(at=signup.received_at, name="received", what=received, tone="ok")
    events = [begun, *_quarantined(signup, history)]
    events += [*_told(signup, history), *_settled(signup, history)]
    return sorted(events, key=lambda event: event.at)


def _attempt(entry: Mapping[str, Any], number: int | None) -> ShownAttempt:
    return ShownAttempt(
        at=from_milliseconds(entry["at"]),
        number=number,
        seconds=float(entry.get("seconds") or 0),
        status=entry.get("status"),
        error_key=entry.get("error_key"),
        message=entry.get("message"),
        tracking_id=entry.get("tracking_id"),
    )


def _quarantined(signup: Signup, history: Sequence[Mapping[str, Any]]) -> Iterator[TimelineEvent]:
    """Yield that it was quarantined. Of what an earlier version delivered from there, only the
    history tells."""
    why = signup.quarantine
    if why or any(entry.get("event") == "delivered from quarantine" for entry in history):
        said = ", ".join(map(reason_words, why.reasons)) if why else ""
        what = f"Quarantined: {said}. Score: {why.score}." if why else _CAUGHT
        yield TimelineEvent(at=signup.received_at, name="quarantined", what=what, tone="waiting")


def _death(at: datetime, reason: str | None, more: str = "") -> TimelineEvent:
    return TimelineEvent(
        at=at, name="dead", what=f"Failed: {reason_words(str(reason))}.{more}", tone="problem"
    )


def _told(signup: Signup, history: Sequence[Mapping[str, Any]]) -> Iterator[TimelineEvent]:
    tries = iter(attempts(history))
    changes = iter(_changes(signup, history))
    for entry in history:
        if "died_at" in entry:  # an operator changed what had been a dead letter since then
            yield _death(from_milliseconds(entry["died_at"]), entry["was"])
        yield _operators(entry, changes) if "event" in entry else _tried(next(tries))


def _tried(attempt: ShownAttempt) -> TimelineEvent:
    name = f"Attempt {attempt.number}" if attempt.number else "An attempt that does not count"
    why = attempt.message or attempt.error_key
    told = f"{name}: {attempt.answer}" + (f", {why}" if why else "")
    return TimelineEvent(
        at=attempt.at,
        name=f"{name}: {attempt.answer}",
        what=sentence(told),
        tone="ok" if attempt.succeeded else "problem",
    )


def _operators(entry: Mapping[str, Any], changes: Iterator[tuple[Change, ...]]) -> TimelineEvent:
    name = str(entry["event"])
    return TimelineEvent(
        at=from_milliseconds(entry["at"]),
        name=name,
        what=_DONE.get(name, sentence(f"A worker lost it: {name}")),
        tone="unknown" if name in _DONE and name != "claim lost" else "waiting",
        by=entry.get("by"),
        via=entry.get("via"),
        note=entry.get("note"),
        changes=next(changes) if name == "edited" else (),
    )


def _changes(signup: Signup, history: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Change, ...]]:
    """Return what each edit changed, the oldest first. Only the values before are stored, so the
    walk begins with the values of now."""
    values, found = editable_values(signup.contact) | {"lists": ", ".join(signup.lists)}, []
    for entry in reversed([each for each in history if each.get("event") == "edited"]):
        before = _before(entry)
        found.append(
            tuple(
                Change(field=name, before=old, after=values.get(name, ""))
                for name, old in sorted(before.items())
            )
        )
        values |= before
    return reversed(found)


def _before(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the values before an edit. Earlier versions kept the names of the fields alone."""
    before = entry.get("before")
    return {str(k): str(v) for k, v in before.items()} if isinstance(before, dict) else {}


def _is_told(died_at: datetime, history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the history tells of the death: a discarding that was undone noted it."""
    return any(
        "died_at" in entry and from_milliseconds(entry["died_at"]) == died_at for entry in history
    )


def _settled(signup: Signup, history: Sequence[Mapping[str, Any]]) -> Iterator[TimelineEvent]:
    """Yield how it ended. Who discarded it is in the history, but for what an older version did."""
    if signup.settled_at is None:
        return
    if signup.state == State.DELIVERED:
        done = {"created": "a new contact", "updated": "a contact that it knew"}
        as_what = done.get(signup.action or "", "asked to confirm" if signup.action else "")
        told = f"Delivered{f': {as_what}' if as_what else ''}."
        yield TimelineEvent(at=signup.settled_at, name="delivered", what=told, tone="ok")
    elif signup.state == State.DEAD and not _is_told(signup.settled_at, history):
        lost = f" Lost claims: {signup.lost}." if signup.lost else ""
        yield _death(signup.settled_at, signup.reason, lost)
    elif signup.state == State.DISCARDED and not any(
        entry.get("event") == "discarded" for entry in history
    ):
        yield TimelineEvent(at=signup.settled_at, name="discarded", what=_DONE["discarded"])
