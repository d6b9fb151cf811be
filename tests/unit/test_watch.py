"""Conditions: what a look saw, and which troubles are in it. Messages: what is said of them."""

from datetime import timedelta
from typing import Any

import pytest

from shared.alerts import Kind
from shared.domain.account import Hold, HoldReason
from shared.domain.trouble import Severity, Trouble
from shared.ledger.alerts import Telling
from shared.ledger.values import Figures
from tests.builders import NOON, account
from worker.watch import AccountView, Message, Snapshot, TokenState, message_for, troubles
from worker.watch import watch_every as every

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
URL = "https://signup.example.com"


def hold(reason: HoldReason = HoldReason.RECONNECT, **fields: Any) -> Hold:
    return Hold(**{"reason": reason, "since": NOON - HOUR, **fields})


def tokens(**fields: Any) -> TokenState:
    defaults = {"expires_at": NOON + 20 * HOUR, "life": DAY, "left": 20 * HOUR, "failures": 0}
    return TokenState(**{**defaults, **fields})


def view(
    *holds: Hold,
    name: str = "acme",
    due: int = 0,
    tokens: TokenState | None = tokens(),  # noqa: B008 - it cannot be changed
    **fields: Any,
) -> AccountView:
    return AccountView(
        account=account(name, **fields), figures=Figures(due=due, holds=holds), tokens=tokens
    )


def snapshot(*views: AccountView) -> Snapshot:
    return Snapshot(at=NOON, public_url=URL, accounts=views)


def only(*views: AccountView) -> Trouble:
    (trouble,) = troubles(snapshot(*views))
    return trouble


FAILING = tokens(failures=3, left=11 * HOUR, expires_at=NOON + 11 * HOUR)


@pytest.mark.parametrize(
    ("views", "keys"),
    [
        pytest.param([], [], id="no account"),
        pytest.param([view(due=5)], [], id="all is well"),
        pytest.param([view(tokens=None)], [], id="not connected, and nobody asked for a token"),
        pytest.param([view(hold())], ["reconnect:acme"], id="tokens refused"),
        pytest.param([view(hold(), tokens=None)], ["reconnect:acme"], id="no tokens at all"),
        pytest.param([view(hold(HoldReason.FORBIDDEN))], ["forbidden:acme"], id="no permission"),
        pytest.param(
            [view(hold(), hold(HoldReason.FORBIDDEN))],
            ["reconnect:acme", "forbidden:acme"],
            id="both",
        ),
        pytest.param([view(hold(HoldReason.PAUSED))], [], id="an operator knows of the own pause"),
        pytest.param([view(hold(HoldReason.QUOTA))], [], id="a spent day ends by itself"),
        pytest.param([view(hold(HoldReason.OUTAGE))], [], id="an outage is probed"),
        pytest.param(
            [view(hold(), name="one"), view(hold(), name="two")],
            ["reconnect:one", "reconnect:two"],
            id="two accounts",
        ),
        pytest.param([view(tokens=FAILING)], ["tokens:acme"], id="refreshing fails for long"),
        pytest.param(
            [view(tokens=tokens(failures=3, left=12 * HOUR))], [], id="half of its life is left"
        ),
        pytest.param(
            [view(tokens=tokens(failures=0, left=HOUR))], [], id="old, and nothing failed"
        ),
    ],
)
def test_conditions(views: list[AccountView], keys: list[str]) -> None:
    assert [trouble.key for trouble in troubles(snapshot(*views))] == keys


def test_a_hold_is_told_of_with_its_reason_what_waits_and_the_one_thing_to_do() -> None:
    trouble = only(
        view(
            hold(note="the refresh token was refused."),
            due=1234,
            organization="Acme Bakery",
        )
    )
    assert trouble.severity == Severity.PROBLEM
    assert trouble.since == NOON - HOUR
    assert "on hold" in trouble.title
    assert trouble.body == (
        "acme (Acme Bakery) has no working tokens, so nothing is delivered"
        " since 2026-03-01 11:00 UTC. Reason: the refresh token was refused.\n\n"
        "Nothing is lost: 1,234 sign-ups wait, new ones are accepted, and all are delivered,"
        " oldest first, when the hold ends.\n\n"
        "What to do: connect it again at https://signup.example.com/console/accounts/acme"
        " or with: relay connect acme"
    )


def test_where_a_hold_is_probed_nobody_is_sent_to_connect_at_once() -> None:
    assert "tried again by itself" in only(view(hold(probe_at=NOON))).body
    assert "tried again by itself" not in only(view(hold(probe_at=None))).body


