"""Screening: what a sign-up that looks like spam gives away."""

from collections.abc import Mapping

from shared.domain.posted_fields import instruction

# No person sees this field, and whoever fills in every field fills it in too.
HONEYPOT = "_gotcha"


def screen(posted: Mapping[str, list[str]]) -> str | None:
    """Return why the sign-up is to be quarantined; None for a clean one."""
    if any(instruction(posted, HONEYPOT)):
        return "honeypot"
    return None
