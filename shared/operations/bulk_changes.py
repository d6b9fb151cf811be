"""Changing many dead letters: some that an operator has ticked, or all that match a filter.

Few are done at once, and more as a job (`jobs.py`). What an operator sees before is a plan.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from shared.domain.account import Hold
from shared.domain.errors import Refused
from shared.domain.failure_group import FailureGroup
from shared.domain.job_filter import has_words
from shared.domain.replay import LARGE, JobAction
from shared.domain.signup import Signup, State
from shared.operations.exports import ExportFormat, Exports
from shared.operations.jobs import JobChoice, Jobs
from shared.operations.replay_jobs import STEPS_PER_SECOND, Job
from shared.operations.retries import Retries
from shared.operations.signup_lists import MOST_READ, SignupFilter, SignupLists

# More take a web thread for too long.
MOST_EXPORTED = 10_000
_READ_AT_ONCE = 200
# Of a plan's accounts, so many are looked up by name.
NAMED = 10

DEAD_LETTERS = SignupFilter(states=frozenset({State.DEAD}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkChoice:
    """Dead letters: those of `ticked`, each an account and an id, or all that match `filter`."""

    ticked: tuple[tuple[str, str], ...] = ()
    filter: SignupFilter = DEAD_LETTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What a change would do.

    `accounts` has how many sign-ups it concerns; if not `is_exact`, it has how many it looks at, of
    which some may not match. `left_out` of the ticked ones are no dead letters any more. Of a
    retry, `quota_left` requests are left today, and `held` has the gravest hold of each of the
    first accounts that are on hold: they send nothing until it ends.
    """

    action: JobAction
    accounts: Counter[str]
    is_exact: bool
    left_out: int
    takes: timedelta
    quota_left: int | None
    held: Mapping[str, Hold]

    @property
    def count(self) -> int:
        return self.accounts.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What was done: by the `job` if there is one. `left_out` were settled by somebody else."""

    done: int
    left_out: int = 0
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class BulkChanges:
    """Raises `Refused` and `WrongFilter` for what cannot be done, and `LedgerUnavailable`."""

    lists: SignupLists
    retries: Retries
    jobs: Jobs
    exports: Exports

    def plan(self, action: JobAction, choice: BulkChoice) -> BulkPlan:
        """Return what the change would do now. This changes nothing."""
        signups = self._few(choice)
        if signups is not None:
            accounts, is_exact = Counter(signup.account for signup in signups), True
        else:
            accounts, is_exact = self.count(choice.filter)
        quota_left, takes = self._cost(action, accounts)
        return BulkPlan(
            action=action,
            accounts=accounts,
            is_exact=is_exact,
            left_out=_left_out(choice, len(signups or ())),
            takes=takes,
            quota_left=quota_left,
            held=self._held(accounts) if action == JobAction.RETRY else {},
        )

    def _held(self, accounts: Counter[str]) -> dict[str, Hold]:
        names = [name for name, _ in accounts.most_common(NAMED)]
        figures = zip(names, self.lists.finder.ledger.figures_of(names), strict=True)
        return {name: found.holds[0] for name, found in figures if found.holds}

    def count(self, chosen: SignupFilter) -> tuple[Counter[str], bool]:
        """Return by account how many match, and whether this is exact. If not, some of these do not
        match. Costs the same for any number, so it knows nothing of one person's."""
        if chosen.email is not None:
            return Counter(), False
        if chosen.form and not _reads_records(replace(chosen, form=None)) and not chosen.group:
            return self._count_groups(chosen), True
        return Counter(self.jobs.count(_job_choice(chosen))), not _reads_records(chosen)

    def groups(self, chosen: SignupFilter) -> list[FailureGroup]:
        """Return the causes of what matches, the largest first. Times do not leave out any."""
        found = self.lists.groups(account=chosen.account, form=chosen.form, reason=chosen.reason)
        return [each for each in found if has_words(chosen.words, each)]

    def group(self, chosen: SignupFilter) -> FailureGroup | None:
        """Return the group that the filter names; None if it is empty now."""
        found = self.lists.groups(account=chosen.account) if chosen.group else []
        return next((each for each in found if each.id == chosen.group), None)

    def accounts(self) -> list[str]:
        return self.lists.finder.registry.account_names()

    def forms(self) -> list[str]:
        return self.lists.finder.registry.form_names()

    def retry(self, choice: BulkChoice) -> BulkResult:
        """Send the dead letters again: a few at once, more by a replay."""
        signups = self._few(choice)
        if signups is None:
            return _by_job(self.jobs.start(JobAction.RETRY, _job_choice(choice.filter)))
        if len(signups) >= LARGE:
            return self._with(JobAction.RETRY, choice, _in_order(signups))
        done = self.retries.retry_at_once(_in_order(signups))
        return BulkResult(done=len(done), left_out=_left_out(choice, len(done)))

    def replay(self, choice: BulkChoice) -> Job | None:
        """Send the dead letters again as a job, however few. None when there is none to send."""
        self.lists.page(choice.filter, limit=1)  # raises for a filter that cannot be right
        signups = self._few(choice)
        if signups is None:
            return self.jobs.start(JobAction.RETRY, _job_choice(choice.filter))
        return self._with(JobAction.RETRY, choice, _in_order(signups)).job

    def discard(self, choice: BulkChoice, note: str) -> BulkResult:
        """Discard them as a job, so that all of it can be undone. `note` says why."""
        signups = self._few(choice)
        if signups is None:
            started = self.jobs.start(JobAction.DISCARD, _job_choice(choice.filter), note=note)
            return _by_job(started)
        return self._with(JobAction.DISCARD, choice, signups, note)

    def export(self, choice: BulkChoice, to: ExportFormat) -> Iterator[str]:
        """Yield a file of them, the last received first, bit by bit. Raises `Refused` for more than
        a web page should send."""
        signups = self._ticked(choice) if choice.ticked else self._all(choice.filter)
        return self.exports.of(
            signups, to, account=choice.filter.account, chosen=_for_people(choice)
        )

    def _all(self, chosen: SignupFilter) -> Iterator[Signup]:
        """Return all that match; raises `Refused` for more than a web page should send."""
        counts, _ = self.count(chosen)
        if counts.total() > MOST_EXPORTED:
            raise Refused(
                f"This may be up to {counts.total():,} dead letters. A page exports"
                f" {MOST_EXPORTED:,} at most. Choose fewer, or use relay failed export, which has"
                " no limit."
            )
        return self._pages(chosen)

    def _pages(self, chosen: SignupFilter) -> Iterator[Signup]:
        cursor = None
        while True:
            page = self.lists.page(chosen, cursor=cursor, limit=_READ_AT_ONCE)
            yield from page.signups
            if page.next is None:
                return
            cursor = page.next

    def _ticked(self, choice: BulkChoice) -> list[Signup]:
        return self.lists.finder.ticked(choice.ticked, State.DEAD)

    def _with(
        self, action: JobAction, choice: BulkChoice, signups: Sequence[Signup], note: str = ""
    ) -> BulkResult:
        job = self.jobs.start_with(action, signups, _for_people(choice), note=note)
        done = job.total if job else 0
        return BulkResult(done=done, left_out=_left_out(choice, done), job=job)

    def _few(self, choice: BulkChoice) -> list[Signup] | None:
        """Return the dead letters that were chosen, if they are few or were ticked; else None."""
        if choice.ticked:
            return self._ticked(choice)
        counts, is_exact = self.count(choice.filter)
        if is_exact and counts.total() >= LARGE:
            return None
        page = self.lists.page(choice.filter, limit=MOST_READ)
        if page.next is None:
            return page.signups
        if choice.filter.email is not None:  # a job keeps no address
            raise Refused("This person has too many dead letters for one step. Tick some of them.")
        return None

    def _count_groups(self, chosen: SignupFilter) -> Counter[str]:
        counts: Counter[str] = Counter()
        for group in self.groups(chosen):
            counts[group.account] += group.count
        return counts

    def _cost(self, action: JobAction, accounts: Counter[str]) -> tuple[int | None, timedelta]:
        if action == JobAction.RETRY:
            return self.retries.cost(accounts)
        return None, timedelta(seconds=accounts.total() / STEPS_PER_SECOND)


