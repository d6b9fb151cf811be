"""Retrying dead letters: a few at once, many as a job, which workers do bit by bit."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.audit import Action, who_acts
from shared.domain.errors import NoSuchJob, Refused
from shared.domain.field_change import FieldChange
from shared.domain.job import LARGE, JobAction, TimeToSend, for_jobs, plan_sending
from shared.domain.job_filter import JobFilter
from shared.domain.signup import DeathReason, Signup, State
from shared.domain.state_words import state_words
from shared.ledger.jobs import JobLedger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.job_progress import Job
from shared.operations.jobs import JobChoice, Jobs
from shared.operations.selection import (
    OfAccount,
    Selection,
    SignupFinder,
    ids_by_account,
    oldest_first,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPlan:
    """Dead letters to be retried, and what that would take.

    `counts` has how many there are by account and reason. `signups` are a few, the oldest first.
    Many are known by their `choice` instead. `quota_left` is how many deliveries the API keys
    concerned may still make today. `takes` is when a job begins to send, and how long it takes.
    `chosen` is how they were chosen, as JSON.
    """

    counts: Counter[tuple[str, str]]
    quota_left: int
    takes: TimeToSend
    chosen: str
    signups: tuple[Signup, ...] = ()
    choice: JobChoice | None = None

    @property
    def count(self) -> int:
        return self.counts.total()

    @property
    def is_large(self) -> bool:
        """Whether the retry has to be a job, instead of happening at once."""
        return self.count >= LARGE

    @property
    def accounts(self) -> Counter[str]:
        return _by(0, self.counts)

    @property
    def reasons(self) -> Counter[str]:
        return _by(1, self.counts)


@dataclass(frozen=True, slots=True)
class Retries:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`.

    `notify_workers` asks the workers to look after an account, and may fail silently.
    """

    finder: SignupFinder
    job_ledger: JobLedger
    jobs: Jobs
    trail: AuditTrail
    now: Callable[[], datetime]
    notify_workers: Callable[[str], None]

    def plan(self, selection: Selection) -> RetryPlan:
        """Return what retrying the chosen dead letters would take. This changes nothing.

        Of many, no record is read that the indexes know enough of, and none is kept in memory.
        """
        choice = _job_choice(selection)
        counts = self._counts(selection, choice) if choice else Counter()
        signups: list[Signup] = []
        if choice is None or counts.total() < LARGE:
            choice, signups = None, self._read(selection)
            counts = Counter((each.account, str(each.reason)) for each in signups)
        left, takes = self.cost(_by(0, counts))
        return RetryPlan(
            counts=counts,
            quota_left=left,
            takes=takes,
            chosen=selection.to_json(),
            signups=tuple(signups),
            choice=choice,
        )

    def _counts(self, selection: Selection, choice: JobChoice) -> Counter[tuple[str, str]]:
        """Return how many dead letters were chosen, by account and reason."""
        if not choice.filter.is_empty:
            found = self.finder.chosen(selection, State.DEAD)
            return Counter((each.account, str(each.reason)) for each in found)
        counts: Counter[tuple[str, str]] = Counter()
        for reason in [DeathReason(choice.reason)] if choice.reason else DeathReason:
            for account, count in self.jobs.count(replace(choice, reason=reason)).items():
                counts[account, reason] = count
        return counts

    def _read(self, selection: Selection) -> list[Signup]:
        """Return them, the oldest first, so that a person's sign-ups keep their order."""
        chosen = self.finder.chosen_for_change(selection, State.DEAD)
        return oldest_first(map(_dead, chosen))

    def retry_at_once(self, signups: Iterable[OfAccount]) -> list[str]:
        """Make the dead letters due again, in this order; return the ids of those that were still
        dead."""
        done = [s for s in signups if self.finder.ledger.requeue(s.account, s.id, who_acts())]
        ids = ids_by_account(done)
        self.trail.add_signups(Action.RETRY, ids)
        for account in sorted(ids):
            self.notify_workers(account)
        return [signup.id for signup in done]

    # --- many

    def retry_jobs(self) -> list[Job]:
        """Return all jobs that retry, the latest first. Ended ones are kept for 30 days."""
        return [job for job in self.jobs.all() if job.action.retries]

    def retry_job(self, id: str) -> Job:
        found = [job for job in self.retry_jobs() if job.id == id]
        if not found:
            raise _no_job(id)
        return found[0]

    def start_job(
        self,
        plan: RetryPlan,
        action: JobAction = JobAction.RETRY,
        change: FieldChange | None = None,
    ) -> Job | None:
        """Start a job: from now on, workers send the dead letters again, some at a time, with
        the `change` if there is one.

        Return the job; None when all of them are in another job, no longer dead, of forms
        without lists, or not changed by the change.
        """
        if plan.choice:
            job = self.jobs.start(action, plan.choice, change=change)
            return job if job and job.total else None
        return self.jobs.start_with(action, plan.signups, plan.chosen, change=change)

    # --- what a retry costs

    def cost(self, counts: Mapping[str, int]) -> tuple[int, TimeToSend]:
        """Return how many requests are left today for these numbers of dead letters by account, and
        how long a job of them takes."""
        by_key: Counter[str] = Counter()
        for account in self.finder.registry.accounts_named(list(counts)):
            by_key[account.client_id] += counts[account.name]
        left = {key: self._left_today(key) for key in by_key}
        pace, now = self.job_ledger.pace, self.now()
        times = (
            plan_sending(count, pace, today=for_jobs(left[key]), now=now)
            for key, count in by_key.items()
        )
        return sum(left.values()), max(
            times, key=lambda each: each.total(now), default=TimeToSend()
        )

    def _left_today(self, client_id: str) -> int:
        return self.finder.ledger.pace.today(client_id).left(self.job_ledger.pace.per_day)


def _job_choice(selection: Selection) -> JobChoice | None:
    """Return the same choice for a job; None if it names sign-ups, or one person."""
    if selection.is_empty:
        raise Refused("Nothing was chosen.")
    if selection.ids or selection.email:
        return None
    return JobChoice(
        account=selection.account,
        reason=selection.reason,
        died_since=selection.since,
        filter=JobFilter(form=selection.form),
    )


def _dead(signup: Signup) -> Signup:
    if signup.state != State.DEAD:
        raise Refused(
            f"{signup.id} is {state_words(signup.state)}. Only failed sign-ups can be retried."
            " Deliver quarantined ones with: relay quarantine deliver"
        )
    return signup


def _by(part: int, counts: Counter[tuple[str, str]]) -> Counter[str]:
    """Return the counts by the first or the second part of what they are of."""
    found: Counter[str] = Counter()
    for of, count in counts.items():
        found[of[part]] += count
    return found


def _no_job(id: str) -> NoSuchJob:
    return NoSuchJob(f"There is no job {id}. List the jobs with: relay failed jobs")
