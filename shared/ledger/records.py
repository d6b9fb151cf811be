"""The record of a sign-up: a text of lines.

How it stands (JSON), what is sent (JSON), the consent (JSON), and then its history, one attempt or
other event (JSON) a line. The scripts change the first line and add to the history
(`scripts/lib/record.lua`). What the other lines hold is written here alone.
"""

import json
from collections.abc import Mapping
from typing import Any

from shared.domain.signup import (
    Consent,
    Contact,
    Evidence,
    Signup,
    State,
    Submission,
    WhenUnsubscribed,
)
from shared.ledger.time_units import from_milliseconds, moment

# `json.dumps` would make a new encoder each time.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

# What `Attempt.to_json` leaves out.
_USUAL_ATTEMPT = {
    "at": None,
    "seconds": None,
    "status": None,
    "error_key": None,
    "message": None,
    "tracking_id": None,
    "counted": True,
}


def sent_of(submission: Submission) -> str:
    return sent_json(submission.contact, submission.lists, submission.unsubscribed)


def sent_json(contact: Contact, lists: tuple[str, ...], unsubscribed: WhenUnsubscribed) -> str:
    """Return the line with what is sent."""
    sent: dict[str, Any] = {"lists": lists, **contact.to_dict()}
    if unsubscribed != "resubscribe":
        sent["unsubscribed"] = unsubscribed
    return _JSON.encode(sent)


def read_sent(line: str) -> tuple[Contact, tuple[str, ...], WhenUnsubscribed]:
    """Return the contact, the ids of the lists, and what becomes of an unsubscribed person."""
    sent = json.loads(line)
    return Contact.from_dict(sent), tuple(sent["lists"]), sent.get("unsubscribed", "resubscribe")


def consent_json(consent: Consent) -> str:
    """Return the line with the consent. The account has its text, once for each version."""
    stored = {
        "version": consent.version,
        "box": consent.box,
        "address": consent.address,
        "page": consent.page,
        "posted": consent.posted,
    }
    return _JSON.encode({name: value for name, value in stored.items() if value is not None})


def read_consent(line: str, texts: Mapping[str, str]) -> Consent:
    """Return the consent; `texts` has the texts by version."""
    stored = {"text": "", "box": None, "page": None, **json.loads(line)}
    return Consent(**{**stored, "text": texts.get(stored["version"], stored["text"])})


def read_signup(account: str, id: str, record: str, texts: Mapping[str, str]) -> Signup:
    """Return the sign-up of which this is the record."""
    first, sent, consent, *_ = record.split("\n")
    stands = json.loads(first)
    contact, lists, unsubscribed = read_sent(sent)
    return Signup(
        id=id,
        account=account,
        form=stands["form"],
        state=State(stands["state"]),
        contact=contact,
        lists=lists,
        unsubscribed=unsubscribed,
        consent=read_consent(consent, texts),
        received_at=from_milliseconds(stands["received_at"]),
        attempts=int(stands.get("attempts", 0)),
        lost=int(stands.get("lost", 0)),
        edits=int(stands.get("edits", 0)),
        reason=stands.get("reason"),
        error_key=stands.get("error_key"),
        message=stands.get("message"),
        settled_at=moment(stands.get("settled_at")),
        contact_id=stands.get("contact_id"),
        action=stands.get("action"),
    )


def is_evidence(record: str) -> bool:
    """Return whether nothing but the evidence of consent is left (`scripts/lib/evidence.lua`)."""
    first, _ = record.split("\n", 1)
    return bool(json.loads(first)["state"] == "cleared")


def read_history(record: str) -> list[dict[str, Any]]:
    """Return every attempt and other event, the oldest first."""
    return [_event(json.loads(line)) for line in record.split("\n")[3:]]


def read_evidence(account: str, id: str, record: str, texts: Mapping[str, str]) -> Evidence:
    """Return the consent, of a cleared sign-up, too."""
    first, _, consent, *_ = record.split("\n")
    stands = json.loads(first)
    return Evidence(
        id=id,
        account=account,
        form=stands["form"],
        consent=read_consent(consent, texts),
        given_at=from_milliseconds(stands["received_at"]),
    )


def _event(stored: dict[str, Any]) -> dict[str, Any]:
    return {**_USUAL_ATTEMPT, **stored} if "seconds" in stored else stored
