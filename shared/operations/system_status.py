"""The figures of every account, what waits on disks, and which processes run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from shared.domain.form import Form
from shared.domain.refusal_history import TooManyRefused, worth_reporting
from shared.domain.retention import KeptRecords
from shared.ledger.ledger import Ledger
from shared.ledger.processes import SentSignup
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.form_counts import FormCounts, FormFigures
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.values import Figures

# Workers report that they are alive every few seconds, beat every second.
LIVE_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Which processes run: how long ago each worker was seen, and each beat. `in_flight` has what
    workers send, the longest first; one that sends nothing is not in it."""

    workers_seen: Mapping[str, timedelta]
    beats_seen: Mapping[str, timedelta]
    in_flight: Mapping[str, Sequence[SentSignup]] = field(default_factory=dict)

    @property
    def live(self) -> list[str]:
        """The names of the workers that are alive, the one that sends for longest first."""
        found = [name for name, age in self.workers_seen.items() if age <= LIVE_WITHIN]
        return sorted(found, key=lambda name: (-self._longest(name), name))

    @property
    def workers(self) -> int:
        """How many workers are alive."""
        return len(self.live)

    def _longest(self, name: str) -> float:
        return max((each.age.total_seconds() for each in self.in_flight.get(name, ())), default=-1)

    @property
    def beat_age(self) -> timedelta | None:
        """How long ago the last beat ticked."""
        return min(self.beats_seen.values(), default=None)


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """Raises `LedgerUnavailable`."""

    ledger: Ledger
    registry: Registry
    form_counts: FormCounts
    keeping: RecordKeeping

    def figures(self) -> dict[str, Figures]:
        """Return every account's figures by its name."""
        names = self.registry.account_names()
        return dict(zip(names, self.ledger.figures_of(names), strict=True))

    def forms(self) -> list[FormFigures]:
        """Return the figures of each form, sorted by name."""
        names = self.registry.account_names()
        return self.form_counts.figures(self.registry.forms(), names)

    def refusing_forms(self) -> list[tuple[Form, TooManyRefused]]:
        """Return the forms that refuse too many sign-ups, and how."""
        forms = self.registry.forms_named(
            self.form_counts.find_refusing(self.registry.form_names())
        )
        judged = (
            (form, worth_reporting(form, history))
            for form, history in zip(forms, self.form_counts.histories(forms), strict=True)
        )
        return [(form, found) for form, found in judged if found]

    def records(self) -> list[KeptRecords]:
        """Return what is kept for how long, over all accounts, and what is cleared when."""
        return self.keeping.outlook(self.registry.owners_of_records())

    def pulse(self) -> Pulse:
        processes = self.ledger.processes
        seen = processes.workers_seen()
        live = {name: age for name, age in seen.items() if age <= LIVE_WITHIN}
        return Pulse(seen, processes.beats_seen(), processes.in_flight(live))

    def spools(self) -> list[SpoolReport]:
        """Return what waits on the disks of web hosts, as they last reported it."""
        return self.ledger.spools.all()
