"""Measuring: what screening finds in each sample, by the same steps as for a visitor."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.reading.field_checks import check_fields, keep_unchecked
from shared.domain.spam.signs import SIGNS
from shared.infrastructure.email_syntax import check_email
from tests.spam.corpora import Sample
from tests.support import builders
from web.signup.screening import signs_in, trap
from web.signup.time_token import LIVES

REASONS = tuple(dict.fromkeys(str(sign.reason) for sign in SIGNS))
_FORM = builders.form(custom_fields=())
THRESHOLD = _FORM.spam_threshold


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in a sample: the weight of each reason."""

    sample: Sample
    weights: dict[str, int]

    def caught(self, without: str | None = None) -> bool:
        """Whether it is quarantined, if this reason did not exist."""
        kept = [weight for reason, weight in self.weights.items() if reason != without]
        return sum(kept) >= THRESHOLD

    def caught_by(self, reason: str) -> bool:
        """Whether it is quarantined, and would not be without this reason."""
        return self.caught() and not self.caught(without=reason)


def measure(samples: Iterable[Sample]) -> list[Result]:
    return [_measure(sample) for sample in samples]


def _measure(sample: Sample) -> Result:
    posted = {name: [value] for name, value in sample.posted.items()}
    trapped = trap(posted)
    check = keep_unchecked if trapped else check_fields
    contact = check(posted, _FORM, check_email=check_email).contact
    age = sample.age if sample.age is not None and sample.age <= LIVES else None
    found = [*([trapped] if trapped else []), *signs_in(contact, age)]
    weights: dict[str, int] = {}
    for each in found:
        reason = str(each.sign.reason)
        weights[reason] = max(each.sign.weight, weights.get(reason, 0))
    return Result(sample, weights)
