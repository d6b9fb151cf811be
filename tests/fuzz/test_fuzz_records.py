"""What is stored: it is read back the same, and garbage takes nothing with it."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import redis
from hypothesis import example, given
from hypothesis import strategies as st

from shared.accounts.client_links import Link
from shared.accounts.connect_request import ConnectResult
from shared.domain.account import Account
from shared.domain.form import Form
from shared.domain.forwarding import Misfit
from shared.domain.signup import Consent, Contact, CustomValue, Submission, Suspicion
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.reading import read_hold
from shared.ledger.records import (
    consent_json,
    packed,
    read_evidence,
    read_history,
    read_signup,
    sent_json,
)
from shared.ledger.spools import from_stored
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Claim, NothingDue
from shared.operations.operators import Operator
from shared.operations.sessions import Session
from tests.fuzz.effort import fuzzed, fuzzed_slowly, json_values
from tests.support import builders
from tests.support.builders import NOON, accept, attempt, claim
from web.signup.checked_signup import CheckedSignup

pytestmark = pytest.mark.slow

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_FIELDS = st.dictionaries(_TEXT, _TEXT, max_size=3)
submissions = st.builds(
    Submission,
    id=st.uuids().map(str),
    form=st.just("news"),
    account=st.just("acme"),
    contact=st.builds(
        Contact,
        fields=_FIELDS.map(lambda fields: {"email_address": "a@b.cc"} | fields),
        custom=st.lists(st.builds(CustomValue, _TEXT, _TEXT, _TEXT), max_size=2).map(tuple),
        other=st.dictionaries(_TEXT, _TEXT | st.lists(_TEXT, max_size=2), max_size=2),
        typed=_FIELDS,
        cut=st.integers(0, 1000),
    ),
    lists=st.lists(_TEXT, max_size=3).map(tuple),
    consent=st.builds(
        Consent,
        text=_TEXT,
        version=_TEXT,
        box=st.none() | st.booleans(),
        address=_TEXT,
        page=st.none() | _TEXT,
        posted=st.none() | _TEXT,
    ),
    quarantine=st.none()
    | st.builds(
        Suspicion,
        st.lists(_TEXT, min_size=1).map(tuple),
        st.integers(0, 1000),
        st.dictionaries(_TEXT, _TEXT),
    ),
    unsubscribed=st.sampled_from(["resubscribe", "ask"]),
    request_id=st.none() | _TEXT,
)


def record_of(sent: Submission) -> str:
    first = packed("queued", sent.form, "person", "1772366400000.000", "content", "fresh")
    what = sent_json(sent, sent.contact)
    return "\n".join([first, what, consent_json(sent.consent), packed(1, 0.1, 201)])


@fuzzed
@given(submissions)
def test_a_record_is_read_back_the_same(sent: Submission) -> None:
    texts = {sent.consent.version: sent.consent.text}
    found = read_signup("acme", sent.id, record_of(sent), texts)
    assert found is not None
    assert (found.contact, found.lists) == (sent.contact, sent.lists)
    assert (found.consent, found.unsubscribed) == (sent.consent, sent.unsubscribed)
    assert (found.request_id, found.quarantine) == (sent.request_id, sent.quarantine)
    assert read_evidence("acme", sent.id, record_of(sent), texts).consent == sent.consent


@fuzzed
@given(submissions, _TEXT, st.none() | _TEXT)
def test_a_spooled_signup_is_read_back_the_same(
    sent: Submission, compared: str, key: str | None
) -> None:
    entry = CheckedSignup(submission=sent, compared_email=compared, idempotency_key=key)
    assert CheckedSignup.from_json(entry.to_json()) == entry


# --- garbage

_OBJECTS: list[dict[str, Any]] = [
    builders.account().to_dict(),
    builders.form().to_dict(),
    {"name": "ada", "role": "admin", "password_hash": "x", "epoch": 1},
    {"since": 1, "until": 2, "probe_at": 3, "by": "x", "note": "y", "probes": 0},
    {"epoch": 1, "begun_at": NOON.isoformat(), "seen_at": NOON.isoformat(), "address": "a"},
    {"host": "h", "count": 1, "bytes": 1, "oldest": 1, "refused": 0, "seen_at": 1},
    {"headers": ["x"], "addresses": 1, "trusted": 1, "private": True},
    {"account": "acme", "connected": True, "sentence": "x", "checks": [], "kept": None},
]


def spoiled(whole: dict[str, Any], name: str, value: Any) -> str:
    return json.dumps(whole | {name: value})


_NAMES = sorted({name for each in _OBJECTS for name in each})
garbage = (
    st.builds(spoiled, st.sampled_from(_OBJECTS), st.sampled_from(_NAMES), json_values)
    | json_values.map(json.dumps)
    | st.text(max_size=60)
)

READERS: dict[RecordKind, Callable[[str], Any]] = {
    RecordKind.ACCOUNT: lambda text: Account.from_dict(json_object(text)),
    RecordKind.FORM: lambda text: Form.from_dict(json_object(text)),
    RecordKind.OPERATOR: Operator.from_json,
    RecordKind.SESSION: Session.from_json,
    RecordKind.LINK: Link.from_json,
    RecordKind.HOLD: partial(read_hold, "paused"),
    RecordKind.SPOOL: lambda text: from_stored("id", text, NOON),
    RecordKind.PROXIES: Misfit.from_json,
    RecordKind.CONNECTION: ConnectResult.from_json,
    RecordKind.SIGNUP: lambda text: read_signup("acme", "id", text, {}),
}


@fuzzed
@given(st.sampled_from(list(READERS)), garbage)
@example(
    RecordKind.SPOOL, '{"host":"h","count":1,"bytes":1,"oldest":1e300,"refused":0,"seen_at":1}'
)
@example(RecordKind.HOLD, '{"since": 1e300}')
@example(RecordKind.SIGNUP, '["queued","news","p",1e300]\n{"lists":[],"fields":{}}\n[]')
def test_a_reader_gives_a_record_or_none(kind: RecordKind, text: str) -> None:
    found = read_one(kind, "fuzz", lambda: READERS[kind](text))
    if found is not None:
        repr(found)


@fuzzed
@given(st.lists(garbage, max_size=4))
@example(["[67768036191676796929]"])
def test_a_history_is_what_can_be_read_of_it(lines: list[str]) -> None:
    record = "\n".join(["[]", "{}", "[]", *(line.replace("\n", " ") for line in lines)])
    for event in read_history("id", record):
        assert {"at", "counted"} <= event.keys()


# --- on a server


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


def mutated(record: str, place: int, other: bytes) -> bytes:
    raw = record.encode()
    at = place % (len(raw) + 1)
    return raw[:at] + other + raw[at + len(other) :]


def deliver_all(ledger: Ledger) -> set[str]:
    delivered: set[str] = set()
    for _ in range(12):
        found = claim(ledger)
        if isinstance(found, NothingDue) and not ledger.unreadable.mend_lines("acme"):
            break
        if isinstance(found, Claim):
            ledger.deliver(found, attempt(), contact_id="c", action="created")
            delivered.add(found.id)
    return delivered


@fuzzed_slowly
@given(st.integers(0, 500), st.binary(max_size=6) | st.just(b"\n"), st.booleans())
@example(18, b"X", True)  # readable, but another person's
@example(105, b"X", True)  # in a queue that there is not
def test_a_spoiled_record_stops_no_others_and_is_counted(
    ledger: Ledger, place: int, other: bytes, behind: bool
) -> None:
    """It stops not even those of its person, which wait behind it."""
    client, prefix = ledger._client, keys.account("acme")
    client.flushdb()
    Registry(client).save_account(builders.account("acme"))
    broken = accept(ledger, "a@example.com").id
    waiting = accept(ledger, "a@example.com" if behind else "b@example.com").id
    record = str(client.get(f"{prefix}signup:{broken}"))
    client.set(f"{prefix}signup:{broken}", mutated(record, place, other))
    assert waiting in deliver_all(ledger)
    figures = ledger.figures("acme")
    ended = figures.delivered + figures.dead + figures.discarded + figures.quarantined
    assert (figures.due, figures.accepted) == (0, ended)
