"""The steps of jobs that go through an index. Whoever starts such a job does the first ones, and
workers do the rest; it does not matter who does which, or who dies."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from shared.domain.job_filter import JobFilter
from shared.ledger.ledger import Ledger
from shared.ledger.replays import JobStep, Replays

_read_filter = lru_cache(maxsize=100)(JobFilter.from_json)


@dataclass(frozen=True, slots=True)
class JobSteps:
    """Raises `LedgerUnavailable`."""

    ledger: Ledger
    replays: Replays

    def go_on(self, account: str, job: str, *, enough: Callable[[], bool]) -> bool:
        """Do steps of the account's part of the job until there is none left, or it is `enough`.
        Return whether there is none left."""
        while not enough():
            step = self.replays.next_step(account, job)
            if step is None:
                return True
            self.replays.do_step(account, job, step, self._matching(account, step))
        return False

    def _matching(self, account: str, step: JobStep) -> list[str]:
        chosen = _read_filter(step.filter)
        if chosen.is_empty:
            return step.ids
        found = self.ledger.signups(account, step.ids)
        return [signup.id for signup in found if chosen.matches(signup)]
