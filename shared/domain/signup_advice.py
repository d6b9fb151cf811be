"""Why a sign-up stands as it does, in one sentence, and the one thing to do about it.

Pure tables, for every state, reason and hold. The rows for what Constant Contact refuses are tried
in their order; they go by its error keys and by the words of its messages.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.account import Hold, HoldReason
from shared.domain.failure_group import FailureGroup
from shared.domain.phrases import clause, sentence
from shared.domain.signup import DeathReason, QuarantineReason, Signup, State, Suspicion
from shared.domain.signup_outlook import Outlook

# For whoever looks for sign-ups with this reason.
ABOUT_SPIKES = (
    "No sign-up has the reason spike. A spike is an alert about a form, and quarantines nothing by"
    " itself. To see what was quarantined during one, filter by its form and its time."
)


class Remedy(StrEnum):
    """What an operator does about it."""

    EDIT = "edit"
    RETRY = "retry"
    LISTS = "lists"  #: give the form another list, and retry it there
    DISCARD = "discard"
    DELIVER = "deliver"
    SEE_ACCOUNT = "see_account"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Why:
    """Why, and what to do, each in sentences. `remedy` is the same as a button."""

    sentence: str
    to_do: str
    remedy: Remedy = Remedy.NOTHING

    @property
    def short(self) -> str:
        """The first sentence, for a list."""
        first, end, _ = self.sentence.partition(". ")
        return f"{first}." if end else first


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A row: what Constant Contact refused, by a pattern of its answer, and why."""

    pattern: str
    why: Why


_WAIT = "You need not do anything."
_LOOK = "If it looks like a person, deliver it anyway. Otherwise discard it."

_QUARANTINED: Mapping[str | None, Why] = {
    QuarantineReason.HONEYPOT: Why(
        "It filled in the field that people do not see. Robots do that, and some password"
        " managers.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.LINKS_IN_NAME: Why(
        "A name or a part of the address has a link, HTML or BB code, or says whom to find in a"
        " messenger. Robots do that so that your mail of welcome carries it to a stranger.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.DISPOSABLE: Why(
        "Its e-mail address is from a service whose addresses live for minutes. Mail to it soon"
        " comes back.",
        "Discard it, unless you know the person.",
        Remedy.DISCARD,
    ),
    QuarantineReason.GIBBERISH: Why(
        "A name looks like a random string, which robots post.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.SPAM_WORDS: Why(
        "It has words that advertise. People who sign up hardly ever write them.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.LINKS: Why(
        "A message or another text has links. People link their own website, too.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.SAME_VALUES: Why(
        "First and last name are the same, and so is a third field, or the name has a capital"
        " inside. Some robots fill in every field alike.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.MIXED_SCRIPTS: Why(
        "A word mixes Latin letters with Cyrillic or Greek ones that look alike, or has blanks that"
        " nobody sees. Robots do that to hide a word from filters.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.ODD_NAME: Why(
        "A name has an amount of money, a percentage, several emojis, several exclamation marks, or"
        " letters of a fancy font.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.ODD_ADDRESS: Why(
        "Its e-mail address has many single letters between dots. Robots make many addresses out of"
        " one mailbox that way.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.TOO_FAST: Why(
        "It was sent within two seconds after the page was made. Some people are as fast, with"
        " autofill.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.UNTIMED: Why(
        "It came without a time token, as everything from a website's own form does.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.CAPTCHA: Why(
        "Its form asks browsers for a proof of work, and it came with none, or with one that counts"
        " no more. Robots do that, and so do browsers without JavaScript and scripts of your own.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.BUSY_NETWORK: Why(
        "Many sign-ups came from its network within a minute or so, and something in it is odd. A"
        " school, a fair or an office has one network, too.",
        _LOOK,
        Remedy.DELIVER,
    ),
    QuarantineReason.REPEATED_ADDRESS: Why(
        "This address was signed up more often in a day than RELAY_PERSON_LIMIT allows. With more,"
        " Constant Contact would refuse the address for 48 hours.",
        "If the person wants this sign-up too, deliver it anyway tomorrow. Otherwise discard it.",
        Remedy.DELIVER,
    ),
}

