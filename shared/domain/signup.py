"""A sign-up: what a visitor asked for, from acceptance to its final state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

# What happens when an unsubscribed person signs up again: they are subscribed again, as that is
# their own act, or Constant Contact asks them to confirm first.
WhenUnsubscribed = Literal["resubscribe", "ask"]


class State(StrEnum):
    """The state of a sign-up. docs/states.md draws the transitions."""

    QUEUED = "queued"  #: accepted, or retried by an operator; waits for a claim
    DELIVERING = "delivering"  #: claimed by a lane until the claim runs out
    RETRYING = "retrying"  #: failed for a temporary reason, waiting for its next attempt
    DELIVERED = "delivered"  #: Constant Contact has it
    DEAD = "dead"  #: refused or given up; an operator decides
    DISCARDED = "discarded"  #: an operator decided against it
    QUARANTINED = "quarantined"  #: looks like spam; not sent unless an operator delivers it


class DeathReason(StrEnum):
    """Why a sign-up became a dead letter."""

    REJECTED = "rejected"  #: Constant Contact refused it; sending it again unchanged cannot help
    GAVE_UP = "gave_up"  #: no attempts are left, or it is too old
    POISON = "poison"  #: three workers ended, hung or broke while they had it
    UNSUBSCRIBED_SINCE = "unsubscribed_since"  #: the person unsubscribed after signing up
    UNREADABLE = "unreadable"  #: nobody can read its record; no step of ours wrote it like that


class QuarantineReason(StrEnum):
    """Why a sign-up looks like spam."""

    HONEYPOT = "honeypot"  #: it filled in the field that people do not see
    CAPTCHA = "captcha"  #: its form asks for a proof of work, and it had none, or a used one
    REPEATED_ADDRESS = "repeated_address"  #: the address was signed up too often in a short time
    LINKS_IN_NAME = "links_in_name"  #: a link, HTML or BB code where a name belongs
    DISPOSABLE = "disposable"  #: the e-mail address lives for minutes
    GIBBERISH = "gibberish"  #: a name is a random string
    SPAM_WORDS = "spam_words"  #: words that advertise
    LINKS = "links"  #: links in a message or another text
    SAME_VALUES = "same_values"  #: first name, last name and a third field alike
    MIXED_SCRIPTS = "mixed_scripts"  #: letters of two scripts in one word
    ODD_NAME = "odd_name"  #: prices, emojis or exclamation marks in a name
    ODD_ADDRESS = "odd_address"  #: many single letters between the dots of the address
    BUSY_NETWORK = "busy_network"  #: many came from its network, and something else is odd
    TOO_FAST = "too_fast"  #: sent sooner than a person can type
    UNTIMED = "no_time_token"  #: nobody knows how long the visitor had the page


# Who lists a quarantine may ask for it, and no sign-up has it: a spike is an alert about a form.
SPIKE = "spike"
QUARANTINE_FILTERS = (*QuarantineReason, SPIKE)

# The score of a reason that quarantines by itself, whatever threshold the form has.
ALONE = 100
# Of what caused a reason, so many characters are kept.
SEEN_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a sign-up looks like spam.

    `reasons` begin with the heaviest; a version that knows more may have stored them. `score` is
    the weight of all. `seen` has what caused a reason, such as the link, by the reason: personal
    data, cut to `SEEN_LIMIT`.
    """

    reasons: tuple[str, ...]
    score: int
    seen: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def reason(self) -> str:
        """The heaviest."""
        return self.reasons[0]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        seen = {"seen": dict(self.seen)} if self.seen else {}
        return {"reasons": self.reasons, "score": self.score, **seen}

    @classmethod
    def from_stored(cls, stored: str | dict[str, Any]) -> "Suspicion":
        """Return what `to_dict` described. Earlier versions stored a reason alone, as text: each
        that they knew quarantines by itself."""
        if isinstance(stored, str):
            return cls((stored,), ALONE)
        [*reasons] = stored["reasons"]
        if not reasons:
            raise ValueError("no reason")
        return cls(tuple(reasons), stored["score"], stored.get("seen", {}))


