"""Every state, reason and hold has its sentence and the one thing to do."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.signup import DeathReason, QuarantineReason, State
from shared.domain.signup_advice import (
    Remedy,
    Why,
    why,
    why_dead,
    why_held,
    why_quarantined,
)
from shared.domain.signup_outlook import NextStep, Outlook, next_step
from tests.support.builders import NOON, signup

MINUTE = timedelta(minutes=1)
GENERAL = why_dead(DeathReason.REJECTED, "", "HTTP 400: something nobody has seen")


def hold(reason: HoldReason, **fields: Any) -> Hold:
    return Hold(reason=reason, since=NOON, **fields)


# --- why


def of_every_reason() -> list[Why]:
    return [
        *(why_dead(reason, "", "") for reason in DeathReason),
        *(why_quarantined(reason) for reason in QuarantineReason),
        *(why_held(reason) for reason in HoldReason),
    ]


def test_every_reason_has_a_sentence_of_its_own_and_something_to_do() -> None:
    found = of_every_reason()
    assert len({each.sentence for each in found}) == len(found)
    for each in found:
        assert each.sentence.endswith(".")
        assert each.to_do.endswith(".")


def test_in_a_list_it_has_one_sentence() -> None:
    for each in of_every_reason():
        assert each.sentence.startswith(each.short)
        assert each.short.endswith(".")
        assert ". " not in each.short


def test_a_reason_of_a_newer_version_has_one_too() -> None:
    for each in (why_dead("of_tomorrow", "", ""), why_quarantined("of_tomorrow")):
        assert each.to_do
        assert each not in of_every_reason()


@pytest.mark.parametrize("state", State)
def test_every_state_has_one(state: State) -> None:
    for reason in (None, "of_tomorrow", *DeathReason):
        found = why(signup(state, reason=reason), Outlook(), [])
        assert found.sentence, reason
        assert found.to_do, reason


@pytest.mark.parametrize(
    ("error_key", "message", "says", "remedy"),
    [
        (
            "contacts.api.validation.error",
            "HTTP 400: email_address is in an invalid format.",
            "does not accept the e-mail address",
            Remedy.EDIT,
        ),
        (
            "contacts.api.validation.error",
            "HTTP 400: list_id 0c3a4a10-9d31-11ee-a3f2-fa163e56c9b0 does not exist",
            "does not know one of its lists",
            Remedy.LISTS,
        ),
        ("", "HTTP 400: list_memberships must have 1 to 50 items", "lists", Remedy.LISTS),
        ("contacts.api.not_found", "HTTP 404: not found", "does not find", Remedy.RETRY),
        ("", "HTTP 400: custom_fields[0].value is too long", "custom fields", Remedy.EDIT),
        ("", "HTTP 400: first_name is too long (maximum is 50)", "one of its fields", Remedy.EDIT),
        ("", "HTTP 400: birthday_month does not have a valid value", "fields", Remedy.EDIT),
        (
            "access_denied",
            "HTTP 403: Request forbidden due to insufficient user privileges",
            "forbids this sign-up alone",
            Remedy.RETRY,
        ),
        (
            "contacts.api.unsupported_media_type",
            "HTTP 415: wrong content type",
            "the request itself",
            Remedy.RETRY,
        ),
        ("", "HTTP 400: The request body is not valid JSON", "request itself", Remedy.RETRY),
        ("", "HTTP 403", "forbids this sign-up alone", Remedy.RETRY),
        ("", "HTTP 413", "the request itself", Remedy.RETRY),
        ("", "HTTP 404", "does not find", Remedy.RETRY),
        (
            "",
            "HTTP 409: conflict (each contact is asked only once to confirm)",
            "has asked them before",
            Remedy.DISCARD,
        ),
    ],
)
def test_what_constant_contact_refuses_is_told_by_its_answer(
    error_key: str, message: str, says: str, remedy: Remedy
) -> None:
    found = why_dead(DeathReason.REJECTED, error_key, message)
    assert says in found.sentence
    assert found.remedy == remedy
    assert found != GENERAL


def test_one_that_is_too_old_has_not_used_up_its_attempts() -> None:
    found = why_dead(DeathReason.GAVE_UP, "", "gave up: still not delivered after 8 days")
    assert "seven days" in found.sentence


def test_the_gravest_hold_explains_what_waits_but_not_what_is_being_sent() -> None:
    holds = [hold(HoldReason.RECONNECT), hold(HoldReason.QUOTA)]
    assert why(signup(), Outlook(before=1), holds) == why_held(HoldReason.RECONNECT)
    sending = why(signup(State.DELIVERING), Outlook(), holds)
    assert "at this moment" in sending.sentence


@pytest.mark.parametrize(
    ("action", "says"), [("created", "has the contact"), ("asked", "asked them by mail to confirm")]
)
def test_one_that_is_delivered_has_its_contact_or_was_asked_to_confirm(
    action: str, says: str
) -> None:
    assert says in why(signup(State.DELIVERED, action=action), Outlook(), []).sentence


@pytest.mark.parametrize("state", [State.DEAD, State.QUARANTINED])
def test_what_waits_in_a_job_needs_nobody(state: State) -> None:
    found = why(signup(state, reason="rejected"), Outlook(job="r"), [])
    assert found.remedy == Remedy.NOTHING


def test_a_retry_quotes_its_last_answer() -> None:
    found = why(signup(State.RETRYING, message="HTTP 503: busy"), Outlook(), [])
    assert found.sentence.endswith(": HTTP 503: busy.")


# --- what happens next


@pytest.mark.parametrize("state", [State.DELIVERED, State.DEAD, State.DISCARDED, State.QUARANTINED])
def test_nothing_happens_by_itself_to_what_is_settled(state: State) -> None:
    assert next_step(signup(state), Outlook(), [hold(HoldReason.QUOTA)], NOON) is None


@pytest.mark.parametrize(
    ("found", "outlook", "holds", "says", "at"),
    [
        (State.QUEUED, Outlook(due_at=NOON), [], "within seconds", NOON),
        (State.QUEUED, Outlook(due_at=NOON - MINUTE), [], "It can be sent.", NOON - MINUTE),
        (State.QUEUED, Outlook(due_at=NOON + MINUTE), [], "A worker sends it.", NOON + MINUTE),
        (State.QUEUED, Outlook(before=1), [], "after an earlier sign-up", None),
        (State.QUEUED, Outlook(before=3), [], "after 3 earlier sign-ups", None),
        (State.RETRYING, Outlook(due_at=NOON + MINUTE), [], "Attempt 2", NOON + MINUTE),
        (State.RETRYING, Outlook(due_at=NOON - MINUTE), [], "It can be sent.", NOON - MINUTE),
        (State.DELIVERING, Outlook(due_at=NOON + MINUTE), [], "sending it now", NOON + MINUTE),
        (State.DEAD, Outlook(job="r"), [], "The job retries it when its turn comes.", None),
        (State.QUARANTINED, Outlook(job="r"), [], "The job delivers it anyway when", None),
        (
            State.DEAD,
            Outlook(job="r"),
            [hold(HoldReason.QUOTA, until=NOON + MINUTE)],
            "The job retries it after the hold quota ends.",
            NOON + MINUTE,
        ),
        (
            State.DEAD,
            Outlook(job="r"),
            [hold(HoldReason.PAUSED), hold(HoldReason.QUOTA, until=NOON + MINUTE)],
            "after the last hold of its account ends.",
            None,
        ),
        (
            State.QUEUED,
            Outlook(due_at=NOON),
            [hold(HoldReason.QUOTA, until=NOON + MINUTE)],
            "the hold quota ends",
            NOON + MINUTE,
        ),
        (
            State.RETRYING,
            Outlook(due_at=NOON),
            [hold(HoldReason.OUTAGE, probe_at=NOON + MINUTE)],
            "The next probe",
            NOON + MINUTE,
        ),
        (State.QUEUED, Outlook(), [hold(HoldReason.PAUSED)], "the hold paused ends", None),
    ],
)
def test_what_is_due_says_what_happens_next_and_when(
    found: State, outlook: Outlook, holds: list[Hold], says: str, at: object
) -> None:
    step = next_step(signup(found), outlook, holds, NOON)
    assert isinstance(step, NextStep)
    assert says in step.sentence
    assert step.at == at
