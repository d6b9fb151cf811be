"""Reviewing the quarantine: what an operator has ticked, or all that matches a filter."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.domain.replay import JobAction
from shared.domain.signup import Signup, State
from shared.operations.dead_letters import DeadLetters
from shared.operations.jobs import JobChoice, Jobs
from shared.operations.quarantine import Delivered, Quarantine
from shared.operations.replay_jobs import Job
from shared.operations.signup_lists import SignupFilter, SignupLists

# An operator waits for these. What is left matches again.
MOST_AT_ONCE = 500
QUARANTINED = SignupFilter(states=frozenset({State.QUARANTINED}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewChoice:
    """Quarantined sign-ups: those of `ticked`, each an account and an id, or all that match
    `filter`."""

    ticked: tuple[tuple[str, str], ...] = ()
    filter: SignupFilter = QUARANTINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The sign-ups that a choice means now, `MOST_AT_ONCE` at most.

    `left_out` of the ticked ones are not quarantined any more. With `more`, further ones match that
    were not looked at. A job can discard all of them, of which `in_all` there are at most; without
    that number, no job can.
    """

    signups: list[Signup]
    left_out: int = 0
    more: bool = False
    in_all: int | None = None


@dataclass(frozen=True, slots=True)
class Discarded:
    """The ids of what was discarded; or the job that discards many, which can be undone."""

    ids: list[str]
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class QuarantineReview:
    """Raises `Refused` and `WrongFilter` for what cannot be done, and `LedgerUnavailable`."""

    lists: SignupLists
    quarantine: Quarantine
    dead_letters: DeadLetters
    jobs: Jobs

    def find(self, choice: ReviewChoice) -> Reviewed:
        """Return what the choice means now. This changes nothing."""
        if choice.ticked:
            return self._ticked(choice.ticked[:MOST_AT_ONCE])
        page = self.lists.page(choice.filter, limit=MOST_AT_ONCE)
        if page.next is None:
            return Reviewed(signups=page.signups)
        of_job = _job_choice(choice.filter)
        in_all = sum(self.jobs.count(of_job).values()) if of_job else None
        return Reviewed(signups=page.signups, more=True, in_all=in_all)

    def deliver(self, choice: ReviewChoice) -> Delivered:
        """Make them due. Those that cannot be sent as they are stay."""
        return self.quarantine.deliver(self.find(choice).signups)

    def discard(self, choice: ReviewChoice, note: str) -> Discarded:
        """Discard them: one at once, more by a job, so that all of it can be undone. `note` says
        why."""
        found, of_job = self.find(choice), _job_choice(choice.filter)
        if found.more and of_job:
            return Discarded([], self.jobs.start(JobAction.DISCARD, of_job, note=note))
        if len(found.signups) < 2:
            return Discarded(self.dead_letters.discard(found.signups, note=note))
        return Discarded([], self._discard_by_job(choice, found.signups, note))

    def _discard_by_job(
        self, choice: ReviewChoice, signups: Sequence[Signup], note: str
    ) -> Job | None:
        chosen = _for_people(choice)
        return self.jobs.start_with(JobAction.DISCARD, signups, chosen, note=note)

    def _ticked(self, ticked: Sequence[tuple[str, str]]) -> Reviewed:
        found = self.lists.finder.ticked(ticked, State.QUARANTINED)
        return Reviewed(signups=found, left_out=len(ticked) - len(found))


def _for_people(choice: ReviewChoice) -> str:
    """Return how they were chosen, as JSON and without addresses."""
    if choice.ticked:
        return json.dumps({"ids": len(choice.ticked)})
    told = {"reason": choice.filter.reason, "email": choice.filter.email and "one person"}
    chosen = _job_choice(replace(choice.filter, reason=None, email=None))
    known = json.loads(chosen.to_json()) if chosen else {}
    return json.dumps(known | {name: value for name, value in told.items() if value})


def _job_choice(chosen: SignupFilter) -> JobChoice | None:
    """Return the same choice for a job. None if a job cannot make it: jobs keep no address, and
    know no reason of quarantine."""
    if chosen.email is not None or chosen.reason is not None:
        return None
    return JobChoice(state=State.QUARANTINED, account=chosen.account, filter=chosen.of_records)