_HELD = {
    HoldReason.RECONNECT: Why(
        "Its account has no working connection to Constant Contact, so nothing of it is sent."
        " Nothing is lost.",
        "If the hold does not end by itself, connect the account again.",
        Remedy.SEE_ACCOUNT,
    ),
    HoldReason.FORBIDDEN: Why(
        "The login that connected its account may not write contacts. Nothing is lost.",
        "Connect the account again as an Account Owner or Account Manager.",
        Remedy.SEE_ACCOUNT,
    ),
    HoldReason.PAUSED: Why(
        "An operator has paused its account. Nothing is lost.",
        "Release the account to end the pause.",
        Remedy.SEE_ACCOUNT,
    ),
    HoldReason.OUTAGE: Why(
        "Several sign-ups of its account in a row could not be sent. Nothing is lost.",
        f"{_WAIT} Deliveries resume when Constant Contact takes sign-ups again.",
    ),
    HoldReason.QUOTA: Why(
        "The day's requests of its API key are used up.",
        f"{_WAIT} Deliveries resume at 00:00 UTC.",
    ),
}

_DEAD: Mapping[str | None, Why] = {
    DeathReason.REJECTED: Why(
        "Constant Contact refused it as it is. Sending it again unchanged does not help.",
        "Correct what the message names, then retry it. Otherwise discard it.",
        Remedy.EDIT,
    ),
    DeathReason.GAVE_UP: Why(
        "Each of its attempts failed for a reason that usually passes, and no more are left.",
        "Retry it when the cause in its last message is gone.",
        Remedy.RETRY,
    ),
    DeathReason.POISON: Why(
        "Three workers ended, hung or failed while they had it. It may be its content.",
        "Look at the worker's log. Retry it after an update, or discard it.",
        Remedy.RETRY,
    ),
    DeathReason.UNSUBSCRIBED_SINCE: Why(
        "The person unsubscribed after signing up. Sending it now would put them back against"
        " their will.",
        "Discard it.",
        Remedy.DISCARD,
    ),
    DeathReason.UNREADABLE: Why(
        "Nobody can read its record in Redis. Something else than signup-relay wrote it.",
        "Restore the record from a backup. Otherwise discard it.",
        Remedy.DISCARD,
    ),
}

_TOO_OLD = Why(
    "Its attempts failed for seven days, and it is too old now to be tried by itself.",
    "Retry it when the cause in its last message is gone.",
    Remedy.RETRY,
)
_ASK_SUPPORT = (
    "Retry it once. If that fails, send the support report to Constant Contact's support."
)
_OUR_FAULT = (
    "Update signup-relay and retry it. If that fails, report it with the support report below."
)

_LIST_GONE = Why(
    "Constant Contact does not know one of its lists. Somebody has probably deleted it there.",
    "Give the form another list, then retry it there. If somebody restores the list in Constant"
    " Contact, retry it as it is.",
    Remedy.LISTS,
)

# Of "status: message error_key", in lower case.
_REFUSED = (
    _Refusal(
        r"asked only once",
        Why(
            "The person had unsubscribed, and Constant Contact has asked them before to confirm"
            " that they want to be put back. It asks each contact only once.",
            "Discard it. The person can still confirm with the first mail.",
            Remedy.DISCARD,
        ),
    ),
    _Refusal(
        r"\blists?(_ids?|_memberships)?\b",
        _LIST_GONE,
    ),
    _Refusal(
        r"custom_?field",
        Why(
            "Constant Contact refuses one of its custom fields: the field was deleted there, or its"
            " value does not fit.",
            "Correct or empty the field, then retry it.",
            Remedy.EDIT,
        ),
    ),
    _Refusal(
        r"email",
        Why(
            "Constant Contact does not accept the e-mail address.",
            "Correct the address, then retry it. If it is right, retry it after two days: an"
            " address that was signed up too often is refused for 48 hours.",
            Remedy.EDIT,
        ),
    ),
    _Refusal(
        r"\b(birthday_\w+|anniversary|phone\w*|first_name|last_name|job_title|company_name)\b"
        r"|\b(street_address|street|city|state|postal_code|country)\b|too long|valid value",
        Why(
            "Constant Contact does not accept the value of one of its fields, which the message"
            " names.",
            "Correct or empty this field, then retry it.",
            Remedy.EDIT,
        ),
    ),
    _Refusal(
        r"^403\b|access_denied|forbidden",
        Why(
            "Constant Contact forbids this sign-up alone: the login may write contacts.",
            _ASK_SUPPORT,
            Remedy.RETRY,
        ),
    ),
    _Refusal(
        r"^(405|406|410|413|415)\b|json|unsupported_media_type",
        Why("Constant Contact does not understand the request itself.", _OUR_FAULT, Remedy.RETRY),
    ),
    _Refusal(
        r"^404\b|not_found",
        Why(
            "Constant Contact does not find something that it names: a list, or a custom field.",
            "Look whether its lists and custom fields still exist in Constant Contact, then retry"
            " it.",
            Remedy.RETRY,
        ),
    ),
)

