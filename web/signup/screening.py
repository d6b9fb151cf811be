"""Screening: signs that a sign-up is spam."""

import re
from collections.abc import Mapping

from shared.domain.signup import ALONE, SEEN_LIMIT, QuarantineReason, Suspicion

# People do not see these fields. Robots that fill in every field fill them in, too. The first is
# ours; the others are Netlify's, Mailchimp's, and MC4WP's, as their forms work here unchanged.
_HONEYPOTS = re.compile(
    r"(_gotcha|bot-field|b_[0-9a-f]{10,40}_[0-9a-f]{6,40}|_mc4wp_honeypot)(\[\])?", re.IGNORECASE
)


def screen(posted: Mapping[str, list[str]]) -> Suspicion | None:
    """Return why the sign-up looks like spam; None for a clean one."""
    for name, values in posted.items():
        if _HONEYPOTS.fullmatch(name) and any(map(str.strip, values)):
            reason = str(QuarantineReason.HONEYPOT)
            return Suspicion((reason,), ALONE, {reason: ", ".join(values)[:SEEN_LIMIT]})
    return None
