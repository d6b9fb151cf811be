"""Makes the next sign-ups of jobs that send due.

Those of a job with an edit are changed in that step, by the rules of a single edit, which Python
knows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.domain.field_change import FieldChange
from shared.ledger.jobs import EDITS_NEEDED, JobLedger, MadeEdit, NextEdits
from shared.ledger.ledger import Ledger
from shared.ledger.records import sent_json
from shared.operations.dead_letters import changed_values, edited_event
from shared.operations.field_edits import FieldEdit, FieldEdits


@dataclass(frozen=True, slots=True)
class JobFeeder:
    """Raises `LedgerUnavailable`."""

    ledger: Ledger
    job_ledger: JobLedger
    edits: FieldEdits

    def feed(self, account: str) -> int:
        """Make the account's next ones due, if pace, quota and holds allow; return how many."""
        fed = self.job_ledger.feed(account)
        if fed != EDITS_NEEDED:
            return fed
        wanted = self.job_ledger.next_edits(account)
        if wanted is None:  # another worker was faster
            return 0
        fed = self.job_ledger.feed(account, wanted.job, list(self.made(account, wanted)))
        return max(0, fed)

    def made(self, account: str, wanted: NextEdits) -> Iterator[MadeEdit]:
        """Yield the edit of each, as its record is now."""
        found = self.ledger.signups(account, wanted.ids)
        change, who = FieldChange.from_json(wanted.change), _who(wanted.event)
        edits = {each.signup.id: each for each in self.edits.of(found, change)}
        for id in wanted.ids:
            yield _made(id, edits.get(id), who)


def _who(event: str) -> dict[str, str]:
    stored: dict[str, Any] = json.loads(event)
    return {name: stored[name] for name in ("by", "via") if name in stored}


def _made(id: str, edit: FieldEdit | None, who: dict[str, str]) -> MadeEdit:
    """Return the edit of the sign-up; without one that can be made, it stays as it is."""
    if edit is None or edit.contact is None:
        return MadeEdit(id=id)
    before = changed_values(edit.signup.contact, edit.contact)
    return MadeEdit(
        id=id,
        sent=sent_json(edit.signup, edit.contact),
        event=edited_event(before, who),
    )