_SETTLED = {
    State.DELIVERED: Why(
        "Constant Contact has the contact.",
        "If they got no e-mail, look there whether they are unsubscribed, and whether the list has"
        " a welcome e-mail: signup-relay sends none.",
    ),
    State.DISCARDED: Why(
        "An operator decided against it. It is never sent.",
        "If that was a mistake, undo the discard before it is cleared.",
    ),
    State.QUARANTINED: Why(
        "It looks like spam, so it is not sent by itself.",
        _LOOK,
        Remedy.DELIVER,
    ),
    State.DEAD: Why(
        "It was not delivered.", "Read its last message, then retry or discard it.", Remedy.RETRY
    ),
}

_DUE = {
    State.QUEUED: Why("It is accepted, and waits for a worker.", _WAIT),
    State.DELIVERING: Why("A worker is sending it at this moment.", _WAIT),
    State.RETRYING: Why("Its last attempt failed for a reason that usually passes.", _WAIT),
}


_ASKED = Why(
    "The person had unsubscribed before. Constant Contact has asked them by mail to confirm, as the"
    " form wants it.",
    f"{_WAIT} They are on the lists as soon as they confirm.",
)


_IN_JOB = {
    State.DEAD: Why("It failed, and waits for its turn in a job that retries many.", _WAIT),
    State.QUARANTINED: Why(
        "It looks like spam, and waits for its turn in a job that delivers many anyway.", _WAIT
    ),
}


def why(signup: Signup, outlook: Outlook, holds: Sequence[Hold]) -> Why:
    """Return why the sign-up stands as it does. The gravest of `holds` is the first."""
    if outlook.job and signup.state in _IN_JOB:
        return _IN_JOB[signup.state]
    match signup.state:
        case State.DEAD:
            return why_failed(signup)
        case State.QUARANTINED:
            return why_quarantined(signup.reason)
        case State.DELIVERED if signup.action == "asked":
            return _ASKED
        case State.DELIVERED | State.DISCARDED:
            return _SETTLED[signup.state]
    return _why_due(signup, outlook, holds)


def why_dead(reason: str | None, error_key: str, message: str) -> Why:
    """Return why a dead letter died, by its reason and the answer of Constant Contact."""
    if reason == DeathReason.REJECTED:
        return _why_refused(error_key, message)
    if reason == DeathReason.GAVE_UP and "still not delivered" in message:
        return _TOO_OLD
    return _DEAD.get(reason, _SETTLED[State.DEAD])


def why_failed(failed: Signup | FailureGroup) -> Why:
    """Return why a dead letter died, or those of a group."""
    return why_dead(failed.reason, failed.error_key or "", failed.message or "")


def is_about_lists(failed: Signup | FailureGroup) -> bool:
    """Whether the cause is a list that does not exist."""
    return why_failed(failed) is _LIST_GONE


def why_quarantined(reason: str | None) -> Why:
    """Return why it looks like spam; a version that knows more may have stored the reason."""
    return _QUARANTINED.get(reason, _SETTLED[State.QUARANTINED])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonInWords:
    """A reason of quarantine: the word of it, what it means in a sentence, and what caused it. That
    is personal data, and empty if nothing is kept of it."""

    reason: str
    sentence: str
    seen: str


def reasons_in_words(suspicion: Suspicion | None) -> list[ReasonInWords]:
    """Return the reasons, the heaviest first."""
    if suspicion is None:
        return []
    return [
        ReasonInWords(
            reason=reason,
            sentence=why_quarantined(reason).short,
            seen=suspicion.seen.get(reason, ""),
        )
        for reason in suspicion.reasons
    ]


def why_held(reason: HoldReason) -> Why:
    return _HELD[reason]


def _why_refused(error_key: str, message: str) -> Why:
    answer = f"{message.removeprefix('HTTP ')} {error_key}".lower()
    matching = (row.why for row in _REFUSED if re.search(row.pattern, answer))
    return next(matching, _DEAD[DeathReason.REJECTED])


def _why_due(signup: Signup, outlook: Outlook, holds: Sequence[Hold]) -> Why:
    if signup.state == State.DELIVERING:
        return _DUE[signup.state]
    if holds:
        return why_held(holds[0].reason)
    if outlook.before:
        return Why("It waits behind an earlier sign-up of the same person.", _WAIT)
    if signup.state == State.RETRYING and signup.message:
        found = _DUE[signup.state]
        return Why(f"{clause(found.sentence)}: {sentence(signup.message)}", found.to_do)
    return _DUE[signup.state]
