"""The texts of consent that a form has shown, each with its version: so a page that was copied long
ago can say which one it shows."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

# With each form. The evidence of sign-ups has the texts of all versions, older ones, too.
MOST_EARLIER = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierConsent:
    """A text that the form showed before: from when until when, as scripts read times. `since` is
    None if nobody knows."""

    text: str
    since: str | None
    until: str


def short_digest(text: str) -> str:
    """Return a short digest that changes with the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


text_version = lru_cache(maxsize=1024)(short_digest)  # every sign-up needs one