def _reads_records(chosen: SignupFilter) -> bool:
    """Whether no index tells which sign-ups match."""
    return any((chosen.form, chosen.since, chosen.until, chosen.words, chosen.email))


def _in_order(signups: Sequence[Signup]) -> list[Signup]:
    """Return them oldest first, so that a person's sign-ups keep their order."""
    return sorted(signups, key=lambda signup: signup.received_at)


def _left_out(choice: BulkChoice, done: int) -> int:
    return max(0, len(choice.ticked) - done)


def _by_job(job: Job | None) -> BulkResult:
    return BulkResult(done=job.total if job else 0, job=job)


def _job_choice(chosen: SignupFilter) -> JobChoice:
    """Return the same choice for a job, which keeps no e-mail address."""
    of_records = chosen.of_records
    return JobChoice(
        account=chosen.account,
        reason=chosen.reason,
        group=chosen.group,
        filter=of_records if not chosen.group else replace(of_records, form=None),
    )


def _for_people(choice: BulkChoice) -> str:
    """Return how they were chosen, as JSON and without addresses."""
    if choice.ticked:
        return json.dumps({"ids": len(choice.ticked)})
    chosen = json.loads(_job_choice(choice.filter).to_json())
    return json.dumps(chosen | ({"email": "one person"} if choice.filter.email else {}))
