"""Screening: signs that a sign-up is spam."""

from collections.abc import Mapping

from shared.domain.reading.posted_fields import instruction
from shared.domain.signup import QuarantineReason

# People do not see this field. Robots that fill in every field fill it in, too.
HONEYPOT = "_gotcha"


def screen(posted: Mapping[str, list[str]]) -> QuarantineReason | None:
    """Return the reason to quarantine the sign-up; None for a clean one."""
    if any(instruction(posted, HONEYPOT)):
        return QuarantineReason.HONEYPOT
    return None
