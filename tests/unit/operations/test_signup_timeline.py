"""The life of one sign-up: what is told of its history, and what an edit changed."""

from typing import Any

from shared.domain.signup import Signup, State
from shared.ledger.time_units import from_milliseconds
from shared.operations.signup_timeline import Change, attempts, timeline
from tests.support import builders
from tests.support.builders import NOON, suspicion

AT = round(NOON.timestamp() * 1000)


def signup(state: State = State.DEAD, **fields: Any) -> Signup:
    return builders.signup(state, email="c@example.com", **{"settled_at": NOON, **fields})


def tried(status: int | None = 503, *, counted: bool = True, **more: Any) -> dict[str, Any]:
    return {"at": AT, "seconds": 0.1, "status": status, "counted": counted, **more}


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"at": AT, "event": name, "counted": False, **more}


def test_attempts_count_anew_after_a_retry_and_not_what_does_not_count() -> None:
    history = [tried(), tried(401, counted=False), tried(), event("retried"), tried(201)]
    assert [each.number for each in attempts(history)] == [1, None, 2, 1]


def test_an_edit_tells_what_each_field_was_and_became() -> None:
    history = [
        event("edited", before={"email": "a@example.com", "first_name": ""}),
        event("edited", before={"email": "b@example.com", "first_name": "Ada"}),
    ]
    _, first, second, _ = timeline(signup(reason="rejected"), history)
    assert first.changes == (
        Change(field="email", before="a@example.com", after="b@example.com"),
        Change(field="first_name", before="", after="Ada"),
    )
    assert second.changes == (
        Change(field="email", before="b@example.com", after="c@example.com"),
        Change(field="first_name", before="Ada", after=""),
    )


def test_an_edit_of_an_older_version_has_no_difference() -> None:
    _, edited, _ = timeline(signup(reason="rejected"), [event("edited", fields=["email"])])
    assert edited.changes == ()


def test_every_end_is_told_once() -> None:
    ends = [
        (signup(State.DELIVERED, action="created"), "Delivered: a new contact."),
        (signup(State.DELIVERED, action="asked"), "Delivered: asked to confirm."),
        (
            signup(State.DEAD, reason="poison", lost=3),
            "Failed: harmful to workers. Lost claims: 3.",
        ),
        (signup(State.DISCARDED), "An operator discarded it."),
    ]
    for ended, told in ends:
        assert timeline(ended, [])[-1].what == told
    by_whom = timeline(signup(State.DISCARDED), [event("discarded", by="ada", note="spam")])
    assert [(each.name, each.by, each.note) for each in by_whom[1:]] == [
        ("discarded", "ada", "spam")
    ]


def test_what_was_quarantined_is_told_also_after_it_was_delivered_from_there() -> None:
    why = suspicion("disposable", "too_fast", score=12)
    waits = signup(State.QUARANTINED, reason="disposable", quarantine=why, settled_at=None)
    told = "Quarantined: disposable address, too fast. Score: 12."
    assert timeline(waits, [])[-1].what == told
    delivered = event("delivered from quarantine", by="ada")
    freed = timeline(signup(State.QUEUED, quarantine=why, settled_at=None), [delivered])
    of_earlier_version = timeline(signup(State.QUEUED, settled_at=None), [delivered])
    assert [each.what for each in (freed[1], of_earlier_version[1])] == [told, "Quarantined."]
    assert [each.name for each in freed] == [
        "received",
        "quarantined",
        "delivered from quarantine",
    ]


def test_a_lost_claim_says_where_our_code_failed() -> None:
    lost = timeline(signup(State.QUEUED, settled_at=None), [event("KeyError at client.py:12")])
    assert lost[-1].what == "A worker lost it: KeyError at client.py:12."


def test_each_death_is_told_at_its_time_also_after_an_operator_changed_it() -> None:
    changed = [
        tried(400),
        {**event("edited"), "at": AT + 2000},
        {**event("retried", was="rejected", died_at=AT + 1000), "at": AT + 3000},
        {**tried(503), "at": AT + 4000},
        {**event("discarded", was="gave_up", died_at=AT + 5000), "at": AT + 6000},
        {**event("discard undone"), "at": AT + 7000},
    ]
    dead = signup(reason="gave_up", settled_at=from_milliseconds(AT + 5000))
    told = [(each.name, each.what) for each in timeline(dead, changed)]
    assert [name for name, _ in told] == [
        "received",
        "Attempt 1: HTTP 400",
        "dead",
        "edited",
        "retried",
        "Attempt 1: HTTP 503",
        "dead",
        "discarded",
        "discard undone",
    ]
    assert [what for name, what in told if name == "dead"] == [
        "Failed: rejected.",
        "Failed: given up.",
    ]
