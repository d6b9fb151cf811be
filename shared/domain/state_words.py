"""What people read of states and reasons, in pages and commands. JSON, metrics and the API have
the names."""

from collections.abc import Mapping

from shared.domain.refusal import RefusalCode
from shared.domain.signup import SPIKE, DeathReason, QuarantineReason, State

# Of a sign-up. Those after the states of the ledger are of one that is not, or no more, in it.
STATE_WORDS = {
    State.QUEUED: "waiting",
    State.DELIVERING: "being sent",
    State.RETRYING: "waiting for a retry",
    State.DELIVERED: "delivered",
    State.DEAD: "failed",
    State.DISCARDED: "discarded",
    State.QUARANTINED: "quarantined",
    "spooled": "on disk",
    "cleared": "cleared",
}
# Of the counts of invariant 2, and of kinds of records.
COUNT_WORDS = {"due": "waiting", "dead": "failed"}
# Why sign-ups failed, and why they look like spam.
REASON_WORDS: Mapping[str, str] = {
    DeathReason.REJECTED: "rejected",
    DeathReason.GAVE_UP: "given up",
    DeathReason.POISON: "harmful to workers",
    DeathReason.UNSUBSCRIBED_SINCE: "unsubscribed since",
    DeathReason.UNREADABLE: "unreadable",
    QuarantineReason.HONEYPOT: "hidden field filled in",
    QuarantineReason.CAPTCHA: "no proof of work",
    QuarantineReason.REPEATED_ADDRESS: "address signed up too often",
    QuarantineReason.LINKS_IN_NAME: "link in a name",
    QuarantineReason.DISPOSABLE: "disposable address",
    QuarantineReason.GIBBERISH: "random name",
    QuarantineReason.SPAM_WORDS: "words that advertise",
    QuarantineReason.LINKS: "link in a text",
    QuarantineReason.SAME_VALUES: "several fields alike",
    QuarantineReason.MIXED_SCRIPTS: "letters of two scripts",
    QuarantineReason.ODD_NAME: "odd name",
    QuarantineReason.ODD_ADDRESS: "odd address",
    QuarantineReason.BUSY_NETWORK: "busy network",
    QuarantineReason.TOO_FAST: "too fast",
    QuarantineReason.UNTIMED: "unknown time on the page",
    SPIKE: "spike",
}
# Why requests were refused, where the name is no word of the console.
REFUSAL_WORDS: Mapping[str, str] = {
    RefusalCode.ORIGIN: "website not allowed",
    RefusalCode.NOT_SHOWN: "not shown",
}


def state_words(state: str) -> str:
    """Return what a sign-up in this state is."""
    return STATE_WORDS.get(state, state)


def count_words(count: str) -> str:
    """Return what sign-ups are that this count has."""
    return COUNT_WORDS.get(count, count)


def reason_words(reason: str) -> str:
    """Return why a sign-up failed or looks like spam; a version that knows more may have stored
    the reason."""
    return REASON_WORDS.get(reason, reason)


def refusal_words(code: str) -> str:
    """Return why a request was refused, by its code."""
    return REFUSAL_WORDS.get(code, code)
