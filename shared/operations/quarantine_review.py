"""Reviewing the quarantine: what an operator has ticked, or all that matches a filter.

Few are done at once, and more as a job.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.job import LARGE, JobAction
from shared.domain.signup import Signup
from shared.operations.bulk_choices import BulkChoice, BulkChooser
from shared.operations.dead_letters import DeadLetters
from shared.operations.job_progress import Job
from shared.operations.quarantine import DeliveredAnyway, Quarantine
from shared.operations.selection import Selection, chosen_in_words, oldest_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """The ids of what was discarded; or the job that discards many, which can be undone."""

    ids: list[str]
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class QuarantineReview:
    """Raises `Refused` and `WrongFilter` for what cannot be done, and `LedgerUnavailable`."""

    chooser: BulkChooser
    quarantine: Quarantine
    dead_letters: DeadLetters

    def deliver(self, choice: BulkChoice) -> DeliveredAnyway:
        """Make them due: a few at once, more by a job. Those that cannot be sent as they are
        stay."""
        signups = self.chooser.few(choice)
        if signups is None:
            return DeliveredAnyway([], {}, self.chooser.start(JobAction.DELIVER, choice).job)
        if len(signups) < LARGE:
            return self.quarantine.deliver(signups)
        return self._deliver_by_job(choice.for_people(), signups)

    def deliver_selected(self, signups: Sequence[Signup], selection: Selection) -> DeliveredAnyway:
        """Make those due that a command has selected: a few at once, more by a job."""
        if len(signups) < LARGE:
            return self.quarantine.deliver(signups)
        return self._deliver_by_job(chosen_in_words(selection, signups), signups)

    def discard(self, choice: BulkChoice, note: str) -> Discarded:
        """Discard them: one at once, more by a job, so that all of it can be undone. `note` says
        why."""
        signups = self.chooser.few(choice)
        if signups is None:
            return Discarded(ids=[], job=self.chooser.start(JobAction.DISCARD, choice, note).job)
        if len(signups) < 2:
            return Discarded(ids=self.dead_letters.discard(signups, note=note))
        started = self.chooser.start_with(JobAction.DISCARD, choice, signups, note)
        return Discarded(ids=[], job=started.job)

    def _deliver_by_job(self, chosen: str, signups: Sequence[Signup]) -> DeliveredAnyway:
        refused = self.quarantine.refused(signups)
        sound = [signup for signup in oldest_first(signups) if signup.id not in refused]
        job = self.chooser.jobs.start_with(JobAction.DELIVER, sound, chosen)
        return DeliveredAnyway([], refused, job)
