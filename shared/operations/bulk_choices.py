"""What an operator chose to change: some sign-ups that are ticked, or all that match a filter.

Few are read, and more are left to a job (`jobs.py`). What an operator sees before is a plan.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.domain.account import Hold
from shared.domain.durations import in_words, short_minute
from shared.domain.errors import Refused
from shared.domain.failure_group import FailureGroup
from shared.domain.field_change import FieldChange
from shared.domain.holds_in_words import is_on_hold, sent_when
from shared.domain.job import LARGE, JobAction, TimeToSend
from shared.domain.job_filter import has_words
from shared.domain.requests_today import left_in_words
from shared.domain.signup import Signup, State
from shared.operations.field_edits import EditPreview, FieldEdits
from shared.operations.form_targets import FormTarget, FormTargets, staying
from shared.operations.job_progress import STEPS_PER_SECOND, Job
from shared.operations.jobs import JobChoice, Jobs
from shared.operations.retries import Retries
from shared.operations.selection import NOUNS
from shared.operations.sending_on_hold import NAMED, SendingOnHold
from shared.operations.signup_lists import MOST_READ, SignupFilter, SignupLists

# Of many, so many are read for what a change of fields would do.
SAMPLED = 200

DEAD_LETTERS = SignupFilter(states=frozenset({State.DEAD}))
QUARANTINED = SignupFilter(states=frozenset({State.QUARANTINED}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkChoice:
    """Dead letters, or quarantined sign-ups, as the one state of `filter` says: those of `ticked`,
    each an account and an id, or all that match the filter."""

    ticked: tuple[tuple[str, str], ...] = ()
    filter: SignupFilter = DEAD_LETTERS

    @property
    def state(self) -> State:
        [state] = self.filter.states
        return state

    def left_out(self, done: int) -> int:
        """Return how many of the ticked ones are not among those that were `done`."""
        return max(0, len(self.ticked) - done)

    def for_people(self) -> str:
        """Return how they were chosen, as JSON and without addresses."""
        if self.ticked:
            state = {"state": self.state} if self.state != State.DEAD else {}
            return json.dumps(state | {"ids": len(self.ticked)})
        chosen = json.loads(job_choice(self.filter).to_json())
        return json.dumps(chosen | ({"email": "one person"} if self.filter.email else {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What a change would do.

    `accounts` has how many sign-ups it concerns; if not `is_exact`, it has how many it looks at, of
    which some may not match. `left_out` of the ticked ones are in another state by now. Of what
    sends them, `quota_left` requests are left today, and `held` has the holds of each of the first
    accounts that are on hold: they send nothing until these end. If they go to the lists that
    their forms have now, `targets` are these. With a change of fields, `edit` says what it would do
    to those that were read for that. Those that stay are not counted if that is exact. Of those
    whose cause is a list that does not exist, `unmended` are the forms that still send to it. In
    `jobs` is how many of those that were chosen wait in each job already: these are left to it.
    """

    action: JobAction
    accounts: Counter[str]
    is_exact: bool
    left_out: int
    takes: TimeToSend
    quota_left: int | None
    held: Mapping[str, Sequence[Hold]]
    targets: Sequence[FormTarget] = ()
    edit: EditPreview | None = None
    unmended: Sequence[str] = ()
    jobs: Counter[str] = field(default_factory=Counter)

    @property
    def in_jobs(self) -> int:
        return self.jobs.total()

    @property
    def staying(self) -> int:
        """How many stay as they are, as their form is gone or has no list."""
        return staying(self.targets).total()

    @property
    def left_in_words(self) -> str:
        """Return how many requests are left today, for people."""
        return left_in_words(self.quota_left or 0)

    @property
    def count(self) -> int:
        return self.accounts.total()

    @property
    def waits(self) -> bool:
        """Whether all accounts are on hold, so that nothing is sent now."""
        return bool(self.held) and all(name in self.held for name in self.accounts)

    def when_in_words(self, now: datetime) -> str:
        """Return when what is retried begins to be sent, if it is of one account, and how long that
        takes."""
        why, when = "", "now"
        if self.takes.begins_at:
            when = f"by itself after {short_minute(self.takes.begins_at, now)}"
        for account, holds in self.held.items():
            why, when = f"{is_on_hold(account, holds)}. ", f"by itself {sent_when(holds, now)}"
        takes = in_words(max(self.takes.sending, timedelta(seconds=1)))
        return f"{why}Retrying begins {when}, and takes about {takes}."

    @property
    def is_large(self) -> bool:
        """Whether workers do it, bit by bit, if it sends them."""
        return self.count + self.in_jobs >= LARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What was done: by the `job` if there is one. `left_out` were settled by somebody else, or
    cannot be sent. `accounts` counts those that were made due at once."""

    done: int
    left_out: int = 0
    job: Job | None = None
    accounts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class BulkChooser:
    """Raises `Refused` and `WrongFilter` for what cannot be done, and `LedgerUnavailable`."""

    lists: SignupLists
    retries: Retries
    jobs: Jobs
    targets: FormTargets
    edits: FieldEdits
    sending: SendingOnHold

    def plan(
        self, action: JobAction, choice: BulkChoice, change: FieldChange | None = None
    ) -> BulkPlan:
        """Return what the action would do now, with a `change` of fields if it makes one. This
        changes nothing."""
        signups = self.few(choice)
        left_out = choice.left_out(len(signups or ()))
        groups = self.groups(choice.filter) if signups is None and action.retries else []
        jobs: Counter[str] = Counter()
        if signups is not None:
            if _joins_a_job(action, len(signups)):
                signups, jobs = self._without_jobs(signups)
            accounts, is_exact = Counter(signup.account for signup in signups), True
        else:
            accounts, is_exact = self.count(choice.filter)
            if is_exact and action.retries:
                of_accounts, jobs = in_jobs(groups)
                accounts -= of_accounts
        edit = self._edit(choice, signups, change) if change else None
        if edit and signups is not None:
            accounts = edit.accounts
        targets = self._targets(groups, signups) if action == JobAction.RETRY_FORM_LISTS else []
        if is_exact:
            accounts -= staying(targets)
            is_exact = all(target.form for target in targets) and (not edit or signups is not None)
        quota_left, takes = self._cost(action, accounts)
        return BulkPlan(
            action=action,
            accounts=accounts,
            is_exact=is_exact,
            left_out=left_out,
            takes=takes,
            quota_left=quota_left,
            held=self.sending.held(accounts) if action.sends else {},
            targets=targets,
            edit=edit,
            unmended=self._unmended(groups, signups) if action.retries else (),
            jobs=jobs,
        )

    def sample(self, choice: BulkChoice) -> list[Signup]:
        """Return some of the sign-ups that were chosen, the last received first."""
        if choice.ticked:
            return self.ticked(choice)
        return self.lists.page(choice.filter, limit=SAMPLED).signups

    def few(self, choice: BulkChoice) -> list[Signup] | None:
        """Return the sign-ups that were chosen, if they are few or were ticked; else None."""
        if choice.ticked:
            return self.ticked(choice)
        counts, is_exact = self.count(choice.filter)
        if is_exact and counts.total() >= LARGE:
            return None
        page = self.lists.page(choice.filter, limit=MOST_READ)
        if page.next is None:
            return page.signups
        if choice.filter.email is not None:  # a job keeps no address
            raise Refused(
                f"This person has too many {NOUNS[choice.state]}s for one step. Tick some of them."
            )
        return None

    def ticked(self, choice: BulkChoice) -> list[Signup]:
        return self.lists.finder.ticked(choice.ticked, choice.state)

    def count(self, chosen: SignupFilter) -> tuple[Counter[str], bool]:
        """Return by account how many match, and whether this is exact. If not, some of these do not
        match. Costs the same for any number, so it knows nothing of one person's."""
        if chosen.email is not None:
            return Counter(), False
        if _groups_tell(chosen):
            return self._count_groups(chosen), True
        return Counter(self.jobs.count(job_choice(chosen))), not _reads_records(chosen)

    def groups(self, chosen: SignupFilter) -> list[FailureGroup]:
        """Return the causes of what matches, the largest first. Times do not leave out any."""
        found = self.lists.groups(account=chosen.account, form=chosen.form, reason=chosen.reason)
        return [
            each
            for each in found
            if chosen.group in (None, each.id) and has_words(chosen.words, each)
        ]

    def start(
        self,
        action: JobAction,
        choice: BulkChoice,
        note: str = "",
        change: FieldChange | None = None,
    ) -> BulkResult:
        """Do it as a job with all that match."""
        wanted = replace(job_choice(choice.filter), of_form=self._form(choice.filter))
        job = self.jobs.start(action, wanted, note=note, change=change)
        return BulkResult(done=job.total if job else 0, job=job)

    def start_with(
        self,
        action: JobAction,
        choice: BulkChoice,
        signups: Sequence[Signup],
        note: str = "",
        change: FieldChange | None = None,
    ) -> BulkResult:
        """Do it as a job with these sign-ups of the choice."""
        job = self.jobs.start_with(action, signups, choice.for_people(), note=note, change=change)
        done = job.total if job else 0
        return BulkResult(done=done, left_out=choice.left_out(done), job=job)

    def _form(self, chosen: SignupFilter) -> str | None:
        """Return the form of the chosen cause; None if none is chosen, or nobody keeps its form."""
        if chosen.group is None:
            return chosen.form
        return next((each.form for each in self.groups(chosen)), None)

    def _edit(
        self, choice: BulkChoice, signups: Sequence[Signup] | None, change: FieldChange
    ) -> EditPreview:
        return self.edits.preview(self.sample(choice) if signups is None else signups, change)

    def _targets(
        self, groups: Sequence[FailureGroup], signups: Sequence[Signup] | None
    ) -> list[FormTarget]:
        if signups is None:
            return self.targets.of_groups(groups)
        return self.targets.of_signups(signups)

    def _unmended(
        self, groups: Sequence[FailureGroup], signups: Sequence[Signup] | None
    ) -> list[str]:
        if signups is None:
            causes = list(self.targets.of_causes(groups[:NAMED]).values())
        else:
            causes = self.targets.of_list_deaths(signups)
        forms = {each.form for each in causes if each.form and each.needs_list}
        return sorted(forms)

    def jobs_of(self, signups: Sequence[Signup]) -> dict[str, str]:
        """Return by id in which job these wait, as far as they do."""
        outlooks = self.lists.finder.ledger.outlooks(signups)
        pairs = zip(signups, outlooks, strict=True)
        return {signup.id: outlook.job for signup, outlook in pairs if outlook.job}

    def _without_jobs(self, signups: Sequence[Signup]) -> tuple[list[Signup], Counter[str]]:
        """Return those that wait in no job, and how many wait in which."""
        jobs = self.jobs_of(signups)
        return [signup for signup in signups if signup.id not in jobs], Counter(jobs.values())

    def _count_groups(self, chosen: SignupFilter) -> Counter[str]:
        counts: Counter[str] = Counter()
        for group in self.groups(chosen):
            counts[group.account] += group.count
        return counts

    def _cost(self, action: JobAction, accounts: Counter[str]) -> tuple[int | None, TimeToSend]:
        if action.sends:
            return self.retries.cost(accounts)
        return None, TimeToSend(sending=timedelta(seconds=accounts.total() / STEPS_PER_SECOND))


