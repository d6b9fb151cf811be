"""Whether somebody who signed up may still be put onto the lists: the whole table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.constant_contact.answers import read_subscription_status
from shared.domain.outcome import DeadLetter
from shared.domain.signup import DeathReason, WhenUnsubscribed
from shared.domain.subscription_status import (
    Ask,
    SignUp,
    SubscriptionStatus,
    decide_subscription,
    must_look,
)

RECEIVED = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
BEFORE = datetime(2026, 3, 1, 11, 59, 59, tzinfo=UTC)
SAME_SECOND = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
LATE = timedelta(hours=25)
SOON = timedelta(minutes=10)


def status(permission: str | None, opted_out_at: datetime | None = None) -> SubscriptionStatus:
    return SubscriptionStatus(contact_id="c-1", permission=permission, opted_out_at=opted_out_at)


def decided(
    found: SubscriptionStatus, policy: WhenUnsubscribed, waited: timedelta = LATE
) -> SignUp | Ask | DeadLetter:
    return decide_subscription(found, received_at=RECEIVED, waited=waited, policy=policy)


def reason(decision: SignUp | Ask | DeadLetter) -> DeathReason | None:
    return decision.reason if isinstance(decision, DeadLetter) else None


@pytest.mark.parametrize(
    ("waited", "policy", "expected"),
    [
        (timedelta(hours=24), "resubscribe", False),
        (timedelta(hours=24, milliseconds=1), "resubscribe", True),
        (timedelta(), "ask", True),
        (LATE, "ask", True),
    ],
)
def test_a_look_is_needed_when_it_is_late_or_the_form_asks(
    waited: timedelta, policy: WhenUnsubscribed, expected: bool
) -> None:
    assert must_look(waited, policy) is expected


@pytest.mark.parametrize("policy", ["resubscribe", "ask"])
@pytest.mark.parametrize(
    "found",
    [
        SubscriptionStatus(),
        status("explicit"),
        status("implicit"),
        status("temp_hold"),
        status("not_set"),
        status("pending_confirmation"),
        status("explicit", SINCE),
    ],
)
def test_whoever_is_not_unsubscribed_is_signed_up(
    found: SubscriptionStatus, policy: WhenUnsubscribed
) -> None:
    assert decided(found, policy) == SignUp()


@pytest.mark.parametrize("policy", ["resubscribe", "ask"])
@pytest.mark.parametrize("waited", [SOON, LATE])
@pytest.mark.parametrize("left_at", [SAME_SECOND, SINCE])
@pytest.mark.parametrize("permission", ["unsubscribed", "pending_confirmation", "not_set"])
def test_whoever_unsubscribed_since_is_neither_put_back_nor_asked(
    policy: WhenUnsubscribed, waited: timedelta, left_at: datetime, permission: str
) -> None:
    decision = decided(status(permission, left_at), policy, waited)
    assert reason(decision) == DeathReason.UNSUBSCRIBED_SINCE


def test_the_dead_letter_names_the_time_in_utc() -> None:
    east = SINCE.astimezone(datetime.strptime("+0300", "%z").tzinfo)
    decision = decided(status("unsubscribed", east), "resubscribe")
    assert isinstance(decision, DeadLetter)
    assert decision.message == "the person unsubscribed at 2026-03-01T12:05:00Z, after signing up"


@pytest.mark.parametrize("permission", ["unsubscribed", "pending_confirmation"])
@pytest.mark.parametrize("waited", [SOON, LATE])
def test_whoever_had_unsubscribed_before_is_put_back_or_asked(
    permission: str, waited: timedelta
) -> None:
    found = status(permission, BEFORE)
    assert decided(found, "resubscribe", waited) == SignUp()
    assert decided(found, "ask", waited) == Ask("c-1")


def test_a_late_signup_of_someone_who_left_nobody_knows_when_is_not_sent() -> None:
    found = status("unsubscribed")
    assert reason(decided(found, "resubscribe")) == DeathReason.UNSUBSCRIBED_SINCE
    assert reason(decided(found, "ask")) == DeathReason.UNSUBSCRIBED_SINCE
    for waited in (SOON, timedelta(hours=24)):
        assert decided(found, "resubscribe", waited) == SignUp()
        assert decided(found, "ask", waited) == Ask("c-1")


# --- what the API says


def page(**address: Any) -> dict[str, Any]:
    return {"contacts": [{"contact_id": "c-1", "email_address": address}]}


def test_nobody_found_has_no_standing() -> None:
    assert read_subscription_status({"contacts": []}) == SubscriptionStatus()


@pytest.mark.parametrize("notified", ["2026-03-01T12:05:00Z", "2026-03-01T12:05:00"])
def test_the_time_of_opting_out_is_in_utc(notified: str) -> None:
    found = read_subscription_status(page(permission_to_send="unsubscribed", opt_out_date=notified))
    assert found == status("unsubscribed", SINCE)


def test_a_deleted_contact_counts_only_when_there_is_no_other() -> None:
    deleted = {
        "contact_id": "c-0",
        "deleted_at": "2026-03-01T12:00:00Z",
        "email_address": {"permission_to_send": "unsubscribed"},
    }
    there = page(permission_to_send="explicit")["contacts"]
    assert read_subscription_status({"contacts": [deleted, *there]}) == status("explicit")
    found = read_subscription_status({"contacts": [deleted]})
    assert found == SubscriptionStatus(contact_id="c-0", permission="unsubscribed")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"contacts": None},
        {"contacts": ["c-1"]},
        {"contacts": [{"contact_id": "c-1"}]},
        {"contacts": [{"email_address": {"permission_to_send": "explicit"}}]},
        page(),
        page(permission_to_send="unsubscribed", opt_out_date="yesterday"),
        page(permission_to_send="unsubscribed", opt_out_date=7),
    ],
)
def test_what_does_not_tell_is_no_standing(body: Any) -> None:
    assert read_subscription_status(body) is None
