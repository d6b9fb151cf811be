"""What an operator sees of a job: how far it is, and how long it still takes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.domain.account import Hold
from shared.domain.field_change import FieldChange
from shared.domain.holds_in_words import goes_on, known_end
from shared.domain.job import JobAction, JobState, Obstacle, for_jobs, time_to_send
from shared.domain.quota_forecast import next_midnight
from shared.domain.signup import State
from shared.ledger.jobs import JobPart

# So many sign-ups of an index a job goes through in a second, or more.
STEPS_PER_SECOND = 2000

_CHOSEN = {
    "all": "all",
    "ids": "{} that were ticked or named",
    "group": "one cause",
    "words": "error with the words “{}”",
    "since": "received since {}",
    "until": "received before {}",
    "settled_since": "settled since {}",
    "died_since": "failed since {}",
    "email": "{}",
}


@dataclass(frozen=True, slots=True)
class Job:
    """A job with all its parts, one in each account that it concerns.

    While it goes through an index, `total` includes what it has yet to look at. `holds` are those
    of the first accounts `on_hold`, where somebody has read them.
    """

    parts: tuple[JobPart, ...]
    holds: Mapping[str, Sequence[Hold]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.parts[0].id

    @property
    def action(self) -> JobAction:
        return self.parts[0].action

    @property
    def note(self) -> str:
        """Why, in the operator's words; empty if they gave none."""
        return self.parts[0].note

    @property
    def undone(self) -> str | None:
        """The job whose discarding this one undoes."""
        return self.parts[0].undone

    @property
    def change(self) -> FieldChange | None:
        """What it changes of each sign-up before it is sent."""
        stored = self.parts[0].change
        return FieldChange.from_json(stored) if stored else None

    @property
    def accounts(self) -> list[str]:
        return sorted(part.account for part in self.parts)

    @property
    def by(self) -> str:
        return self.parts[0].by

    @property
    def chosen(self) -> str:
        return self.parts[0].chosen

    @property
    def chosen_in_words(self) -> str:
        """How its sign-ups were chosen, in words."""
        found = json.loads(self.chosen)
        found.pop("lists", None)  # to these it sends
        words = [_CHOSEN.get(name, f"{name} {{}}").format(value) for name, value in found.items()]
        return ", ".join(words)

    @property
    def form(self) -> str | None:
        """The form of all its sign-ups; None if nobody knows, or they are of several."""
        form: str | None = json.loads(self.chosen).get("form")
        return form

    @property
    def lists(self) -> list[str]:
        """The names of the lists to which it sends; empty if nobody knows, or its sign-ups are of
        several forms."""
        names: list[str] = json.loads(self.chosen).get("lists", [])
        return names

    @property
    def is_of_quarantine(self) -> bool:
        """Whether its sign-ups were in quarantine when it began."""
        return bool(json.loads(self.chosen).get("state") == State.QUARANTINED)

    @property
    def started_at(self) -> datetime:
        return min(part.started_at for part in self.parts)

    @property
    def ended_at(self) -> datetime | None:
        """When its last sign-up was settled; None before that."""
        ends = [part.ended_at for part in self.parts if part.ended_at]
        return max(ends) if len(ends) == len(self.parts) else None

    @property
    def total(self) -> int:
        return sum(part.total + part.unseen for part in self.parts)

    @property
    def unseen(self) -> int:
        """How many sign-ups it has yet to look at."""
        return sum(part.unseen for part in self.parts)

    @property
    def waiting(self) -> int:
        return sum(part.waiting + part.unseen for part in self.parts)

    @property
    def under_way(self) -> int:
        return sum(part.under_way for part in self.parts)

    @property
    def delivered(self) -> int:
        return sum(part.delivered for part in self.parts)

    @property
    def dead(self) -> int:
        return sum(part.dead for part in self.parts)

    @property
    def skipped(self) -> int:
        return sum(part.skipped for part in self.parts)

    @property
    def refused(self) -> int:
        """How many matched, but cannot be sent as they are. They stay, and are not in `total`."""
        return sum(part.refused for part in self.parts)

    @property
    def cancelled(self) -> int:
        return sum(part.cancelled for part in self.parts)

    @property
    def done(self) -> int:
        """How many are finished."""
        return self.total - self.waiting - self.under_way

    @property
    def changed(self) -> int:
        """How many were discarded, or are again what they were before."""
        return self.done - self.cancelled

    @property
    def obstacle(self) -> Obstacle | None:
        """Why no more of it becomes due just now; None while that of a part does."""
        obstacles = [part.obstacle for part in self.parts if part.ended_at is None]
        return obstacles[0] if obstacles and all(obstacles) else None

    @property
    def on_hold(self) -> list[str]:
        """The accounts on hold whose sign-ups it sends: nothing of them is sent now."""
        return sorted(part.account for part in self._held)

    @property
    def held(self) -> int:
        """How many of those under way wait for the end of a hold."""
        return sum(part.under_way for part in self._held)

    def holds_in_words(self, now: datetime) -> dict[str, str]:
        """Return by account why it waits and what ends that, as what follows the account's name."""
        return {name: goes_on(holds, now) for name, holds in self.holds.items() if holds}

    @property
    def resumes_at(self) -> datetime | None:
        """When the holds end for which all of it waits; None if it does not, or nobody knows."""
        going_on = [part for part in self.parts if part.ended_at is None]
        ends = [known_end(self.holds.get(part.account, ())) for part in self._held]
        known = [end for end in ends if end]
        return max(known) if known and len(known) == len(going_on) else None

    @property
    def sending(self) -> int:
        """How many of those under way are being sent, or are next."""
        return self.under_way - self.held

    @property
    def _held(self) -> list[JobPart]:
        if not self.action.sends:
            return []
        return [p for p in self.parts if p.ended_at is None and p.obstacle == Obstacle.HOLD]

    @property
    def waits_for(self) -> Obstacle | None:
        """Why nothing of it is sent now; None while something is, or after it has ended."""
        return self.obstacle if self.state == JobState.WAITING else None

    @property
    def is_cancelled(self) -> bool:
        return any(part.cancelled_at for part in self.parts)

    @property
    def state(self) -> JobState:
        if self.is_cancelled:
            return JobState.CANCELLED
        if self.ended_at:
            return JobState.DONE
        moves = (None, Obstacle.STEPPING, Obstacle.UNDER_WAY)
        goes_on = self.obstacle in moves or not self.action.sends
        return JobState.RUNNING if goes_on else JobState.WAITING

    def left(self, now: datetime) -> timedelta | None:
        """Return about how long it still takes; None when it has ended or this is unknown."""
        if self.ended_at:
            return None
        if not self.action.sends:
            return timedelta(seconds=self.unseen / STEPS_PER_SECOND)
        unknown = (Obstacle.HOLD, Obstacle.UNDER_WAY)
        if any(part.obstacle in unknown for part in self.parts):
            return None
        return max(_left(part, now) for part in self.parts)

    def left_then(self, now: datetime) -> timedelta | None:
        """Return about how long it takes from `resumes_at` on; None if that is unknown."""
        at = self.resumes_at
        return max(_left_from(part, at, now) for part in self._held) if at else None

    def ends_about(self, now: datetime) -> datetime | None:
        """Return about when it ends if nothing else is sent; None when it has ended or this is
        unknown."""
        left, then = self.left(now), self.left_then(now)
        if left is not None:
            return now + left
        return self.resumes_at + then if self.resumes_at and then is not None else None


def _left(part: JobPart, now: datetime) -> timedelta:
    waiting = part.waiting + part.unseen
    return time_to_send(part.before + waiting, part.pace, today=part.today, now=now)


def _left_from(part: JobPart, at: datetime, now: datetime) -> timedelta:
    waiting = part.waiting + part.unseen + part.under_way
    today = part.today if at < next_midnight(now) else for_jobs(part.pace.per_day)
    return time_to_send(part.before + waiting, part.pace, today=today, now=at)


def joined(parts: Iterable[JobPart]) -> list[Job]:
    """Return the jobs that consist of these parts, the latest first."""
    by_id: dict[str, list[JobPart]] = {}
    for part in parts:
        by_id.setdefault(part.id, []).append(part)
    found = [Job(tuple(each)) for each in by_id.values()]
    return sorted(found, key=lambda job: job.started_at, reverse=True)
