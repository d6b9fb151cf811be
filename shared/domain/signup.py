"""A sign-up: what a visitor asked for, our aggregate, from acceptance to its end."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

# What becomes of someone who is unsubscribed and signs up again: put back, as that is their own
# act, or asked by Constant Contact to confirm it first.
WhenUnsubscribed = Literal["resubscribe", "ask"]


class State(StrEnum):
    """Where a sign-up stands. docs/states.md draws how it gets from one to the next."""

    QUEUED = "queued"  #: accepted, waiting for its first claim
    DELIVERING = "delivering"  #: claimed by a lane until the claim runs out
    RETRYING = "retrying"  #: failed for a passing reason, waiting for its next attempt
    DELIVERED = "delivered"  #: Constant Contact has it
    DEAD = "dead"  #: given up or refused; an operator decides
    DISCARDED = "discarded"  #: an operator decided against it
    QUARANTINED = "quarantined"  #: looks like spam; never sent by itself


class DeathReason(StrEnum):
    """Why a sign-up became a dead letter."""

    REJECTED = "rejected"  #: Constant Contact refused it; sending again as it is cannot help
    GAVE_UP = "gave_up"  #: attempts used up, or too old
    POISON = "poison"  #: processing it ended its worker, again and again
    UNSUBSCRIBED_SINCE = "unsubscribed_since"  #: the person unsubscribed after signing up


@dataclass(frozen=True, slots=True)
class CustomValue:
    """A custom field's value to be sent, with the field's id at Constant Contact."""

    id: str
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the visitor was told and did: the evidence that the sign-up was wanted.

    `box` is whether the consent box was ticked, None where the form has none.
    `address` is the visitor's network address, `page` where the form stood.
    The time of consent is the sign-up's `received_at`.
    """

    text: str
    version: str
    box: bool | None
    address: str
    page: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The person as typed: `fields` by their names at Constant Contact, `email_address` first.

    `other` holds the posted fields that are kept with the sign-up but not sent.
    Personal data, so none of it appears in `repr`.
    """

    fields: dict[str, str] = field(repr=False)
    custom: tuple[CustomValue, ...] = field(default=(), repr=False)
    other: dict[str, str | list[str]] = field(default_factory=dict, repr=False)

    @property
    def email(self) -> str:
        return self.fields["email_address"]

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, stored: str) -> "Contact":
        """Return the contact that `to_json` wrote; what later versions added is ignored."""
        found: dict[str, Any] = json.loads(stored)
        custom = tuple(CustomValue(v["id"], v["name"], v["value"]) for v in found["custom"])
        return cls(fields=found["fields"], custom=custom, other=found["other"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A checked sign-up that is about to be accepted.

    `quarantine` says why it looks like spam; None for a clean one. `lists` are list ids.
    """

    id: str
    form: str
    account: str
    contact: Contact
    lists: tuple[str, ...]
    consent: Consent
    quarantine: str | None = None
    unsubscribed: WhenUnsubscribed = "resubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signup:
    """A sign-up as the ledger has it, whatever its state; times are in UTC."""

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
    reason: str | None = None
    error_key: str | None = None
    message: str | None = None
    settled_at: datetime | None = None
    contact_id: str | None = None
    action: str | None = None
