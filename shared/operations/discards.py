"""Discarding what commands choose: a few one by one, many as a job that can be undone as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.domain.job import LARGE, JobAction
from shared.domain.signup import Signup, State
from shared.ledger.ledger import Ledger
from shared.ledger.script_library import batches
from shared.operations.dead_letters import DeadLetters
from shared.operations.jobs import Jobs
from shared.operations.quarantine_review import Discarded
from shared.operations.selection import Selection, UnreadableSignup, chosen_in_words


@dataclass(frozen=True, slots=True)
class Discards:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`."""

    dead_letters: DeadLetters
    jobs: Jobs
    ledger: Ledger

    def discard(
        self, chosen: Sequence[Signup | UnreadableSignup], selection: Selection, note: str
    ) -> Discarded:
        """Discard these, which were chosen like that; `note` says why. Return the ids of those that
        nobody settled otherwise meanwhile."""
        readable = [each for each in chosen if isinstance(each, Signup)]
        if len(readable) < LARGE:
            return Discarded(ids=self.dead_letters.discard(chosen, note=note))
        others = [each for each in chosen if not isinstance(each, Signup)]
        ids = self.dead_letters.discard(others, note=note)
        job = self.jobs.start_with(
            JobAction.DISCARD, readable, chosen_in_words(selection, readable), note=note
        )
        is_whole = job is not None and job.changed == len(readable)
        done = (each.id for each in readable) if is_whole else self._discarded(readable)
        return Discarded(ids=[*ids, *done], job=job)

    def _discarded(self, signups: Sequence[Signup]) -> Iterator[str]:
        """Yield the ids of those that are discarded now."""
        for some in batches(signups):
            found = self.ledger.signups_in_order([(each.account, each.id) for each in some])
            yield from (each.id for each in found if each.state == State.DISCARDED)
