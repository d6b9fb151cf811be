"""What an operator judges a quarantined sign-up by, beside what was typed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shared.domain.signup import Signup, State
from shared.domain.signup_advice import ReasonInWords, reasons_in_words
from shared.infrastructure.addresses import wider_network
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry

# With so many of its account, the latest in quarantine, a sign-up is compared on its page.
COMPARED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A sign-up with all reasons of its quarantine, the heaviest first.

    `threshold` is that of its form now; None if nobody knows the form any more. `network` is its
    visitor's: a /24 or a /56. `neighbours` is how many others of the same list came from there,
    `others` how many the ledger has of the same person. `job` is the id of the job that delivers it
    when its turn comes. `same_text` is how many others have a text that the same reason found; only
    known of one that is read alone.
    """

    signup: Signup
    reasons: list[ReasonInWords]
    threshold: int | None
    network: str
    neighbours: int
    others: int
    job: str | None
    same_text: int = 0

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
        networks = [_network(signup) for signup in signups]
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
                job=outlook.job,
            )
            for signup, network, count, outlook in zip(
                signups, networks, of_people, outlooks, strict=True
            )
        ]

    def one(self, signup: Signup) -> Judged | None:
        """Return the sign-up alone; None if it never was quarantined."""
        if not signup.quarantine:
            return None
        [alone] = self.rows([signup])
        latest = self._latest(signup) if signup.state == State.QUARANTINED else []
        return replace(
            alone,
            neighbours=sum(_network(each) == alone.network for each in latest),
            same_text=sum(have_same_text(each, signup) for each in latest),
        )

    def _latest(self, signup: Signup) -> list[Signup]:
        """Return others of the account that are in quarantine."""
        latest = islice(self.ledger.quarantined(signup.account), COMPARED)
        return [each for each in latest if each.id != signup.id]


def have_same_text(one: Signup, other: Signup) -> bool:
    """Whether the same text, such as a link, caused the same reason in both."""
    return any(text and text == _seen(other).get(reason) for reason, text in _seen(one).items())


def _seen(signup: Signup) -> Mapping[str, str]:
    return signup.quarantine.seen if signup.quarantine else {}


def _network(signup: Signup) -> str:
    return wider_network(signup.consent.address)[0]
