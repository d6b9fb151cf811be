"""The poller: every worker looks for due sign-ups by itself, so that none depends on beat."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.errors import LedgerUnavailable
from shared.ledger.busy_accounts import AccountWork, BusyAccounts
from shared.ledger.stores.registry import Registry
from shared.operations.job_feeder import JobFeeder
from worker.delivery.lane_runner import LaneRunner

log = logging.getLogger(__name__)

POLL_EVERY = timedelta(seconds=3)
FIND_AGAIN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DueWork:
    """Which accounts have sign-ups to deliver. `note_jobs` is told of each account's jobs that have
    something to go through."""

    registry: Registry
    busy: BusyAccounts
    job_feeder: JobFeeder
    note_jobs: Callable[[str, Sequence[str]], None]

    def accounts(self) -> list[str]:
        """Return the accounts for which a lane would find something to do now.

        This also has jobs go on, as every worker looks now and then.
        """
        found = self.busy.find_work()
        for work in found:
            if work.stepping:
                self.note_jobs(work.account, work.stepping)
        due = [work.account for work in found if self._is_due(work)]
        return [account.name for account in self.registry.accounts_named(due)]

    def _is_due(self, work: AccountWork) -> bool:
        fed = work.feeding and self.job_feeder.feed(work.account) > 0
        return work.due or fed

    def find_again(self) -> None:
        """Look at all accounts, in case a busy one is not noted as such."""
        self.busy.find_again(self.registry.account_names())


@dataclass(slots=True)
class Poller:
    """Says that this worker is alive, and starts lanes for what is due.

    It needs a thread of its own: the worker's timer shares one with the broker's connection,
    which a Redis that does not answer must not block.
    """

    due: DueWork
    lanes: LaneRunner
    say_alive: Callable[[], None]
    _due_before: set[str] = field(default_factory=set)
    _logged: str = ""

    def poll(self) -> None:
        """Look once; whatever goes wrong, the next look comes."""
        try:
            self.say_alive()
            self._have_lanes_run(self.due.accounts())
            self._log_once("")
        except LedgerUnavailable as error:
            self._log_once(str(error))
        except Exception:
            log.exception("looking for due sign-ups failed")

    def _log_once(self, cause: str) -> None:
        """Log why there is nothing to see, once for each cause and not every three seconds."""
        before, self._logged = self._logged, cause
        if cause and cause != before:
            log.warning("could not look for due sign-ups", extra={"cause": cause})
        elif before and not cause:
            log.info("due sign-ups can be seen again")

    def _have_lanes_run(self, due: list[str]) -> None:
        """Ask for lanes by message. If the last look asked too and no lane runs here, run one
        here: messages may not arrive."""
        for account in due:
            if not (account in self._due_before and self.lanes.run_locally(account)):
                self.lanes.notify_workers(account)
        self._due_before = set(due)
