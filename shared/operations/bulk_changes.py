"""Changing many dead letters: some that an operator has ticked, or all that match a filter.

Few are done at once, and more as a job.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.domain.failure_group import FailureGroup
from shared.domain.field_change import FieldChange
from shared.domain.job import LARGE, JobAction
from shared.domain.signup import Signup
from shared.operations.bulk_choices import BulkChoice, BulkChooser, BulkResult
from shared.operations.exports import EXPORTED_AT_ONCE, ExportFormat, Exports
from shared.operations.job_progress import Job
from shared.operations.selection import oldest_first
from shared.operations.signup_lists import SignupFilter, SignupPage


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
        """Send the dead letters again: a few at once, more as a job."""
        signups = self.chooser.few(choice)
        if signups is None:
            return self.chooser.start(JobAction.RETRY, choice)
        if len(signups) >= LARGE:
            return self.chooser.start_with(JobAction.RETRY, choice, oldest_first(signups))
        done = self.chooser.retries.retry_at_once(oldest_first(signups))
        accounts = Counter(signup.account for signup in signups if signup.id in done)
        return BulkResult(done=len(done), left_out=choice.left_out(len(done)), accounts=accounts)

    def retry_form_lists(self, choice: BulkChoice) -> BulkResult:
        """Send them to the lists that their forms have now: a job, however few."""
        return self._as_job(JobAction.RETRY_FORM_LISTS, choice)

    def retry_edited(self, choice: BulkChoice, change: FieldChange) -> BulkResult:
        """Send those that the change changes, with it: a job, however few. The others stay."""
        return self._as_job(JobAction.RETRY_EDITED, choice, change=change)

    def retry_as_job(
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
        """Return a file of them, the last received first. Each of its parts reads a page of the
        list. A sign-up comes once at most, whatever is done with it meanwhile."""
        if choice.ticked:
            pages: Iterable[list[Signup]] = [self.chooser.ticked(choice)]
        else:
            first = self.chooser.lists.page(choice.filter, limit=EXPORTED_AT_ONCE)
            pages = self._pages(choice.filter, first)
        return self.exports.of(pages, to, account=choice.filter.account, chosen=choice.for_people())

    def _pages(self, chosen: SignupFilter, page: SignupPage) -> Iterator[list[Signup]]:
        yield page.signups
        while page.next is not None:
            page = self.chooser.lists.page(chosen, cursor=page.next, limit=EXPORTED_AT_ONCE)
            yield page.signups
