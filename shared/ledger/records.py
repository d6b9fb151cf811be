"""The record of a sign-up: a text of lines.

How it stands, what is sent, the consent, and then its history, one attempt or other event a line.
Each line is JSON: mostly a list, as names would take much of the memory. The scripts change the
first line and add to the history (`scripts/lib/record.lua`). The other lines are written here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import orjson

from shared.domain.signup import (
    Consent,
    Contact,
    DeathReason,
    Evidence,
    Signup,
    State,
    Submission,
    Suspicion,
    WhenUnsubscribed,
)
from shared.infrastructure.stored_records import RecordKind, json_object, read_all
from shared.ledger.time_units import from_milliseconds, moment

# The values of the first line, in their places: as in `scripts/lib/first_line.lua`.
FIELDS = (
    *("state", "form", "person", "received_at", "content", "queue", "attempts", "claim"),
    *("settled_at", "contact_id", "action", "held_mark", "lane", "state_before", "due_before"),
    *("probe", "requeued_at", "lost", "reason", "error_key", "message", "replay", "edits"),
    *("repeated_at", "repeat_keys", "erase", "uncounted", "settled_before"),
    "typed_person",
)
# The values of a consent, and of an attempt.
CONSENT = ("version", "box", "address", "page", "posted", "stated", "language", "referrer")
ATTEMPT = ("at", "seconds", "status", "tracking_id", "error_key", "message", "counted")
# What a record that never was quarantined may have as its reason.
_NO_QUARANTINE = (None, *DeathReason)


def packed(*values: Any) -> str:
    """Return the values as a list, without those at the end that are unknown."""
    known = len(values)
    while known and values[known - 1] is None:
        known -= 1
    return _written(values[:known])


def _written(value: Any) -> str:
    return orjson.dumps(value).decode()


def unpacked(line: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the values by name; None for an unknown one."""
    return {**dict.fromkeys(names), **dict(zip(names, _values(line), strict=False))}


def _values(line: str) -> list[Any]:
    values = json.loads(line)
    if not isinstance(values, list):
        raise ValueError("no list of values")
    return values


def read_first_line(record: str) -> dict[str, Any]:
    """Return how the sign-up stands, without what is unknown or 0."""
    values = unpacked(record.split("\n", 1)[0], FIELDS)
    return {name: value for name, value in values.items() if value not in (None, "")}


class FirstLine(NamedTuple):
    """What filters look at first: all of it is in the first line of a record."""

    form: str
    error_key: str | None
    message: str | None


_FILTER_PLACES = tuple(FIELDS.index(name) for name in FirstLine._fields)


def read_filter_values(record: str) -> FirstLine:
    """Return what filters look at first, for a tenth of what reading the whole record costs."""
    values = _values(record.partition("\n")[0])
    known = len(values)
    return FirstLine._make(values[at] if at < known else None for at in _FILTER_PLACES)


def sent_json(of: Submission | Signup, contact: Contact) -> str:
    """Return the line with what is sent: all of the sign-up's, but this contact."""
    sent: dict[str, Any] = {"lists": of.lists, **contact.to_dict()}
    if of.unsubscribed != "resubscribe":
        sent["unsubscribed"] = of.unsubscribed
    if of.request_id is not None:
        sent["request"] = of.request_id
    if of.quarantine is not None:
        sent["quarantine"] = of.quarantine.to_dict()
    return _written(sent)


def suspicion_json(suspicion: Suspicion) -> str:
    """Return what `sent_json` has of a quarantine, for the script that may add it."""
    return _written(suspicion.to_dict())


class Sent(TypedDict):
    """What the line with what is sent says of a sign-up. `lists` are ids."""

    contact: Contact
    lists: tuple[str, ...]
    unsubscribed: WhenUnsubscribed
    request_id: str | None


def read_sent(line: str) -> Sent:
    return _read_sent(json_object(line))


def _read_sent(sent: dict[str, Any]) -> Sent:
    contact, lists = Contact.from_dict(sent), sent["lists"]
    if not isinstance(lists, list) or "email_address" not in contact.fields:
        raise ValueError("no lists, or no address")
    return Sent(
        contact=contact,
        lists=tuple(lists),
        unsubscribed=sent.get("unsubscribed", "resubscribe"),
        request_id=sent.get("request"),
    )


def _read_quarantine(stored: dict[str, Any] | None, stands: dict[str, Any]) -> Suspicion | None:
    """Return why the sign-up was quarantined. Earlier versions, and the script that accepts, note
    nothing but the heaviest reason."""
    reason = stands.get("reason")
    if stored is None and (stands["state"] == State.DEAD or reason in _NO_QUARANTINE):
        return None
    return Suspicion.from_stored(stored or str(reason))


def consent_json(consent: Consent) -> str:
    """Return the line with the consent. The account has its text, once for each version."""
    return packed(
        consent.version,
        consent.box,
        consent.address,
        consent.page,
        consent.posted,
        consent.stated or None,
        consent.language,
        consent.referrer,
    )


def read_consent(line: str, texts: Mapping[str, str]) -> Consent:
    """Return the consent; `texts` has the texts by version.

    One that the upgrade to format 3 could not read is as it was, with its text.
    """
    whole = json.loads(line) if line.startswith("{") else {}
    stored = whole or unpacked(line, CONSENT)
    text = texts.get(stored["version"], stored.get("text", ""))
    return Consent(**{**stored, "text": text, "stated": bool(stored.get("stated"))})


def read_signup(account: str, id: str, record: str, texts: Mapping[str, str]) -> Signup | None:
    """Return the sign-up of which this is the record, or None when nothing but the evidence of its
    consent is left (`scripts/lib/evidence.lua`)."""
    stands = read_first_line(record)
    if stands["state"] == "cleared":
        return None
    _, line, consent, *_ = record.split("\n")
    sent = json_object(line)
    return Signup(
        id=id,
        account=account,
        form=stands["form"],
        state=State(stands["state"]),
        **_read_sent(sent),
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
        quarantine=_read_quarantine(sent.get("quarantine"), stands),
        person=stands["person"],
    )


def read_history(id: str, record: str) -> list[dict[str, Any]]:
    """Return every attempt and other event of the sign-up that can be read, the oldest first."""
    lines = {str(place): line for place, line in enumerate(record.split("\n")[3:], 1)}
    return list(read_all(RecordKind.EVENT, lines, _event, of=id).values())


def read_evidence(account: str, id: str, record: str, texts: Mapping[str, str]) -> Evidence:
    """Return the consent, of a cleared sign-up, too."""
    _, _, consent, *_ = record.split("\n")
    stands = read_first_line(record)
    return Evidence(
        id=id,
        account=account,
        form=stands["form"],
        consent=read_consent(consent, texts),
        given_at=from_milliseconds(stands["received_at"]),
    )


def _event(line: str) -> dict[str, Any]:
    """Return an attempt, or another event. Those of earlier formats are as they were."""
    if line.startswith("{"):
        found = json_object(line)
        event = found if "event" in found else {**dict.fromkeys(ATTEMPT), **found}
    else:
        attempt = unpacked(line, ATTEMPT)
        event = {**attempt, "counted": attempt["counted"] is not False}
    from_milliseconds(event["at"])  # raises for anything but a time
    return {"counted": True, **event}