@dataclass(frozen=True, slots=True)
class CustomValue:
    """The value of a custom field, with the field's id at Constant Contact.

    `source` says what it tells of where the sign-up came from, such as ``utm_campaign``; None for
    what a visitor typed.
    """

    id: str
    name: str
    value: str
    source: str | None = None

    def to_dict(self) -> dict[str, str]:
        stored = {"id": self.id, "name": self.name, "value": self.value}
        return stored | {"source": self.source} if self.source else stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the visitor read and did: the evidence of consent.

    `box` says whether the consent box was ticked; None if the form has none. `posted` is what the
    page posted for it. `address` is the visitor's network address, `page` the page with the form,
    `referrer` the page before it. With `stated`, the page said that it showed this very text; else
    it is the form's text of that time. `language` is the page's, if it said so. The time of consent
    is the sign-up's `received_at`.
    """

    text: str
    version: str
    box: bool | None
    address: str
    page: str | None
    posted: str | None = None
    stated: bool = False
    language: str | None = None
    referrer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The person: `fields` by their `api_name`, `email_address` first.

    `other` holds posted fields that are stored but not sent, `typed` what was typed where something
    else is sent, also since an edit, by the fields' page names; empty if nothing was typed. `cut`
    is how many were too many, or too large, to be kept. All of it is personal data, so none of it
    appears in `repr`.
    """

    fields: dict[str, str] = field(repr=False)
    custom: tuple[CustomValue, ...] = field(default=(), repr=False)
    other: dict[str, str | list[str]] = field(default_factory=dict, repr=False)
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    cut: int = 0

    @property
    def email(self) -> str:
        return self.fields["email_address"]

    @property
    def emails(self) -> tuple[str, ...]:
        """The address, and the one that was typed at first if an operator has corrected it."""
        return (self.email, *([self.typed["email"]] if "email" in self.typed else []))

    def to_dict(self) -> dict[str, Any]:
        """Return what is not empty, as plain values."""
        custom = [each.to_dict() for each in self.custom]
        rare = {"custom": custom, "other": self.other, "typed": self.typed, "cut": self.cut}
        return {"fields": self.fields, **{name: value for name, value in rare.items() if value}}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Contact":
        """Return the contact that `to_dict` described. Other keys are ignored."""
        custom = stored.get("custom", ())
        return cls(
            fields=stored["fields"],
            custom=tuple(
                CustomValue(v["id"], v["name"], v["value"], v.get("source")) for v in custom
            ),
            other=stored.get("other", {}),
            typed=stored.get("typed", {}),
            cut=stored.get("cut", 0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A checked sign-up, ready to be accepted.

    `quarantine` says why it looks like spam; None for a clean one. `if_busy` says why it would if
    its visitor's network is busy; None for most. `lists` are list ids.
    `request_id` is what a trusted proxy called the request that brought it; None for most, whose
    request has the sign-up's id.
    """

    id: str
    form: str
    account: str
    contact: Contact
    lists: tuple[str, ...]
    consent: Consent
    quarantine: Suspicion | None = None
    if_busy: Suspicion | None = None
    unsubscribed: WhenUnsubscribed = "resubscribe"
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a person consented to with one sign-up, which may be cleared since."""

    id: str
    account: str
    form: str
    consent: Consent
    given_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """A sign-up as the ledger stores it, in any state. Times are in UTC.

    `edits` says how often an operator has corrected it. `request_id` is as in `Submission`.
    `reason` is why it is dead, or the heaviest reason of its quarantine. `quarantine` says all of
    why it was quarantined, also after it was delivered from there. `person` is a fingerprint.
    """

    id: str
    account: str
    form: str
    state: State
    contact: Contact
    lists: tuple[str, ...]
    consent: Consent
    received_at: datetime
    attempts: int
    lost: int
    unsubscribed: WhenUnsubscribed = "resubscribe"
    request_id: str | None = None
    edits: int = 0
    reason: str | None = None
    error_key: str | None = None
    message: str | None = None
    settled_at: datetime | None = None
    contact_id: str | None = None
    action: str | None = None
    quarantine: Suspicion | None = None
    person: str = ""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it was quarantined, the heaviest reason first."""
        return self.quarantine.reasons if self.quarantine else ()

    @property
    def score(self) -> int | None:
        """The weight of these reasons; None if it never was quarantined."""
        return self.quarantine.score if self.quarantine else None

    def has_reason(self, reason: str) -> bool:
        """Whether it is dead for this reason, or quarantined for this one among others."""
        return reason == self.reason or reason in self.reasons
