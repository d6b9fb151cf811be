"""What an operator judges a quarantined sign-up by, beside what was typed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.signup import Signup
from shared.domain.signup_advice import ReasonInWords, reasons_in_words
from shared.infrastructure.addresses import wider_network
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A sign-up with all reasons of its quarantine, the heaviest first.

    `threshold` is that of its form now; None if nobody knows the form any more. `network` is its
    visitor's: a /24 or a /56. `neighbours` is how many others of the same list came from there,
    `others` how many the ledger has of the same person. `job` is the id of the job that delivers it
    when its turn comes.
    """

    signup: Signup
    reasons: list[ReasonInWords]
    threshold: int | None
    network: str
    neighbours: int
    others: int
    job: str | None

    @property
    def score_in_words(self) -> str | None:
        """How much it looks like spam, and from when on that is too much."""
        if self.signup.score is None:
            return None
        of = f", quarantined from {self.threshold}" if self.threshold else ""
        return f"Score {self.signup.score:,}{of}"


@dataclass(frozen=True, slots=True)
class Judging:
    """Raises `LedgerUnavailable`. A list costs three round trips, however long it is."""

    ledger: Ledger
    registry: Registry

    def rows(self, signups: Sequence[Signup]) -> list[Judged]:
        """Return each sign-up of a list."""
        forms = self.registry.forms_named(list({signup.form for signup in signups}))
        thresholds = {form.name: form.spam_threshold for form in forms}
        networks = [wider_network(signup.consent.address)[0] for signup in signups]
        from_network = Counter(networks)
        of_people = self.ledger.counts_of_people(signups)
        outlooks = self.ledger.outlooks(signups)
        return [
            Judged(
                signup=signup,
                reasons=reasons_in_words(signup.quarantine),
                threshold=thresholds.get(signup.form),
                network=network,
                neighbours=from_network[network] - 1,
                others=max(0, count - 1),
                job=outlook.replay,
            )
            for signup, network, count, outlook in zip(
                signups, networks, of_people, outlooks, strict=True
            )
        ]

    def one(self, signup: Signup) -> Judged | None:
        """Return the sign-up alone; None if it never was quarantined."""
        return self.rows([signup])[0] if signup.quarantine else None