def test_a_missing_permission_asks_for_another_login() -> None:
    body = only(view(hold(HoldReason.FORBIDDEN, note="contacts:write is missing"))).body
    assert "contacts:write is missing" in body
    assert "Account Owner's or Manager's login" in body
    assert f"{URL}/console/accounts/acme" in body
    assert "relay connect acme" in body


def test_failing_refreshes_are_a_warning_that_says_for_how_long_all_still_works() -> None:
    trouble = only(view(tokens=FAILING, due=1))
    assert trouble.severity == Severity.WARNING
    assert "has failed 3 times in a row" in trouble.body
    assert "still works until 2026-03-01 23:00 UTC, for 11 h more" in trouble.body
    assert "1 sign-up waits" in trouble.body


@pytest.mark.parametrize(
    "stopped",
    [
        pytest.param(view(tokens=tokens(failures=9, left=-HOUR)), id="the token has ended"),
        pytest.param(view(hold(), tokens=FAILING), id="the account is on hold"),
    ],
)
def test_what_does_not_work_any_more_is_not_said_to_work(stopped: AccountView) -> None:
    bodies = {each.key: each.body for each in troubles(snapshot(stopped))}
    assert "still works" not in bodies["tokens:acme"]
    assert "nothing can be delivered" in bodies["tokens:acme"]


def test_what_constant_contact_said_is_redacted() -> None:
    assert "ada@example.com" not in only(view(hold(note="no, ada@example.com"))).body


def test_a_trouble_has_one_key_for_as_long_as_it_stands() -> None:
    begun = view(hold(note="one", probe_at=NOON), due=1)
    later = view(hold(note="another", since=NOON), due=2)
    assert only(begun).key == only(later).key


# --- messages


def telling(event: str, trouble: Trouble, **fields: Any) -> Telling:
    defaults = {
        "key": trouble.key,
        "service": "json",
        "event": event,
        "number": "1",
        "begun_at": NOON - 3 * HOUR,
        "ended_at": NOON if event == "over" else None,
        "over": trouble.over,
        "account": trouble.account,
    }
    return Telling(**{**defaults, **fields})


def said(event: str, was: AccountView, *now: AccountView, **fields: Any) -> Message:
    """Return what is said of the one trouble of `was`, when accounts are as in `now`."""
    looked = snapshot(*now)
    return message_for(telling(event, only(was), **fields), troubles(looked), looked)


HELD = view(hold(), due=7)


def test_a_beginning_is_told_as_the_trouble_has_it() -> None:
    trouble = only(HELD)
    assert said("begun", HELD, HELD) == Message(trouble.title, trouble.body, Kind.PROBLEM)
    failing = view(tokens=FAILING)
    assert said("begun", failing, failing).kind == Kind.WARNING


def test_a_reminder_says_for_how_long_it_has_stood() -> None:
    message = said("reminder", HELD, HELD, begun_at=NOON - 2 * DAY)
    assert message.title == f"Still: {only(HELD).title}"
    assert message.body == f"It has stood for 2 d.\n\n{only(HELD).body}"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param(
            [view(due=7)], "7 sign-ups wait and are being delivered now, oldest first", id="flows"
        ),
        pytest.param([view()], "no sign-up waits", id="nothing waited"),
        pytest.param(
            [view(hold(HoldReason.QUOTA), due=7)],
            "still on hold (quota): 7 sign-ups wait",
            id="another hold stands",
        ),
        pytest.param(
            [view(disconnected_at="2026-03-01T11:59:00Z")],
            "not connected any more",
            id="disconnected",
        ),
        pytest.param([], "not connected any more", id="gone"),
    ],
)
def test_a_recovery_says_how_long_it_lasted_and_what_flows_again(
    now: list[AccountView], words: str
) -> None:
    message = said("over", HELD, *now)
    assert message.title == "acme: the hold `reconnect` has ended"
    assert message.kind == Kind.OVER
    assert message.body.startswith("It lasted 3 h. ")
    assert words in message.body


def test_looks_come_often_enough_for_a_short_wait_and_never_more_seldom_than_every_20_s() -> None:
    assert every(timedelta(seconds=60)) == timedelta(seconds=20)
    assert every(timedelta(hours=1)) == timedelta(seconds=20)
    assert every(timedelta(seconds=3)) == timedelta(seconds=1)


def test_an_account_that_was_disconnected_on_purpose_alerts_nobody() -> None:
    hold = Hold(reason=HoldReason.RECONNECT, since=NOON)

    assert troubles(snapshot(view(hold, disconnected_at="2026-03-01T12:00:00Z"))) == []
