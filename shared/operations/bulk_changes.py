"""Changing many dead letters: some that an operator has ticked, or all that match a filter.

Few are done at once, and more as a job.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.errors import Refused
from shared.domain.failure_group import FailureGroup
from shared.domain.field_change import FieldChange
from shared.domain.replay import LARGE, JobAction
from shared.domain.signup import Signup
from shared.operations.bulk_choices import BulkChoice, BulkChooser, BulkResult
from shared.operations.exports import ExportFormat, Exports
from shared.operations.replay_jobs import Job
from shared.operations.selection import oldest_first
from shared.operations.signup_lists import SignupFilter

# More take a web thread for too long.
MOST_EXPORTED = 10_000
_READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class BulkChanges:
    """Raises `Refused` and `WrongFilter` for what cannot be done, and `LedgerUnavailable`."""

    chooser: BulkChooser
    exports: Exports

    def group(self, chosen: SignupFilter) -> FailureGroup | None:
        """Return the group that the filter names; None if it is empty now."""
        found = self.chooser.lists.groups(account=chosen.account) if chosen.group else []
        return next((each for each in found if each.id == chosen.group), None)

    def accounts(self) -> list[str]:
        return self.chooser.lists.finder.registry.account_names()

    def forms(self) -> list[str]:
        return self.chooser.lists.finder.registry.form_names()

    def retry(self, choice: BulkChoice) -> BulkResult:
        """Send the dead letters again: a few at once, more by a replay."""
        signups = self.chooser.few(choice)
        if signups is None:
            return self.chooser.start(JobAction.RETRY, choice)
        if len(signups) >= LARGE:
            return self.chooser.start_with(JobAction.RETRY, choice, oldest_first(signups))
        done = self.chooser.retries.retry_at_once(oldest_first(signups))
        return BulkResult(done=len(done), left_out=choice.left_out(len(done)))

    def retry_form_lists(self, choice: BulkChoice) -> BulkResult:
        """Send them to the lists that their forms have now: a replay, however few."""
        return self._as_job(JobAction.RETRY_FORM_LISTS, choice)

    def retry_edited(self, choice: BulkChoice, change: FieldChange) -> BulkResult:
        """Send those that the change changes, with it: a replay, however few. The others stay."""
        return self._as_job(JobAction.RETRY_EDITED, choice, change=change)

    def replay(
        self,
        choice: BulkChoice,
        action: JobAction = JobAction.RETRY,
        change: FieldChange | None = None,
    ) -> Job | None:
        """Send the dead letters again as a job, however few. None when there is none to send."""
        self.chooser.lists.page(choice.filter, limit=1)  # raises for a filter that cannot be right
        return self._as_job(action, choice, change=change).job

    def discard(self, choice: BulkChoice, note: str) -> BulkResult:
        """Discard them as a job, so that all of it can be undone. `note` says why."""
        return self._as_job(JobAction.DISCARD, choice, note)

    def _as_job(
        self,
        action: JobAction,
        choice: BulkChoice,
        note: str = "",
        change: FieldChange | None = None,
    ) -> BulkResult:
        signups = self.chooser.few(choice)
        if signups is None:
            return self.chooser.start(action, choice, note, change)
        return self.chooser.start_with(action, choice, oldest_first(signups), note, change)

    def export(self, choice: BulkChoice, to: ExportFormat) -> Iterator[str]:
        """Yield a file of them, the last received first, bit by bit. Raises `Refused` for more than
        a web page should send."""
        signups = self.chooser.ticked(choice) if choice.ticked else self._all(choice.filter)
        return self.exports.of(
            signups, to, account=choice.filter.account, chosen=choice.for_people()
        )

    def _all(self, chosen: SignupFilter) -> Iterator[Signup]:
        """Return all that match; raises `Refused` for more than a web page should send."""
        counts, _ = self.chooser.count(chosen)
        if counts.total() > MOST_EXPORTED:
            raise Refused(
                f"This may be up to {counts.total():,} failed sign-ups. A page exports"
                f" {MOST_EXPORTED:,} at most. Choose fewer, or use relay failed export, which has"
                " no limit."
            )
        return self._pages(chosen)

    def _pages(self, chosen: SignupFilter) -> Iterator[Signup]:
        cursor = None
        while True:
            page = self.chooser.lists.page(chosen, cursor=cursor, limit=_READ_AT_ONCE)
            yield from page.signups
            if page.next is None:
                return
            cursor = page.next
