"""Jobs: changes of all sign-ups that match a filter at a moment, however many these are.

A job is stored with its filter and its moment. Who starts it does its first steps, so that a small
one has ended at once; the workers do the rest (`worker/upkeep/job_runner.py`).
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shared.domain.audit import Action, who_acts
from shared.domain.errors import Refused
from shared.domain.failure_group import UNREADABLE_GROUP
from shared.domain.field_change import FieldChange
from shared.domain.job import JobAction
from shared.domain.job_filter import JobFilter
from shared.domain.signup import Signup, State
from shared.infrastructure.timestamps import timestamp
from shared.ledger.jobs import JobLedger, ListIds, NewJob
from shared.ledger.ledger import event_by
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.dead_letters import discard_note
from shared.operations.form_targets import list_ids
from shared.operations.job_progress import Job, joined
from shared.operations.job_steps import JobSteps
from shared.operations.selection import ids_by_account

# Of so many accounts, a job says why they are on hold.
_HOLDS_READ = 10
# An operator waits for the first steps.
AT_ONCE = timedelta(milliseconds=400)

_AUDITED = {
    JobAction.RETRY: Action.REPLAY,
    JobAction.RETRY_FORM_LISTS: Action.REPLAY,
    JobAction.RETRY_EDITED: Action.REPLAY,
    JobAction.DELIVER: Action.DELIVER,
    JobAction.DISCARD: Action.DISCARD,
    JobAction.UNDO: Action.UNDO_DISCARD,
}
_EVENTS = {JobAction.DISCARD: "discarded", JobAction.UNDO: "discard undone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChoice:
    """Which dead letters, or quarantined sign-ups, at the moment when a job begins; None matches
    everything. `died_since` is about when they became that. What `filter` asks for is in the
    records alone, so a job with one takes longer. `of_form` is the form of a group: it is for
    people, and chooses nothing."""

    state: State = State.DEAD
    account: str | None = None
    reason: str | None = None
    group: str | None = None
    died_since: datetime | None = None
    filter: JobFilter = field(default_factory=JobFilter)
    of_form: str | None = None

    @property
    def index(self) -> str:
        """The sorted set with these sign-ups, and some more if there is a filter."""
        if self.group:
            return (
                "dead:unreadable" if self.group == UNREADABLE_GROUP else f"dead-group:{self.group}"
            )
        return f"dead:{self.reason}" if self.reason else str(self.state)

    def to_json(self) -> str:
        """Return what was chosen, for people."""
        chosen = {
            "state": None if self.state == State.DEAD else self.state,
            "account": self.account,
            "reason": self.reason,
            "group": self.group,
            "died_since": timestamp(self.died_since),
            "form": self.of_form,
            **json.loads(self.filter.to_json()),
        }
        known = {name: value for name, value in chosen.items() if value is not None}
        return json.dumps(known or {"all": True})


@dataclass(frozen=True, slots=True)
class Jobs:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`. `clock` is in seconds."""

    registry: Registry
    steps: JobSteps
    trail: AuditTrail
    clock: Callable[[], float]

    @property
    def _job_ledger(self) -> JobLedger:
        return self.steps.job_ledger

    def all(self) -> list[Job]:
        """Return all jobs that have not ended, or did so within 30 days, the latest first."""
        return joined(self._job_ledger.parts(*self.registry.account_names()))

    def going_on(self, account: str, form: str | None = None) -> list[Job]:
        """Return the account's part of the jobs that have not ended, without those of other forms
        than this one. Some may be of several forms."""
        return [
            job
            for job in joined(self._job_ledger.parts(account))
            if job.ended_at is None and (form is None or job.form in (None, form))
        ]

    def one(self, id: str) -> Job:
        """Return the job, with the holds that keep it."""
        found = [job for job in self.all() if job.id == id]
        if not found:
            raise _no_job(id)
        return self._with_holds(found[0])

    def count(self, choice: JobChoice) -> dict[str, int]:
        """Return how many sign-ups of each account a job of this choice would look at now."""
        names = self._accounts(choice)
        counts = self._job_ledger.counts(names, choice.index, choice.died_since)
        return {name: count for name, count in zip(names, counts, strict=True) if count}

    def start(
        self,
        action: JobAction,
        choice: JobChoice,
        *,
        note: str = "",
        change: FieldChange | None = None,
    ) -> Job | None:
        """Begin a job, and do as much of it as takes no time that an operator notices.

        Return the job; None when there is no such sign-up. `note` says why they are discarded,
        `change` what a job with an edit changes.
        """
        why = discard_note(note)
        job = NewJob(
            id=str(uuid.uuid4()),
            action=action,
            by=who_acts()["by"],
            chosen=self._told(action, choice.to_json()),
            filter=choice.filter.to_json(),
            index=choice.index,
            since=choice.died_since,
            event=_event(action, why),
            change=change.to_json() if change else None,
            lists=self._lists(action),
        )
        return self._begin(job, sorted(self.count(choice)), **_detail(action, change), **why)

    def start_with(
        self,
        action: JobAction,
        signups: Iterable[Signup],
        chosen: str,
        *,
        note: str = "",
        change: FieldChange | None = None,
    ) -> Job | None:
        """Begin a job with these sign-ups, and do all of it that needs no waiting. `chosen` says
        for people how they were chosen, as JSON.

        Return the job; None when all of them were settled otherwise meanwhile, have no lists to go
        to, or stay as they are with the change.
        """
        why: dict[str, Any] = discard_note(note)
        id, lists = str(uuid.uuid4()), self._lists(action)
        every = list(signups)
        told = self._told(action, _with_form(chosen, every))
        sent = self._sendable(action, every, lists, change)
        refused = Counter(each.account for each in every) - Counter(each.account for each in sent)
        done = 0
        for account, ids in sorted(ids_by_account(sent).items()):
            count = self._job_ledger.add(
                account,
                id,
                ids,
                by=who_acts()["by"],
                chosen=told,
                action=action,
                event=_event(action, why),
                change=change.to_json() if change else None,
                lists=lists.get(account),
                refused=refused[account],
            )
            if count:
                detail = {**_detail(action, change), **why}
                self.trail.add(_AUDITED[action], account=account, target=id, count=count, **detail)
            done += count
        return self.one(id) if done else None

    def undo(self, id: str) -> Job | None:
        """Begin a job that undoes the discarding of this one. None when nothing is left of that."""
        done = self.one(id)
        if done.action != JobAction.DISCARD:
            raise Refused(f"The job {id} has discarded nothing, so there is nothing to undo.")
        if done.ended_at is None:
            raise Refused(f"The job {id} still goes on. Stop it first.")
        job = NewJob(
            id=str(uuid.uuid4()),
            action=JobAction.UNDO,
            by=who_acts()["by"],
            chosen=done.chosen,
            filter=JobFilter().to_json(),
            index=State.DISCARDED,
            event=_event(JobAction.UNDO, {}),
            undone=id,
        )
        return self._begin(job, done.accounts, undone=id)

    def cancel(self, id: str) -> int:
        """Stop the job. Return how many sign-ups stay as they are; what it did is not undone."""
        names = self.registry.account_names()
        asked = {name: self._job_ledger.cancel(name, id, by=who_acts()["by"]) for name in names}
        kept = {name: count for name, count in asked.items() if count is not None}
        if not kept:
            raise _no_job(id)
        action = Action.CANCEL_REPLAY if self.one(id).action.retries else Action.CANCEL_JOB
        for account, count in kept.items():
            self.trail.add(action, account=account, target=id, kept=count)
        return sum(kept.values())

    def _accounts(self, choice: JobChoice) -> list[str]:
        if choice.account is None:
            return self.registry.account_names()
        self.registry.check_known(choice.account)
        return [choice.account]

    def _begin(self, job: NewJob, accounts: Sequence[str], **detail: Any) -> Job | None:
        """Begin it in these accounts; return it, or None when there is nothing to do."""
        counts = dict(zip(accounts, self._job_ledger.begin(accounts, job), strict=True))
        for account, count in counts.items():
            if count:
                action = _AUDITED[job.action]
                self.trail.add(action, account=account, target=job.id, count=count, **detail)
        if not any(counts.values()):
            return None
        is_over = partial(self._is_over, self.clock() + AT_ONCE.total_seconds())
        for account in accounts:
            self.steps.go_on(account, job.id, enough=is_over)
        return self.one(job.id)

    def _with_holds(self, job: Job) -> Job:
        if not (names := job.on_hold[:_HOLDS_READ]):
            return job
        figures = zip(names, self.steps.ledger.figures_of(names), strict=True)
        return replace(job, holds={name: each.holds for name, each in figures})

    def _told(self, action: JobAction, chosen: str) -> str:
        """Return how they were chosen, with the names of the lists that they go to, if they are of
        one form."""
        found = json.loads(chosen)
        if action != JobAction.RETRY_FORM_LISTS or "form" not in found:
            return chosen
        forms = self.registry.forms_named([found["form"]])
        names = [each.name for form in forms for each in form.lists]
        return json.dumps({**found, "lists": names})

    def _lists(self, action: JobAction) -> Mapping[str, ListIds]:
        """Return by account to which lists the job sends: as they are now, since an operator has
        read these names."""
        return list_ids(self.registry.forms()) if action == JobAction.RETRY_FORM_LISTS else {}

    def _sendable(
        self,
        action: JobAction,
        signups: list[Signup],
        lists: Mapping[str, ListIds],
        change: FieldChange | None,
    ) -> list[Signup]:
        """Return the sign-ups without those that the job leaves as they are."""
        if change:
            return self.steps.edits.changed(signups, change)
        if action == JobAction.RETRY_FORM_LISTS:
            return [each for each in signups if each.form in lists.get(each.account, {})]
        return signups

    def _is_over(self, until: float) -> bool:
        return self.clock() >= until


def _event(action: JobAction, why: Mapping[str, str]) -> str:
    """Return what the history of each sign-up says of it, as JSON."""
    return json.dumps(event_by(_EVENTS.get(action, ""), {**who_acts(), **why}))


def _detail(action: JobAction, change: FieldChange | None) -> dict[str, Any]:
    """Return what the audit trail says besides of such a job."""
    if change:
        return {**change.names()}
    return {"form_lists": True} if action == JobAction.RETRY_FORM_LISTS else {}


def _with_form(chosen: str, signups: Sequence[Signup]) -> str:
    """Return how they were chosen, with their form if they have the same."""
    forms = {each.form for each in signups}
    return json.dumps({**json.loads(chosen), "form": forms.pop()}) if len(forms) == 1 else chosen


def _no_job(id: str) -> Refused:
    return Refused(f"There is no job {id}. List the jobs with: relay failed jobs")
