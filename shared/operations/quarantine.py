"""The quarantine: looking at what looks like spam, and delivering it anyway."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from shared.domain.audit import Action, who_acts
from shared.domain.errors import Refused
from shared.domain.signup import Signup, State
from shared.domain.state_words import state_words
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.job_progress import Job
from shared.operations.selection import Selection, SignupFinder, ids_by_account, oldest_first


@dataclass(frozen=True, slots=True)
class DeliveredAnyway:
    """The ids of sign-ups that are due now, and why others stay in quarantine, by their ids.
    `accounts` counts those that are due. With a `job`, workers make many due, bit by bit."""

    due: list[str]
    refused: dict[str, str]
    job: Job | None = None
    accounts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`.

    `notify_workers` asks the workers to look after an account, and may fail silently.
    """

    finder: SignupFinder
    checks: DeliveryChecks
    trail: AuditTrail
    notify_workers: Callable[[str], None]

    def find(self, selection: Selection, limit: int | None = None) -> list[Signup]:
        """Return the chosen quarantined sign-ups, the latest first; all when nothing is chosen."""
        return list(islice(self.finder.chosen(selection, State.QUARANTINED), limit))

    def chosen(self, selection: Selection) -> list[Signup]:
        """Return the chosen sign-ups. Each must be quarantined, and something must be chosen."""
        chosen = list(self.finder.chosen_for_change(selection, State.QUARANTINED))
        for signup in chosen:
            if signup.state != State.QUARANTINED:
                raise Refused(f"{signup.id} is {state_words(signup.state)}, not quarantined.")
        return chosen

    def refused(self, signups: Iterable[Signup]) -> dict[str, str]:
        """Return why sign-ups cannot be sent as they are, by the ids of these."""
        found = {signup.id: self.checks.why_not(signup) for signup in signups}
        return {id: why_not for id, why_not in found.items() if why_not}

    def deliver(self, signups: Sequence[Signup]) -> DeliveredAnyway:
        """Make the sign-ups due. Those with wrong fields stay, and so does what they contain."""
        due: list[str] = []
        refused = self.refused(signups)
        # Oldest first: a lane may claim the first before the others are due.
        for signup in oldest_first(signups):
            if signup.id in refused:
                continue
            if self.finder.ledger.deliver_anyway(signup, who_acts()):
                due.append(signup.id)
            else:
                refused[signup.id] = "Somebody else has changed it just now."
        done = ids_by_account(signup for signup in signups if signup.id in due)
        self.trail.add_signups(Action.DELIVER, done)
        for account in sorted(done):
            self.notify_workers(account)
        accounts = Counter({account: len(ids) for account, ids in done.items()})
        return DeliveredAnyway(due, refused, accounts=accounts)
