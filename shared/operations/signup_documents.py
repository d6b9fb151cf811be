"""A sign-up as scripts read it: what the command line prints and the API answers. Pure."""

from collections.abc import Sequence
from typing import Any

from shared.domain.masked_email import masked_email
from shared.domain.short_ids import short_id
from shared.domain.signup import Consent, Contact, Signup, State
from shared.infrastructure.timestamps import timestamp
from shared.ledger.time_units import from_milliseconds
from shared.operations.one_signup import SignupDetails

DEAD_LETTER_NAMES = (
    *("id", "account", "form", "email", "state", "received_at", "settled_at", "attempts"),
    *("reason", "reasons", "score", "error_key", "message", "died_at"),
)


def signup_summary(signup: Signup) -> dict[str, Any]:
    """Return what is known of the sign-up in every list."""
    return {
        "id": signup.id,
        "account": signup.account,
        "form": signup.form,
        "email": signup.contact.email,
        "state": signup.state,
        "received_at": timestamp(signup.received_at),
        "settled_at": timestamp(signup.settled_at),
        "attempts": signup.attempts,
        "reason": signup.reason,
        "reasons": list(signup.reasons),
        "score": signup.score,
        "error_key": signup.error_key,
        "message": signup.message,
    }


def dead_letter(signup: Signup) -> dict[str, Any]:
    """Return what is known of it where dead letters are listed."""
    died_at = timestamp(signup.settled_at) if signup.state == State.DEAD else None
    return signup_summary(signup) | {"died_at": died_at}


def exported_document(signup: Signup) -> dict[str, Any]:
    """Return the same, and what the person typed."""
    return dead_letter(signup) | _values(signup.contact)


def signup_details(signup: Signup) -> dict[str, Any]:
    """Return what else is known of one sign-up that is looked at alone."""
    contact = signup.contact
    return {
        **_values(contact),
        "seen": dict(signup.quarantine.seen) if signup.quarantine else {},
        "fields_cut": contact.cut,
        "typed": contact.typed,
        "lists": list(signup.lists),
        "contact_id": signup.contact_id,
        "claims_lost": signup.lost,
        "consent": consent_document(signup.consent) | {"at": timestamp(signup.received_at)},
    }


def consent_document(consent: Consent) -> dict[str, Any]:
    return {
        "text": consent.text,
        "version": consent.version,
        "box": consent.box,
        "posted": consent.posted,
        "stated": consent.stated,
        "language": consent.language,
        "address": consent.address,
        "page": consent.page,
        "referrer": consent.referrer,
    }


def _values(contact: Contact) -> dict[str, Any]:
    return {
        "fields": contact.fields,
        "custom_fields": {value.name: value.value for value in contact.custom},
        "other_fields": contact.other,
    }


def signup_outlook(details: SignupDetails) -> dict[str, Any]:
    """Return why it stands as it does, what to do, and what happens next."""
    step = details.next_step
    return {
        "short_id": short_id(details.signup.id),
        "request_id": details.signup.request_id or details.signup.id,
        "why": details.why.sentence,
        "to_do": details.why.to_do,
        "next": step.sentence if step else None,
        "next_at": timestamp(step.at) if step else None,
    }


def event_documents(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the history with times as scripts read them."""
    return [{**each, **_times(each)} for each in history]


def _times(event: dict[str, Any]) -> dict[str, str | None]:
    names = [name for name in ("at", "died_at") if name in event]
    return {name: timestamp(from_milliseconds(event[name])) for name in names}


def without_person(document: dict[str, Any]) -> dict[str, Any]:
    """Return a sign-up's document as viewers may read it: without what tells who the visitor is.

    The keys stay. Of the address, enough is left to tell two apart.
    """
    email = masked_email(document["email"])
    if "fields" not in document:
        return document | {"email": email}
    unknown = dict.fromkeys(("posted", "address", "page", "referrer"))
    return document | {
        "email": email,
        "fields": {"email_address": email},
        "custom_fields": {},
        "other_fields": {},
        "seen": {},
        "typed": {},
        "contact_id": None,
        "consent": document["consent"] | unknown,
        "history": [_without_values(event) for event in document["history"]],
    }


def _without_values(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event without what was typed before a correction, or said of a discard."""
    return {name: value for name, value in event.items() if name not in ("before", "note")}
