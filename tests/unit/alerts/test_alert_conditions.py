"""Conditions: which of them are active in a snapshot. Messages: what they say."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.account import Hold, HoldReason
from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.connection_end import ConnectionEnd, EndCause
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.signup import DeathReason
from shared.infrastructure.alert_services import MessageKind
from shared.ledger.spools import SpoolFigures, SpoolReport
from shared.ledger.stores.alert_log import DeadLetterNotification, Notification, Part
from shared.ledger.stores.signup_baseline import SignupBaseline
from shared.ledger.stores.token_store import Replacement
from shared.ledger.values import Figures
from tests.support import refusals
from tests.support.builders import NOON, account, form
from worker.alerts.conditions import CONDITIONS, active_conditions
from worker.alerts.dispatcher import alert_interval as every
from worker.alerts.messages import Message, dead_letter_message, message_for
from worker.alerts.snapshot import AccountSnapshot, FormSnapshot, Snapshot, TokenState

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
URL = "https://signup.example.com"


def hold(reason: HoldReason = HoldReason.RECONNECT, **fields: Any) -> Hold:
    return Hold(**{"reason": reason, "since": NOON - HOUR, **fields})


def tokens(**fields: Any) -> TokenState:
    defaults = {"expires_at": NOON + 20 * HOUR, "life": DAY, "left": 20 * HOUR, "failures": 0}
    return TokenState(**{**defaults, **fields})


REPLACEMENT = Replacement("olga", "Acme Bakery", NOON - HOUR)


def baseline(silence: timedelta, unusual: timedelta | None = 30 * HOUR) -> SignupBaseline:
    return SignupBaseline(NOON - silence, longest=5 * HOUR, unusual=unusual)


def view(
    *holds: Hold,
    name: str = "acme",
    due: int = 0,
    oldest_due: timedelta | None = None,
    tokens: TokenState | None = tokens(),  # noqa: B008 - it cannot be changed
    last_delivery: datetime | None = None,
    baseline: SignupBaseline = baseline(HOUR),  # noqa: B008 - nor can this
    **fields: Any,
) -> AccountSnapshot:
    return AccountSnapshot(
        account=account(name, **fields),
        figures=Figures(due=due, oldest_due=oldest_due, holds=holds),
        tokens=tokens,
        last_delivery=last_delivery,
        baseline=baseline,
    )


def snapshot(*views: AccountSnapshot, **fields: Any) -> Snapshot:
    alive = {"workers": SECOND, "beats": SECOND}
    return Snapshot(**{"at": NOON, "public_url": URL, "accounts": views, **alive, **fields})


def only(*views: AccountSnapshot, **fields: Any) -> AlertCondition:
    (condition,) = active_conditions(snapshot(*views, **fields))
    return condition


def spool(count: int = 37, **fields: Any) -> SpoolReport:
    figures = SpoolFigures(**{"count": count, "bytes": 9, "oldest": HOUR, **fields})
    return SpoolReport("0f", "web-1", figures, seen=SECOND)


def memory(**fields: Any) -> MemoryForecast:
    return MemoryForecast(**{"used": 10 << 20, "limit": 100 << 20, "limited": True, **fields})


ENDING = tokens(end=ConnectionEnd(cause=EndCause.REFUSED, at=NOON + 20 * HOUR))
SECRET = ConnectionEnd(cause=EndCause.CLIENT, at=NOON + HOUR)
UNUSED = tokens(end=ConnectionEnd(cause=EndCause.UNUSED, at=NOON + 10 * DAY))
FAILING = tokens(failures=3, left=11 * HOUR, expires_at=NOON + 11 * HOUR)


@pytest.mark.parametrize(
    ("views", "keys"),
    [
        pytest.param([], [], id="no account"),
        pytest.param([view(due=5)], [], id="all is well"),
        pytest.param([view(tokens=None)], [], id="not connected, and nobody asked for a token"),
        pytest.param([view(hold())], ["reconnect:acme"], id="tokens refused"),
        pytest.param([view(tokens=ENDING)], ["ending:acme"], id="the last access token works"),
        pytest.param([view(hold(), tokens=ENDING)], ["reconnect:acme"], id="and is refused, too"),
        pytest.param(
            [view(tokens=ENDING, disconnected_at="2026-03-01T12:00:00Z")], [], id="on purpose"
        ),
        pytest.param([view(hold(), tokens=None)], ["reconnect:acme"], id="no tokens at all"),
        pytest.param([view(hold(HoldReason.FORBIDDEN))], ["forbidden:acme"], id="no permission"),
        pytest.param(
            [view(hold(), hold(HoldReason.FORBIDDEN))],
            ["reconnect:acme", "forbidden:acme"],
            id="both",
        ),
        pytest.param(
            [view(hold(HoldReason.PAUSED, since=NOON - DAY + SECOND), due=1)],
            [],
            id="an operator knows of the own pause",
        ),
        pytest.param(
            [view(hold(HoldReason.PAUSED, since=NOON - DAY), due=1)],
            ["paused:acme"],
            id="an operator may have forgotten the own pause",
        ),
        pytest.param(
            [view(hold(HoldReason.PAUSED, since=NOON - DAY))], [], id="nothing waits for its end"
        ),
        pytest.param(
            [view(hold(HoldReason.QUOTA, since=NOON - HOUR + SECOND), due=1)],
            [],
            id="a day spent just now may end soon",
        ),
        pytest.param([view(hold(HoldReason.QUOTA), due=1)], ["quota:acme"], id="a day is spent"),
        pytest.param([view(hold(HoldReason.QUOTA))], [], id="nothing waits for the next day"),
        pytest.param([view(hold(HoldReason.OUTAGE))], ["outage:acme"], id="an outage"),
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
def test_conditions(views: list[AccountSnapshot], keys: list[str]) -> None:
    assert [condition.key for condition in active_conditions(snapshot(*views))] == keys


@pytest.mark.parametrize(
    ("seen", "keys"),
    [
        pytest.param({"workers": 30 * SECOND, "beats": 30 * SECOND}, [], id="seen lately"),
        pytest.param({"workers": 31 * SECOND}, ["workers"], id="no worker"),
        pytest.param({"workers": None}, ["workers"], id="no worker for an hour"),
        pytest.param({"beats": 31 * SECOND}, ["beat"], id="no beat"),
        pytest.param({"beats": None}, ["beat"], id="no beat for an hour"),
        pytest.param({"spools": (spool(),)}, ["spool:0f"], id="sign-ups on a web host's disk"),
        pytest.param({"spools": (spool(count=0),)}, [], id="none on its disk any more"),
        pytest.param({"memory": memory(full_in=7 * DAY)}, ["memory"], id="full in a week"),
        pytest.param({"memory": memory(full_in=8 * DAY)}, [], id="full in more than a week"),
        pytest.param({"memory": memory(used=90 << 20)}, ["memory"], id="nearly full"),
        pytest.param({"memory": memory()}, [], id="much memory left"),
    ],
)
def test_conditions_of_the_installation(seen: dict[str, Any], keys: list[str]) -> None:
    assert [condition.key for condition in active_conditions(snapshot(view(), **seen))] == keys


@pytest.mark.parametrize(
    ("seen", "stalled"),
    [
        pytest.param(view(due=1, oldest_due=HOUR), True, id="nothing was ever delivered"),
        pytest.param(view(due=1, oldest_due=HOUR - SECOND), False, id="due for less than an hour"),
        pytest.param(
            view(due=1, oldest_due=DAY, last_delivery=NOON - HOUR), True, id="an hour ago"
        ),
        pytest.param(
            view(due=1, oldest_due=DAY, last_delivery=NOON - HOUR + SECOND),
            False,
            id="less than an hour ago",
        ),
        pytest.param(view(last_delivery=NOON - DAY), False, id="there is no work"),
        pytest.param(
            view(
                hold(HoldReason.PAUSED, since=NOON - 2 * HOUR),
                due=1,
                oldest_due=2 * HOUR,
            ),
            False,
            id="on hold since then",
        ),
        pytest.param(
            view(hold(HoldReason.PAUSED, since=NOON - HOUR), due=1, oldest_due=3 * HOUR),
            True,
            id="a hold that begins later ends nothing",
        ),
        pytest.param(
            view(due=1, oldest_due=DAY, disconnected_at="2026-03-01T11:59:00Z"),
            False,
            id="disconnected",
        ),
    ],
)
def test_an_account_is_stalled_that_delivers_nothing_for_an_hour_with_work_to_do(
    seen: AccountSnapshot, stalled: bool
) -> None:
    assert ("stalled:acme" in [each.key for each in active_conditions(snapshot(seen))]) == stalled


@pytest.mark.parametrize(
    ("seen", "keys"),
    [
        pytest.param(view(baseline=baseline(30 * HOUR)), ["silence:acme"], id="unusually long"),
        pytest.param(view(baseline=baseline(30 * HOUR - SECOND)), [], id="as usual"),
        pytest.param(view(baseline=baseline(90 * DAY, None)), [], id="nothing is usual yet"),
        pytest.param(
            view(baseline=baseline(90 * DAY), disconnected_at="2026-01-01T00:00:00Z"),
            [],
            id="disconnected",
        ),
    ],
)
def test_silence_alerts_where_it_is_unusual(seen: AccountSnapshot, keys: list[str]) -> None:
    assert [condition.key for condition in active_conditions(snapshot(seen))] == keys


@pytest.mark.parametrize(
    ("condition", "severity", "title", "over", "since"),
    [
        pytest.param(
            only(view(hold())),
            Severity.PROBLEM,
            "acme is on hold: its connection to Constant Contact does not work",
            "acme: the hold `reconnect` has ended",
            NOON - HOUR,
            id="tokens refused",
        ),
        pytest.param(
            only(view(hold(HoldReason.FORBIDDEN))),
            Severity.PROBLEM,
            "acme is on hold: its login may not write contacts",
            "acme: the hold `forbidden` has ended",
            NOON - HOUR,
            id="no permission",
        ),
        pytest.param(
            only(view(hold(HoldReason.OUTAGE))),
            Severity.PROBLEM,
            "acme is on hold: its sign-ups could not be sent",
            "acme: the hold `outage` has ended",
            NOON - HOUR,
            id="an outage",
        ),
        pytest.param(
            only(view(hold(HoldReason.QUOTA), due=1)),
            Severity.WARNING,
            "acme is on hold: today's requests to Constant Contact are used up",
            "acme: the hold `quota` has ended",
            NOON - HOUR,
            id="a day is spent",
        ),
        pytest.param(
            only(view(hold(HoldReason.PAUSED, since=NOON - DAY), due=1)),
            Severity.WARNING,
            "acme is still paused",
            "acme: the hold `paused` has ended",
            NOON - DAY,
            id="a forgotten pause",
        ),
        pytest.param(
            only(view(tokens=ENDING)),
            Severity.WARNING,
            "acme: its connection works until 2026-03-02 08:00 UTC, reconnect before",
            "acme: the warning that its connection ends is over",
            None,
            id="the refresh token is refused",
        ),
        pytest.param(
            only(view(tokens=tokens(failures=9, left=HOUR, end=SECRET))),
            Severity.WARNING,
            "acme: its connection works until 2026-03-01 13:00 UTC, as its secret is refused",
            "acme: the warning that its connection ends is over",
            None,
            id="the secret is refused",
        ),
        pytest.param(
            only(view(tokens=UNUSED)),
            Severity.WARNING,
            "acme: its connection ends on 2026-03-11 12:00 UTC, as nothing refreshes it",
            "acme: the warning that its connection ends is over",
            None,
            id="the refresh token was not used for months",
        ),
        pytest.param(
            only(view(tokens=FAILING)),
            Severity.WARNING,
            "acme: its access token cannot be refreshed",
            "acme: the problem with its access token is over",
            None,
            id="failing refreshes",
        ),
        pytest.param(
            only(view(due=1, oldest_due=HOUR)),
            Severity.PROBLEM,
            "acme: nothing has been delivered for an hour, although sign-ups wait",
            "acme: deliveries have resumed",
            None,
            id="stalled",
        ),
        pytest.param(
            only(view(baseline=baseline(30 * HOUR))),
            Severity.WARNING,
            "acme: no sign-up has arrived for 1 d 6 h",
            "acme: sign-ups arrive again",
            NOON - 30 * HOUR,
            id="silence",
        ),
        pytest.param(
            only(workers=90 * SECOND),
            Severity.PROBLEM,
            "No worker is alive, so nothing is delivered",
            "A worker is alive again",
            NOON - 90 * SECOND,
            id="no worker",
        ),
        pytest.param(
            only(beats=90 * SECOND),
            Severity.WARNING,
            "No beat is alive, so quiet accounts' tokens are not refreshed",
            "A beat is alive again",
            NOON - 90 * SECOND,
            id="no beat",
        ),
        pytest.param(
            only(spools=(spool(),)),
            Severity.WARNING,
            "web-1: 37 sign-ups wait on its own disk",
            "web-1: no sign-up waits on its own disk any more",
            None,
            id="a used spool",
        ),
        pytest.param(
            only(memory=memory(full_in=4 * DAY)),
            Severity.PROBLEM,
            "At this pace Redis is full in 4 days",
            "Redis is no longer about to be full",
            None,
            id="full soon",
        ),
    ],
)
def test_what_a_condition_is_called_how_bad_it_is_and_since_when(
    condition: AlertCondition, severity: Severity, title: str, over: str, since: datetime | None
) -> None:
    assert (condition.severity, condition.title, condition.over, condition.since) == (
        severity,
        title,
        over,
        since,
    )
    assert condition.account == ("acme" if "acme" in title else None)


def test_a_quota_that_others_used_up_is_told() -> None:
    words = "another program uses the same API key"
    assert words in only(view(hold(HoldReason.QUOTA, by="answer"), due=1)).body
    assert words not in only(view(hold(HoldReason.QUOTA, by="count"), due=1)).body


def test_a_stall_says_how_long_sign_ups_wait_and_when_the_last_was_delivered() -> None:
    stalled = view(due=2, oldest_due=3 * HOUR, last_delivery=NOON - 2 * HOUR)
    body = only(stalled).body
    assert "2 sign-ups wait for acme, the oldest for 3 h. The last delivery was on" in body
    assert "2026-03-01 10:00 UTC" in body
    assert f"{URL}/console/doctor?account=acme" in body
    assert "No delivery is on record" in only(view(due=1, oldest_due=HOUR)).body


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        pytest.param({"workers": 90 * SECOND}, "The last worker was seen 1 min 30 s ago.", id="w"),
        pytest.param({"workers": None}, "No worker has been seen for an hour or more.", id="no w"),
        pytest.param({"beats": 90 * SECOND}, "The last beat was seen 1 min 30 s ago.", id="b"),
        pytest.param({"beats": None}, "No beat has been seen for an hour or more.", id="no b"),
    ],
)
def test_a_silent_process_is_told_of_with_when_it_was_seen(
    seen: dict[str, Any], words: str
) -> None:
    condition = only(**seen)
    assert condition.body.startswith(words)
    assert (condition.since is None) == (None in seen.values())


def test_silence_is_told_with_what_is_usual_and_where_to_look() -> None:
    condition = only(view(baseline=baseline(30 * HOUR), organization="Acme Bakery"))
    assert condition.title == "acme: no sign-up has arrived for 1 d 6 h"
    assert "acme (Acme Bakery) was never without a sign-up for longer than 5 h" in condition.body
    assert f"{URL}/f/" in condition.body


def test_silent_workers_are_told_of_with_all_that_waits() -> None:
    views = (view(name="one", due=1200), view(name="two", due=34))
    condition = only(*views, workers=90 * SECOND)
    assert "The last worker was seen 1 min 30 s ago. 1,234 sign-ups wait." in condition.body


def test_a_spool_names_its_host_and_what_could_not_be_handed_over() -> None:
    condition = only(spools=(spool(count=37, refused=2),))
    assert condition.title == "web-1: 37 sign-ups wait on its own disk"
    assert "the oldest for 1 h. Of these, 2 could not be handed over" in condition.body
    assert "could not be handed over" not in only(spools=(spool(),)).body


@pytest.mark.parametrize(
    ("oldest", "notified"),
    [(None, False), (timedelta(), True), (SECOND, True)],
    ids=["unknown", "just now", "a second ago"],
)
def test_a_spool_says_how_old_its_oldest_is_however_young(
    oldest: timedelta | None, notified: bool
) -> None:
    assert ("the oldest for" in only(spools=(spool(oldest=oldest),)).body) is notified


def test_a_hold_is_told_of_with_its_reason_what_waits_and_the_one_thing_to_do() -> None:
    condition = only(
        view(
            hold(note="the refresh token was refused."),
            due=1234,
            organization="Acme Bakery",
        )
    )
    assert condition.severity == Severity.PROBLEM
    assert condition.since == NOON - HOUR
    assert "on hold" in condition.title
    assert condition.body == (
        "acme (Acme Bakery) has no working tokens. Nothing has been delivered since"
        " 2026-03-01 11:00 UTC. Reason: the refresh token was refused.\n\n"
        "No sign-up is lost. 1,234 sign-ups wait. New ones are accepted. All are delivered,"
        " oldest first, when the hold ends.\n\n"
        "What to do: connect it again at https://signup.example.com/console/accounts/acme"
        " or with: relay connect acme"
    )


def test_where_a_hold_is_probed_nobody_is_sent_to_connect_at_once() -> None:
    assert "tries again by itself" in only(view(hold(probe_at=NOON))).body
    assert "tries again by itself" not in only(view(hold(probe_at=None))).body


def test_a_missing_permission_asks_for_another_login() -> None:
    body = only(view(hold(HoldReason.FORBIDDEN, note="contacts:write is missing"))).body
    assert "contacts:write is missing" in body
    assert "Account Owner's or Manager's login" in body
    assert f"{URL}/console/accounts/acme" in body
    assert "relay connect acme" in body


def test_failing_refreshes_are_a_warning_that_says_for_how_long_all_still_works() -> None:
    condition = only(view(tokens=FAILING, due=1))
    assert condition.severity == Severity.WARNING
    assert "has failed 3 times in a row" in condition.body
    assert "still works until 2026-03-01 23:00 UTC, for 11 h more" in condition.body
    assert "1 sign-up waits" in condition.body


@pytest.mark.parametrize(
    "stopped",
    [
        pytest.param(view(tokens=tokens(failures=9, left=-HOUR)), id="the token has ended"),
        pytest.param(view(tokens=tokens(failures=9, left=0 * HOUR)), id="the token ends now"),
        pytest.param(view(hold(), tokens=FAILING), id="the account is on hold"),
    ],
)
def test_what_does_not_work_any_more_is_not_said_to_work(stopped: AccountSnapshot) -> None:
    bodies = {each.key: each.body for each in active_conditions(snapshot(stopped))}
    assert "still works" not in bodies["tokens:acme"]
    assert "nothing can be delivered" in bodies["tokens:acme"]


@pytest.mark.parametrize(
    ("found", "to_do"),
    [
        (view(hold(HoldReason.OUTAGE, note="HTTP 503")), "ask Constant Contact"),
        (view(hold(HoldReason.OUTAGE, note="no answer")), "DNS, CTCT_API_URL."),
        (view(tokens=replace(FAILING, failure="it answered HTTP 503")), "ask Constant Contact"),
        (view(tokens=replace(FAILING, failure="took too long")), "DNS, CTCT_AUTH_URL."),
    ],
)
def test_what_to_do_fits_what_the_last_call_came_to(found: AccountSnapshot, to_do: str) -> None:
    assert to_do in only(found).body


def test_what_constant_contact_said_is_redacted() -> None:
    assert "ada@example.com" not in only(view(hold(note="no, ada@example.com"))).body


def test_a_condition_has_one_key_while_it_is_active() -> None:
    begun = view(hold(note="one", probe_at=NOON), due=1)
    later = view(hold(note="another", since=NOON), due=2)
    assert only(begun).key == only(later).key


# --- messages


def part(condition: AlertCondition, **fields: Any) -> Part:
    defaults = {
        "key": condition.key,
        "begun_at": NOON - 3 * HOUR,
        "ended_at": None,
        "over": condition.over,
        "account": condition.account,
    }
    return Part(**{**defaults, **fields})


def notification(event: Any, *parts: Part) -> Notification:
    kind = parts[0].key.partition(":")[0]
    return Notification(service="json", kind=kind, event=event, number="1", parts=parts)


def said(event: str, was: AccountSnapshot, *now: AccountSnapshot, **fields: Any) -> Message:
    """Return what is said of the one condition of `was`, when accounts are as in `now`."""
    looked = snapshot(*now)
    ended_at = NOON if event == "over" else None
    notified = notification(event, part(only(was), ended_at=ended_at, **fields))
    return message_for(notified, active_conditions(looked), looked)


HELD = view(hold(), due=7)


def test_the_first_message_is_the_conditions_own() -> None:
    condition = only(HELD)
    assert said("begun", HELD, HELD) == Message(
        condition.title, condition.body, MessageKind.PROBLEM
    )
    failing = view(tokens=FAILING)
    assert said("begun", failing, failing).kind == MessageKind.WARNING


def test_a_reminder_of_several_counts_from_the_first() -> None:
    looked = snapshot(*many(2))
    active = active_conditions(looked)
    parts = [
        part(each, begun_at=NOON - days * DAY) for each, days in zip(active, (1, 2), strict=True)
    ]
    message = message_for(notification("reminder", *parts), active, looked)
    assert message.body.startswith("This has lasted for 2 d.\n\n- site-0 is on hold")


def test_a_reminder_says_for_how_long_it_has_stood() -> None:
    message = said("reminder", HELD, HELD, begun_at=NOON - 2 * DAY)
    assert message.title == f"Still: {only(HELD).title}"
    assert message.body == f"This has lasted for 2 d.\n\n{only(HELD).body}"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        pytest.param(
            [view(due=7)], "7 sign-ups wait. Deliveries go on now, oldest first", id="flows"
        ),
        pytest.param([view()], "No sign-up waits", id="nothing waited"),
        pytest.param(
            [view(hold(HoldReason.QUOTA), due=7)],
            "still on hold (quota). 7 sign-ups wait",
            id="another hold is active",
        ),
        pytest.param(
            [view(disconnected_at="2026-03-01T11:59:00Z")],
            "no longer connected",
            id="disconnected",
        ),
        pytest.param([], "no longer connected", id="gone"),
    ],
)
def test_a_recovery_says_how_long_it_lasted_and_what_flows_again(
    now: list[AccountSnapshot], words: str
) -> None:
    message = said("over", HELD, *now)
    assert message.title == "acme: the hold `reconnect` has ended"
    assert message.kind == MessageKind.OVER
    assert message.body.startswith("It lasted 3 h. ")
    assert words in message.body


def many(count: int) -> list[AccountSnapshot]:
    return [view(hold(HoldReason.OUTAGE), name=f"site-{number}", due=2) for number in range(count)]


@pytest.mark.parametrize("event", ["begun", "reminder"])
def test_several_that_began_together_are_one_message(event: str) -> None:
    looked = snapshot(*many(3))
    standing = active_conditions(looked)
    message = message_for(notification(event, *map(part, standing)), standing, looked)
    title = "3 accounts are on hold: their sign-ups could not be sent"
    assert message.title == {"begun": title, "reminder": f"Still: {title}"}[event]
    assert message.kind == MessageKind.PROBLEM
    for condition in standing:
        assert f"- {condition.title}" in message.body
    assert f"{URL}/console/" in message.body


def test_several_that_ended_together_are_one_message() -> None:
    ended = [part(condition, ended_at=NOON) for condition in active_conditions(snapshot(*many(2)))]
    message = message_for(notification("over", *ended), [], snapshot(view(name="site-0", due=7)))
    assert message.title == "2 accounts: the hold `outage` has ended"
    assert message.kind == MessageKind.OVER
    first, second = message.body.splitlines()
    assert first.startswith(
        "- site-0: the hold `outage` has ended. It lasted 3 h. No sign-up was lost"
    )
    assert "7 sign-ups wait" in first
    assert second.startswith("- site-1: ")


@pytest.mark.parametrize(
    ("count", "listed", "end"),
    [(19, 19, "be sent"), (20, 20, "be sent"), (21, 20, "and 1 more"), (25, 20, "and 5 more")],
)
def test_a_long_list_is_cut_and_says_so(count: int, listed: int, end: str) -> None:
    looked = snapshot(*many(count))
    active = active_conditions(looked)
    body = message_for(notification("begun", *map(part, active)), active, looked).body
    lines, to_do = body.split("\n\n")
    assert lines.count("- site-") == listed
    assert lines.endswith(end)
    assert to_do == f"What to do: see each at {URL}/console/"


def test_for_every_kind_there_are_words_for_several() -> None:
    """There is never more than one alert of workers, of beats, or of the memory."""
    seen = snapshot(
        view(
            hold(),
            hold(HoldReason.FORBIDDEN),
            hold(HoldReason.OUTAGE),
            hold(HoldReason.QUOTA),
            hold(HoldReason.PAUSED, since=NOON - DAY),
            tokens=FAILING,
            due=1,
            oldest_due=3 * DAY,
            baseline=baseline(30 * HOUR),
        ),
        view(name="books", tokens=ENDING),
        view(name="cafe", tokens=tokens(replacement=REPLACEMENT)),
        workers=None,
        beats=None,
        memory=memory(used=100 << 20),
        spools=(spool(),),
        forms=(
            FormSnapshot(
                form=form(origins=("https://example.com",)),
                history=refusals.history(refusals.streak()),
                arrivals=refusals.arrivals(passed=100, screened=100, busiest_hours=[1] * 5),
            ),
        ),
    )
    kinds = [condition.kind for condition in active_conditions(seen)]
    assert len(kinds) == len(CONDITIONS)
    assert kinds == list(CONDITIONS)
    without_words = {name for name, kind in CONDITIONS.items() if not kind.several}
    assert without_words == {"workers", "beat", "memory"}
    assert all(bool(kind.several) == bool(kind.several_over) for kind in CONDITIONS.values())


def test_a_name_that_passed_to_another_account_is_news_for_a_day() -> None:
    passed = view(tokens=tokens(replacement=REPLACEMENT), organization="Blue Door Books")

    condition = only(passed)

    assert condition.title.startswith("acme is another account since ")
    assert condition.title.endswith(", by olga")
    assert "acme was Acme Bakery, and is Blue Door Books now" in condition.body
    assert active_conditions(snapshot(passed, at=REPLACEMENT.at + DAY)) == []  # type: ignore[operator]


def test_a_name_that_passes_on_once_more_is_news_again() -> None:
    again = Replacement("olga", "Blue Door Books", NOON)
    keys = {only(view(tokens=tokens(replacement=each))).key for each in (REPLACEMENT, again)}

    assert len(keys) == 2


def test_an_end_without_a_time_is_now_and_one_of_no_account_says_nothing_of_sign_ups() -> None:
    ended = part(only(workers=None), begun_at=NOON - HOUR)
    assert message_for(notification("over", ended), [], snapshot()).body == "It lasted 1 h."
    earlier = part(only(workers=None), begun_at=NOON - HOUR, ended_at=NOON - HOUR / 2)
    assert message_for(notification("over", earlier), [], snapshot()).body == "It lasted 30 min."


def test_the_end_of_a_silence_says_nothing_of_deliveries() -> None:
    was = view(baseline=baseline(30 * HOUR))
    assert said("over", was, view(due=7)).body == "It lasted 3 h."


def dead(event: Any, **counts: int) -> Message:
    named = {DeathReason(reason): count for reason, count in counts.items()}
    notified = DeadLetterNotification(
        service="json", account="acme", event=event, number="1", counts=named
    )
    return dead_letter_message(notified, URL)


@pytest.mark.parametrize(
    ("message", "title"),
    [
        (dead("first", rejected=1), "acme: 1 failed sign-up: 1 rejected"),
        (
            dead("more", gave_up=7, rejected=1030),
            "acme: 1,037 more failed sign-ups: 1,030 rejected, 7 given up",
        ),
        (dead("first", rejected=2), "acme: 2 failed sign-ups: 2 rejected"),
        (
            dead("first", rejected=1, poison=2, gave_up=1),
            "acme: 4 failed sign-ups: 2 harmful to workers, 1 given up, 1 rejected",
        ),
        (dead("over"), "acme: no failed sign-up is left"),
    ],
)
def test_dead_letters_are_told_of_in_numbers(message: Message, title: str) -> None:
    assert message.title == title
    assert message.kind == (MessageKind.OVER if message == dead("over") else MessageKind.WARNING)
    assert ("/console/accounts/acme" in message.body) == (message.kind == MessageKind.WARNING)


def test_looks_come_often_enough_for_a_short_wait_and_never_more_seldom_than_every_20_s() -> None:
    assert every(timedelta(seconds=60)) == timedelta(seconds=20)
    assert every(timedelta(hours=1)) == timedelta(seconds=20)
    assert every(timedelta(seconds=3)) == timedelta(seconds=1)


def test_an_account_that_was_disconnected_on_purpose_alerts_nobody() -> None:
    hold = Hold(reason=HoldReason.RECONNECT, since=NOON)

    assert active_conditions(snapshot(view(hold, disconnected_at="2026-03-01T12:00:00Z"))) == []