def job_choice(chosen: SignupFilter) -> JobChoice:
    """Return the same choice for a job, which keeps no e-mail address."""
    of_records = chosen.of_records
    if chosen.states == QUARANTINED.states:  # no index has reasons of quarantine
        of_records = replace(of_records, reason=chosen.reason)
        return JobChoice(state=State.QUARANTINED, account=chosen.account, filter=of_records)
    return JobChoice(
        account=chosen.account,
        reason=chosen.reason,
        group=chosen.group,
        filter=of_records if not chosen.group else replace(of_records, form=None),
    )


def in_jobs(groups: Iterable[FailureGroup]) -> tuple[Counter[str], Counter[str]]:
    """Return how many dead letters of these causes wait in jobs: by account, and by job."""
    accounts: Counter[str] = Counter()
    jobs: Counter[str] = Counter()
    for group in groups:
        accounts[group.account] += group.in_jobs
        jobs.update(group.jobs)
    return accounts, jobs


def _joins_a_job(action: JobAction, count: int) -> bool:
    """Whether so many wait for their turn in a job, which takes none out of another job."""
    return action.sends and (action not in (JobAction.RETRY, JobAction.DELIVER) or count >= LARGE)


def _groups_tell(chosen: SignupFilter) -> bool:
    """Whether the groups of dead letters tell how many match."""
    of_form = chosen.form and not chosen.group and chosen.states == DEAD_LETTERS.states
    return bool(of_form) and not _reads_records(replace(chosen, form=None))


def _reads_records(chosen: SignupFilter) -> bool:
    """Whether no index tells which sign-ups match."""
    by_reason = chosen.reason and chosen.states == QUARANTINED.states
    times = (chosen.since, chosen.until, chosen.settled_since)
    return any((chosen.form, *times, chosen.words, chosen.email, by_reason))
