"""The steps of jobs that go through an index. Whoever starts such a job does the first ones, and
workers do the rest; it does not matter who does which, or who dies."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from shared.domain.field_change import FieldChange
from shared.domain.job import JobAction
from shared.domain.job_filter import JobFilter
from shared.domain.signup import Signup
from shared.ledger.jobs import JobLedger, JobStep
from shared.ledger.ledger import Ledger
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.field_edits import FieldEdits

_read_filter = lru_cache(maxsize=100)(JobFilter.from_json)
_read_change = lru_cache(maxsize=100)(FieldChange.from_json)
# Whether one of these concerns a sign-up is in its record.
_CHECKED = (JobAction.DELIVER, JobAction.RETRY_EDITED)


@dataclass(frozen=True, slots=True)
class JobSteps:
    """Raises `LedgerUnavailable`."""

    ledger: Ledger
    job_ledger: JobLedger
    checks: DeliveryChecks
    edits: FieldEdits

    def go_on(self, account: str, job: str, *, enough: Callable[[], bool]) -> bool:
        """Do steps of the account's part of the job until there is none left, or it is `enough`.
        Return whether there is none left."""
        while not enough():
            step = self.job_ledger.next_step(account, job)
            if step is None:
                return True
            self.job_ledger.do_step(account, job, step, *self._matching(account, step))
        return False

    def _matching(self, account: str, step: JobStep) -> tuple[list[str], int]:
        """Return the ids that match, without those that cannot be sent as they are, and how many
        these are."""
        chosen = _read_filter(step.filter)
        if chosen.is_empty and step.action not in _CHECKED:
            return step.ids, 0
        found = self.ledger.signups(account, step.ids, chosen.may_match)
        matching = [signup for signup in found if chosen.matches(signup)]
        sound = self._sound(step, matching)
        return [signup.id for signup in sound], len(matching) - len(sound)

    def _sound(self, step: JobStep, signups: list[Signup]) -> list[Signup]:
        if step.action == JobAction.DELIVER:
            return [each for each in signups if self.checks.why_not(each) is None]
        if step.action == JobAction.RETRY_EDITED:
            return self.edits.changed(signups, _read_change(step.change))
        return signups
