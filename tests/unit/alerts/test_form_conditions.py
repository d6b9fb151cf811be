"""Alerts about forms that refuse sign-ups: when, how bad, and in which words."""

from datetime import timedelta
from typing import Any

from shared.domain.alert_condition import AlertCondition, Severity
from shared.ledger.stores.alert_log import Notification, Part
from tests.support.builders import NOON, form
from tests.support.refusals import HOUR, arrivals, history, streak
from worker.alerts.conditions import CONDITIONS, active_conditions
from worker.alerts.messages import message_for
from worker.alerts.snapshot import FormSnapshot, Snapshot

SECOND = timedelta(seconds=1)


def snapshot(*forms: FormSnapshot) -> Snapshot:
    return Snapshot(
        at=NOON,
        public_url="https://signup.example.com",
        accounts=(),
        workers=SECOND,
        beats=SECOND,
        forms=forms,
    )


def view(name: str = "news", *, enabled: bool = True, **fields: Any) -> FormSnapshot:
    of = form(name, origins=("https://www.example.com",), enabled=enabled)
    return FormSnapshot(form=of, history=history(**fields), arrivals=arrivals())


def came(**fields: Any) -> FormSnapshot:
    """Return a form that refused nothing."""
    return FormSnapshot(form=form(), history=history(), arrivals=arrivals(**fields))


def only(found: FormSnapshot) -> AlertCondition:
    (condition,) = active_conditions(snapshot(found))
    return condition


def test_a_form_that_refuses_everything_is_a_problem_since_its_first_refusal() -> None:
    condition = only(view(streak=streak(212, 6 * HOUR)))
    assert condition.key == "refusals:news"
    assert condition.severity == Severity.PROBLEM
    assert condition.title == "news: the form refuses every sign-up"
    assert condition.over == "news: the form no longer refuses every sign-up"
    assert (condition.account, condition.since) == ("acme", NOON - 6 * HOUR)
    assert condition.body.startswith(
        "news: 212 of 212 sign-ups refused since 2026-03-01 06:00 UTC: www.example.org is not among"
        " the websites that may post here.\n\nThese sign-ups are not stored"
    )
    assert "--origin https://www.example.org" in condition.body
    assert "relay forms show news" in condition.body


def test_a_form_that_refuses_more_than_usual_is_a_warning() -> None:
    condition = only(view(refused=40, accepted=60))
    assert condition.severity == Severity.WARNING
    assert condition.title == "news: the form refuses unusually many sign-ups"
    assert condition.since is None
    assert "news: 40 of 100 sign-ups refused in the last hour" in condition.body


def test_nobody_is_woken_up_for_a_few_or_for_a_form_that_is_closed() -> None:
    few = view(streak=streak(4), refused=4)
    just_begun = view(streak=streak(9, timedelta(minutes=5)), refused=9)
    closed = view(streak=streak(), refused=40, enabled=False)
    assert active_conditions(snapshot(few, just_begun, closed)) == []


def test_several_forms_have_a_message_together() -> None:
    forms = snapshot(view("news", streak=streak()), view("shop", streak=streak()))
    assert [condition.key for condition in active_conditions(forms)] == [
        "refusals:news",
        "refusals:shop",
    ]
    assert CONDITIONS["refusals"].several == "forms refuse sign-ups"


def test_the_end_says_how_long_it_lasted_and_not_that_nothing_was_lost() -> None:
    part = Part(
        key="refusals:news",
        begun_at=NOON - 6 * HOUR,
        ended_at=NOON,
        over="news: the form no longer refuses every sign-up",
        account="acme",
    )
    ended = Notification(service="json", kind="refusals", event="over", number="1", parts=(part,))
    message = message_for(ended, [], snapshot())
    assert message.title == "news: the form no longer refuses every sign-up"
    assert message.body == "It lasted 6 h."


# --- what comes to a form


def test_a_spike_is_a_warning_that_holds_nothing_back() -> None:
    condition = only(came(passed=620, screened=7, busiest_hours=[40, 3, 8, 12, 9]))
    assert (condition.key, condition.severity) == ("spike:news", Severity.WARNING)
    assert condition.title == "news: far more sign-ups than usual"
    assert condition.over == "news: sign-ups come at a usual rate again"
    for told in (
        "accepted 620 sign-ups in the last hour",
        "busiest hour of the weeks before had 40",
        "7 went to quarantine",
        "none is held back",
        "a campaign of yours",
        "/console/delivered?form=news",
        "relay hold acme",
    ):
        assert told in condition.body


def test_a_form_that_quarantines_much_is_a_warning() -> None:
    condition = only(came(passed=5, screened=45))
    assert (condition.key, condition.since) == ("quarantine:news", None)
    assert condition.title == "news: most of its sign-ups go to quarantine"
    for told in ("45 of 50 sign-ups of the last hour", "relay quarantine list --form news"):
        assert told in condition.body


def test_a_form_that_quarantines_everything_says_since_when() -> None:
    since = NOON - 30 * HOUR
    condition = only(came(streak=12, streak_since=since, ever_passed=False))
    assert condition.since == since
    assert "each of the last 12 sign-ups was quarantined" in condition.body


def test_a_calm_form_is_no_condition() -> None:
    assert not active_conditions(snapshot(came(passed=10_000, screened=5_000)))
