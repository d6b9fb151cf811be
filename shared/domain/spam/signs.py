"""The signs of spam, and what each weighs: the table to read and to tune.

The weights of all signs in a sign-up add up to its score. From the form's `spam_threshold` on, it
is quarantined: 10 by default. No sign that honest people show now and then has that much.

`make spam-table` measures every sign with sign-ups of people and of robots, and writes the result
into docs/internals/screening.md. Run it after every change here, and of what finds a sign.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.domain.signup import ALONE, SEEN_LIMIT, QuarantineReason, Suspicion


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of spam: the reason that operators read, and its weight. Of several signs with the
    same reason, the heaviest counts."""

    reason: QuarantineReason
    weight: int
    says: str


HONEYPOT = Sign(
    QuarantineReason.HONEYPOT,
    ALONE,
    "A value in the field that people do not see, at any threshold",
)
LINK_IN_NAME = Sign(
    QuarantineReason.LINKS_IN_NAME, 10, "A link in a name, or in a part of the postal address"
)
CHAT_IN_NAME = Sign(
    QuarantineReason.LINKS_IN_NAME, 10, "A messenger with a number or a user in a name"
)
MARKUP_IN_NAME = Sign(
    QuarantineReason.LINKS_IN_NAME, 10, "HTML or BB code there, in the company or in the job title"
)
DISPOSABLE = Sign(QuarantineReason.DISPOSABLE, 10, "An e-mail address that lives for minutes")
RANDOM_NAMES = Sign(
    QuarantineReason.GIBBERISH,
    10,
    "One name is certainly random, or both look so, one of them like gibberish",
)
RANDOM_NAME = Sign(
    QuarantineReason.GIBBERISH, 8, "One name and the address both look like gibberish"
)
ODD_LETTERS = Sign(QuarantineReason.GIBBERISH, 6, "One name looks like gibberish")
OFFERS = Sign(QuarantineReason.SPAM_WORDS, 10, "Two offers, or one in a name, or two hints there")
OFFER = Sign(QuarantineReason.SPAM_WORDS, 7, "One offer, three hints at one, or a hint in a name")
HINTS = Sign(QuarantineReason.SPAM_WORDS, 4, "Two hints at an offer")
MARKUP_IN_TEXT = Sign(QuarantineReason.LINKS, 8, "A link in BB code or HTML, in any other text")
MANY_LINKS = Sign(QuarantineReason.LINKS, 6, "Three and more links in other texts")
SOME_LINKS = Sign(
    QuarantineReason.LINKS, 3, "One or two links in a text, or beside a company or a job title"
)
SAME_VALUES = Sign(
    QuarantineReason.SAME_VALUES,
    8,
    "First and last name alike, and with a third field, or with a capital inside",
)
DISGUISED = Sign(
    QuarantineReason.MIXED_SCRIPTS, 10, "Two Latin words with Cyrillic or Greek letters in them"
)
MIXED_SCRIPTS = Sign(
    QuarantineReason.MIXED_SCRIPTS,
    6,
    "Latin letters beside Cyrillic or Greek ones in one word, or blanks of no width in it",
)
MONEY_IN_NAME = Sign(QuarantineReason.ODD_NAME, 10, "An amount of money in a name")
ODD_NAME = Sign(
    QuarantineReason.ODD_NAME,
    6,
    "Percentages, several emojis or exclamation marks, or letters of a fancy font in a name",
)
ODD_ADDRESS = Sign(
    QuarantineReason.ODD_ADDRESS, 6, "Four and more single letters between the address's dots"
)
TOO_FAST = Sign(QuarantineReason.TOO_FAST, 4, "Sent within two seconds after the page was made")
NO_TOKEN = Sign(QuarantineReason.UNTIMED, 2, "No time token, as on websites' own pages")
# Only the ledger counts what comes from a network, so no sample of `make spam-table` shows it.
BUSY_NETWORK = Sign(
    QuarantineReason.BUSY_NETWORK, 4, "Many sign-ups from its network, beside a sign in a text"
)

SIGNS = (
    HONEYPOT,
    LINK_IN_NAME,
    CHAT_IN_NAME,
    MARKUP_IN_NAME,
    DISPOSABLE,
    RANDOM_NAMES,
    RANDOM_NAME,
    ODD_LETTERS,
    OFFERS,
    OFFER,
    HINTS,
    MARKUP_IN_TEXT,
    MANY_LINKS,
    SOME_LINKS,
    SAME_VALUES,
    DISGUISED,
    MIXED_SCRIPTS,
    MONEY_IN_NAME,
    ODD_NAME,
    ODD_ADDRESS,
    TOO_FAST,
    NO_TOKEN,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A sign, and the text that shows it; empty if there is none."""

    sign: Sign
    seen: str = ""


def suspicion(found: Iterable[Found]) -> Suspicion:
    """Return what the signs are together. There must be one."""
    heaviest: dict[str, Found] = {}
    for each in sorted(found, key=lambda each: -each.sign.weight):
        heaviest.setdefault(str(each.sign.reason), each)
    return Suspicion(
        reasons=tuple(heaviest),
        score=sum(each.sign.weight for each in heaviest.values()),
        seen={reason: each.seen[:SEEN_LIMIT] for reason, each in heaviest.items() if each.seen},
    )
