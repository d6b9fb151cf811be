"""Screening: whether a sign-up looks like spam. docs/spam.md explains it to operators.

It decides on plain values alone, in microseconds. `shared/domain/spam/signs.py` has the weights.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.remembering import remembered
from shared.domain.signup import Contact, Suspicion
from shared.domain.spam import signs
from shared.domain.spam.addresses import signs_in_address
from shared.domain.spam.names import signs_in_names
from shared.domain.spam.signs import Found, suspicion
from shared.domain.spam.texts import signs_in_texts

# People do not see these fields. Robots that fill in every field fill them in, too. The first is
# ours; the others are Netlify's, Mailchimp's, and MC4WP's, as their forms work here unchanged.
_HONEYPOTS = re.compile(
    r"(_gotcha|bot-field|b_[0-9a-f]{10,40}_[0-9a-f]{6,40}|_mc4wp_honeypot)(\[\])?", re.IGNORECASE
)
# In seconds. Who types needs longer. With autofill, some people are as fast, so it is a weak sign.
TOO_FAST = 2
_NO_TOKEN = Found(signs.NO_TOKEN)
_BUSY = Found(signs.BUSY_NETWORK)
# These a whole class of honest people may have: they say nothing of what somebody typed.
_OF_TIME = (signs.NO_TOKEN, signs.TOO_FAST)


@dataclass(frozen=True, slots=True)
class Screening:
    """Why a sign-up looks like spam, and why it would if its network is busy; None: it does not."""

    quarantine: Suspicion | None = None
    if_busy: Suspicion | None = None


CLEAN = Screening()


def trap(posted: Mapping[str, list[str]]) -> Found | None:
    """Return the sign that a field was filled in that people do not see."""
    for name, values in posted.items():
        if _is_honeypot(name) and any(map(str.strip, values)):
            return Found(signs.HONEYPOT, ", ".join(values))
    return None


def screen(
    contact: Contact, trapped: Found | None, *, age: float | None, threshold: int
) -> Screening:
    """Return why the sign-up looks like spam.

    `age` is how long ago the visitor's page was made, in seconds, and None if that is unknown. A
    `threshold` of 0 leaves only the trap. What was trapped has its other reasons, too, except for a
    missing time token, which says nothing then.
    """
    found = signs_in(contact, age) if threshold > 0 else []
    if trapped:
        reasons = [trapped, *(each for each in found if each is not _NO_TOKEN)]
        return Screening(suspicion(reasons))
    weight = sum([each.sign.weight for each in found])
    if not found or weight + signs.BUSY_NETWORK.weight < threshold:
        return CLEAN
    suspected = suspicion(found)
    if suspected.score >= threshold:
        return Screening(suspected)
    return Screening(if_busy=_if_busy(found, threshold))


def _if_busy(found: Sequence[Found], threshold: int) -> Suspicion | None:
    """Return why it looks like spam if its network is busy. That weighs something only beside a
    sign in what was typed."""
    if all(each.sign in _OF_TIME for each in found):
        return None
    suspected = suspicion([*found, _BUSY])
    return suspected if suspected.score >= threshold else None


def signs_in(contact: Contact, age: float | None) -> list[Found]:
    """Return all scored signs of a sign-up."""
    found = [*signs_in_names(contact.fields), *signs_in_address(contact.email)]
    if contact.custom or contact.other:
        found += signs_in_texts(contact)
    if age is None:
        found.append(_NO_TOKEN)
    elif age < TOO_FAST:
        found.append(Found(signs.TOO_FAST, f"{age:.1f} s"))
    return found


@remembered(longest=60)  # pages post the same names again and again
def _is_honeypot(name: str) -> bool:
    return _HONEYPOTS.fullmatch(name) is not None
