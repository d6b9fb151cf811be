"""What each check of the doctor says of what it reads."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.accounts.account_api import ApiCallFailed
from shared.accounts.account_state import account_state
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.constant_contact.client import ContactList
from shared.constant_contact.errors import ConnectionFailed, Forbidden
from shared.doctor import (
    live_account_checks,
    network_checks,
    operator_checks,
    redis_checks,
    retention_checks,
    settings_checks,
    stored_account_checks,
)
from shared.doctor.network_checks import ApiPing, HealthAnswer
from shared.domain.account import Hold, HoldReason
from shared.domain.check import Check, CheckResult
from shared.domain.connection_end import SECRET_REFUSED, ConnectionEnd, EndCause
from shared.domain.errors import TokenError
from shared.domain.failure_group import FailureGroup
from shared.domain.memory_forecast import MemoryForecast
from shared.domain.outcome import ApiAnswer
from shared.domain.redis_problem import RedisProblem
from shared.domain.retention import KeptRecords
from shared.domain.second_factor import WhoMustHaveOne
from shared.domain.signup import DeathReason
from shared.ledger.redis_server.server_inspection import OverdueSignups, ServerFacts
from shared.ledger.spools import SpoolFigures, SpoolReport, damaged_name
from shared.operations import process_checks
from shared.operations.operators import Operator, Role
from shared.operations.secret_rotation import Survey
from tests.support import builders
from tests.support.builders import NOON

OK, PROBLEM, UNKNOWN = CheckResult.OK, CheckResult.PROBLEM, CheckResult.UNKNOWN
ADVICE = "ok, with advice"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def fails(error: Exception) -> Callable[[], Any]:
    """Return a reader that raises `error`."""

    def read() -> Any:
        raise error

    return read


def forbidden() -> ApiCallFailed:
    """Return the error of a read that the login's privileges do not allow."""
    error = ApiCallFailed("Constant Contact did not give it.")
    error.__cause__ = Forbidden("it", ApiAnswer(status=403))
    return error


def verdict(check: Check) -> str:
    assert check.verdict != PROBLEM or check.fix, "a problem says what to do"
    return ADVICE if check.verdict == OK and check.fix else str(check.verdict)


# --- Redis


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(0.2, OK), (20, OK), (20.1, ADVICE), (900, ADVICE)],
)
def test_the_time_that_redis_takes(milliseconds: float, expected: str) -> None:
    assert (
        verdict(
            redis_checks.answers(lambda: timedelta(milliseconds=milliseconds), redis_checks.silent)
        )
        == expected
    )


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((7, 2, 4), OK),
        ((6, 2), OK),
        ((6, 2, 0), OK),
        ((6, 0, 20), PROBLEM),
        ((5, 0), PROBLEM),
        (None, UNKNOWN),
    ],
)
def test_the_version(version: tuple[int, ...] | None, expected: str) -> None:
    assert verdict(redis_checks.version(ServerFacts(version=version))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"append_only": True, "fsync": "everysec"}, OK, id="as it should be"),
        pytest.param({"append_only": True, "fsync": "always"}, OK, id="with every change"),
        pytest.param({"append_only": True, "fsync": "no"}, PROBLEM, id="when the system likes"),
        pytest.param({"append_only": True}, UNKNOWN, id="fsync not told"),
        pytest.param({"append_only": False, "fsync": "everysec"}, PROBLEM, id="off"),
        pytest.param(
            {"append_only": True, "fsync": "everysec", "append_failed": True}, PROBLEM, id="failing"
        ),
        pytest.param({}, UNKNOWN, id="not told"),
    ],
)
def test_what_survives_a_crash(facts: dict[str, Any], expected: str) -> None:
    assert verdict(redis_checks.durability(ServerFacts(**facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"eviction": "noeviction", "memory_limit": 1 << 28}, OK, id="limited"),
        pytest.param({"eviction": "noeviction", "memory_limit": 0}, ADVICE, id="no limit"),
        pytest.param({"eviction": "noeviction"}, OK, id="limit not told"),
        pytest.param({"eviction": "allkeys-lru", "memory_limit": 0}, PROBLEM, id="drops keys"),
        pytest.param({"eviction": "volatile-ttl"}, PROBLEM, id="drops tokens of handshakes"),
        pytest.param({}, UNKNOWN, id="not told"),
    ],
)
def test_what_a_full_server_drops(facts: dict[str, Any], expected: str) -> None:
    assert verdict(redis_checks.eviction(ServerFacts(**facts))) == expected


@pytest.mark.parametrize(
    ("used", "full_in", "expected"),
    [
        pytest.param(89, None, OK, id="grows little"),
        pytest.param(10, 31 * DAY, OK, id="full some day"),
        pytest.param(10, 30 * DAY, ADVICE, id="full in a month"),
        pytest.param(10, 7 * DAY, PROBLEM, id="full in a week"),
        pytest.param(90, None, PROBLEM, id="nearly full"),
        pytest.param(100, timedelta(), PROBLEM, id="full"),
    ],
)
def test_the_memory(used: int, full_in: timedelta | None, expected: str) -> None:
    forecast = MemoryForecast(used=used, limit=100, limited=True, growth=1.0, full_in=full_in)
    assert verdict(redis_checks.memory(forecast)) == expected


def test_a_memory_that_the_server_does_not_report() -> None:
    assert verdict(redis_checks.memory(None)) == UNKNOWN


@pytest.mark.parametrize(
    ("fields", "expected", "says"),
    [
        pytest.param({"count": 0}, OK, "No record", id="nothing is kept"),
        pytest.param({"kept_for": None}, OK, "2 delivered, kept for ever.", id="for ever"),
        pytest.param({"since": None}, OK, "2 delivered, kept for 1 d.", id="no worker ran yet"),
        pytest.param(
            {"oldest": NOON - HOUR},
            OK,
            "the next is cleared on 2026-03-02 11:00 UTC",
            id="in time",
        ),
        pytest.param(
            {"since": NOON - HOUR},
            OK,
            "Retention counts from 2026-03-01 11:00 UTC: the first records are cleared on"
            " 2026-03-02 11:00 UTC.",
            id="switched on lately",
        ),
        pytest.param({"oldest": NOON - DAY - 10 * MINUTE}, OK, "2 delivered", id="a backlog"),
        pytest.param(
            {"oldest": NOON - DAY - 11 * MINUTE}, PROBLEM, "Nothing clears", id="nobody clears"
        ),
    ],
)
def test_what_is_kept(fields: dict[str, Any], expected: str, says: str) -> None:
    kept = {
        "name": "delivered",
        "kept_for": DAY,
        "since": NOON - 9 * DAY,
        "count": 2,
        "oldest": NOON - 2 * DAY if "since" in fields else NOON - HOUR,
    }
    records = KeptRecords(**{**kept, **fields})
    check = retention_checks.retention(lambda: [records], lambda: NOON)
    assert verdict(check) == expected
    assert says in check.found


@pytest.mark.parametrize(
    ("replica", "refuses", "expected"),
    [
        pytest.param(False, None, OK, id="primary"),
        pytest.param(None, None, OK, id="not told, but takes what is written"),
        pytest.param(True, RedisProblem("It is a replica"), PROBLEM, id="replica"),
        pytest.param(False, RedisProblem("Too few replicas"), PROBLEM, id="refuses"),
    ],
)
def test_whether_it_can_be_written(
    replica: bool | None, refuses: RedisProblem | None, expected: str
) -> None:
    facts = ServerFacts(is_replica=replica, refuses_writes=refuses)
    assert verdict(redis_checks.role(facts)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"knows_waitaof": True, "append_only": True}, OK),
        ({"knows_waitaof": True, "append_only": None}, OK),
        ({"knows_waitaof": True, "append_only": False}, PROBLEM),
        ({"knows_waitaof": False}, PROBLEM),
        ({"knows_waitaof": None}, UNKNOWN),
    ],
)
def test_waiting_for_the_disk(facts: dict[str, Any], expected: str) -> None:
    assert verdict(redis_checks.waitaof(ServerFacts(**facts))) == expected


@pytest.mark.parametrize(
    ("ledger", "broker", "expected"),
    [
        ("run-1/0", "run-1/1", OK),
        ("run-1/0", "run-2/0", OK),
        ("run-1/0", "run-1/0", PROBLEM),
        ("", "", OK),
        ("", "run-1/0", OK),
    ],
)
def test_the_brokers_database(ledger: str, broker: str, expected: str) -> None:
    assert verdict(redis_checks.broker(lambda: ledger, lambda: broker)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, OK), (2, OK), (-2, OK), (2.1, PROBLEM), (-60, PROBLEM)]
)
def test_redis_clock(seconds: float, expected: str) -> None:
    assert verdict(redis_checks.clock(lambda: timedelta(seconds=seconds))) == expected


def test_which_clock_is_ahead_is_reported() -> None:
    assert "ahead of" in redis_checks.clock(lambda: MINUTE).found
    assert "behind" in redis_checks.clock(lambda: -MINUTE).found


# --- what runs


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([1], OK), ([1, 600], OK), ([15], OK), ([16], PROBLEM), ([], PROBLEM)],
)
def test_workers_and_beat(seconds: list[int], expected: str) -> None:
    last_seen = {str(number): timedelta(seconds=each) for number, each in enumerate(seconds)}
    assert verdict(process_checks.workers(lambda: last_seen)) == expected
    assert verdict(process_checks.beat(lambda: last_seen)) == expected


@pytest.mark.parametrize(
    ("survey", "several", "expected"),
    [
        pytest.param(Survey(3, 0, ()), False, OK, id="all opens"),
        pytest.param(Survey(0, 0, ()), False, OK, id="nothing there"),
        pytest.param(Survey(3, 0, ()), True, ADVICE, id="rotated, the old key may go"),
        pytest.param(Survey(1, 2, ()), True, ADVICE, id="yet to be rotated"),
        pytest.param(Survey(3, 0, ("the tokens of acme",)), False, PROBLEM, id="a wrong key"),
        pytest.param(Survey(0, 2, ("the tokens of acme",)), True, PROBLEM, id="one wrong key"),
    ],
)
def test_the_secret_key(survey: Survey, several: bool, expected: str) -> None:
    assert verdict(settings_checks.secret_key(lambda: survey, several=several)) == expected


def test_settings_that_could_be_better_are_advice() -> None:
    assert verdict(settings_checks.settings(list)) == OK
    check = settings_checks.settings(lambda: ["A key is short"])
    assert (verdict(check), check.fix) == (ADVICE, "A key is short.")


def test_the_disk_that_stands_in_for_redis(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "spool"
    assert verdict(settings_checks.spool(folder, wanted=True)) == OK
    folder.parent.write_text("a file where the folder should be")
    assert verdict(settings_checks.spool(folder, wanted=True)) == ADVICE
    assert verdict(settings_checks.spool(folder, wanted=False)) == OK
    folder.parent.unlink()
    damaged_name(folder, NOON).mkdir(parents=True)
    assert verdict(settings_checks.spool(folder, wanted=True)) == PROBLEM
    assert verdict(settings_checks.spool(folder, wanted=False)) == PROBLEM


@pytest.mark.parametrize(
    ("minutes", "refused", "expected"), [(0, 0, OK), (5, 0, PROBLEM), (0, 1, PROBLEM)]
)
def test_what_waits_on_webs_disks(minutes: int, refused: int, expected: str) -> None:
    figures = SpoolFigures(count=3, bytes=900, oldest=HOUR, refused=refused)
    told = SpoolReport("id", "web-1", figures, minutes * MINUTE)
    assert verdict(process_checks.spooled(lambda: [told])) == expected
    assert "3 sign-ups on web-1" in process_checks.spooled(lambda: [told]).found
    one = replace(told, figures=replace(told.figures, count=1))
    assert "1 sign-up on web-1" in process_checks.spooled(lambda: [one]).found
    assert verdict(process_checks.spooled(list)) == OK


def test_alerts_that_are_off_are_advice() -> None:
    assert verdict(settings_checks.alerts(0)) == ADVICE
    assert verdict(settings_checks.alerts(2)) == OK


NO_REST = timedelta()


@pytest.mark.parametrize(
    ("overdue", "held", "expected"),
    [
        pytest.param(OverdueSignups(None, NO_REST, None), False, OK, id="nothing is due"),
        pytest.param(
            OverdueSignups(HOUR, NO_REST, None), False, PROBLEM, id="nothing was ever sent"
        ),
        pytest.param(OverdueSignups(HOUR, NO_REST, HOUR), False, PROBLEM, id="nothing is sent"),
        pytest.param(
            OverdueSignups(HOUR, NO_REST, MINUTE), False, OK, id="a backlog, but it moves"
        ),
        pytest.param(OverdueSignups(MINUTE, NO_REST, HOUR), False, OK, id="it has only just come"),
        pytest.param(OverdueSignups(HOUR, NO_REST, HOUR), True, OK, id="a hold explains it"),
        pytest.param(OverdueSignups(HOUR, MINUTE, HOUR), False, OK, id="the API key rests"),
    ],
)
def test_sign_ups_that_wait(overdue: OverdueSignups, held: bool, expected: str) -> None:
    holds = [Hold(reason=HoldReason.OUTAGE, since=NOON)] if held else []
    check = stored_account_checks.waiting(lambda: overdue, holds, account="acme")
    assert (verdict(check), check.account) == (expected, "acme")


# --- over the network

OURS = {"ok": True}


@pytest.mark.parametrize(
    ("url", "answer", "expected"),
    [
        pytest.param("https://s.example", HealthAnswer(200, None, OURS, "m"), OK, id="ours"),
        pytest.param(
            "https://s.example", HealthAnswer(200, None, OURS, None), PROBLEM, id="a stranger to us"
        ),
        pytest.param("http://127.0.0.1:8080", HealthAnswer(200, None, OURS, "m"), OK, id="local"),
        pytest.param("http://localhost", HealthAnswer(200, None, OURS, "m"), OK, id="localhost"),
        pytest.param("http://[::1]:8080", HealthAnswer(200, None, OURS, "m"), OK, id="local, IPv6"),
        pytest.param(
            "http://s.example", HealthAnswer(200, None, OURS, "m"), ADVICE, id="not encrypted"
        ),
        pytest.param(
            "https://s.example", HealthAnswer(200, None, OURS, "x"), PROBLEM, id="another's"
        ),
        pytest.param(
            "https://s.example", HealthAnswer(200, None, None, None), PROBLEM, id="a web page"
        ),
        pytest.param(
            "https://s.example", HealthAnswer(200, None, {"ok": False}, "m"), PROBLEM, id="not well"
        ),
        pytest.param(
            "https://s.example", HealthAnswer(404, None, None, None), PROBLEM, id="not found"
        ),
        pytest.param(
            "https://s.example",
            HealthAnswer(301, "https://www.s.example/healthz", None, None),
            PROBLEM,
            id="a redirect",
        ),
    ],
)
def test_who_answers_at_the_public_url(url: str, answer: HealthAnswer, expected: str) -> None:
    assert verdict(network_checks.public_url(url, "m", lambda _: answer)) == expected


def test_a_redirect_is_reported_with_where_it_leads_and_without_what_it_carries() -> None:
    answer = HealthAnswer(302, "https://ada:pass@www.s.example:444/login?token=abc", None, None)
    found = network_checks.public_url("https://s.example", "m", lambda _: answer).found
    assert "https://www.s.example:444." in found
    assert "pass" not in found and "abc" not in found


def test_a_redirect_to_port_0_is_reported_with_its_port() -> None:
    answer = HealthAnswer(302, "https://www.s.example:0/login", None, None)
    found = network_checks.public_url("https://s.example", "m", lambda _: answer).found
    assert "https://www.s.example:0." in found


@pytest.mark.parametrize("location", [None, "", "//[", "/healthz/"])
def test_a_redirect_to_nowhere_is_reported(location: str | None) -> None:
    answer = HealthAnswer(302, location, None, None)
    assert "nowhere" in network_checks.public_url("https://s.example", "m", lambda _: answer).found


@pytest.mark.parametrize(
    ("status", "expected"), [(200, OK), (401, OK), (429, OK), (500, PROBLEM), (502, PROBLEM)]
)
def test_what_the_api_answers(status: int, expected: str) -> None:
    answer = ApiPing(status, timedelta())
    api, clock = network_checks.constant_contact("https://api.example/v3", lambda: answer)
    assert (verdict(api), verdict(clock)) == (expected, OK)


def test_an_api_that_cannot_be_reached() -> None:
    read = fails(ConnectionFailed("timed out"))
    (silent,) = network_checks.constant_contact("https://api.example/v3", read)
    assert verdict(silent) == PROBLEM
    assert "timed out" in silent.found


# --- an account


def summary(status: ConnectionStatus = ConnectionStatus.CONNECTED, **fields: Any) -> AccountSummary:
    return AccountSummary(
        account=builders.account(organization="Acme Bakery"),
        status=status,
        own_key=False,
        **{"holds": (), "owner": "production", **fields},
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ConnectionStatus.CONNECTED, OK),
        (ConnectionStatus.FAILING, OK),
        (ConnectionStatus.UNUSABLE, PROBLEM),
        (ConnectionStatus.REVOKED, PROBLEM),
        (ConnectionStatus.FOREIGN, PROBLEM),
        (ConnectionStatus.DISCONNECTED, PROBLEM),
    ],
)
def test_the_connection(status: ConnectionStatus, expected: str) -> None:
    check = stored_account_checks.connection(summary(status), [builders.form()])
    assert (verdict(check), check.account) == (expected, "acme")
    state = "" if expected == OK else f": {account_state(summary(status)).words}"
    assert check.title == f"The connection{state}"


def test_a_disconnected_account_that_no_form_uses_is_in_order() -> None:
    assert (
        verdict(stored_account_checks.connection(summary(ConnectionStatus.DISCONNECTED), [])) == OK
    )


def test_a_connection_that_works_for_a_while_says_until_when() -> None:
    end = ConnectionEnd(cause=EndCause.REFUSED, at=NOON + timedelta(hours=20))
    check = stored_account_checks.connection(summary(ConnectionStatus.REVOKED, end=end), [])
    assert verdict(check) == PROBLEM
    assert "works until 2026-03-02 08:00 UTC" in check.found
    assert "delivered until then" in check.found


def test_a_refresh_token_that_was_not_used_for_months_is_reported() -> None:
    end = ConnectionEnd(cause=EndCause.UNUSED, at=NOON + timedelta(days=10))
    check, _ = stored_account_checks.tokens(summary(end=end), 0, None, NOON)
    assert check.verdict == CheckResult.PROBLEM
    assert "2026-03-11 12:00 UTC" in check.found


def test_a_copy_is_reported_with_its_owner_and_how_to_take_over() -> None:
    check = stored_account_checks.connection(summary(ConnectionStatus.FOREIGN), [])
    assert "production" in check.found
    assert check.fix and "relay accounts take-over acme" in check.fix


@pytest.mark.parametrize(
    ("failures", "next_refresh", "left", "expected"),
    [
        pytest.param(0, HOUR, 20 * HOUR, OK, id="in time"),
        pytest.param(0, -5 * MINUTE, 20 * HOUR, OK, id="due now"),
        pytest.param(0, -11 * MINUTE, 20 * HOUR, PROBLEM, id="nobody refreshes them"),
        pytest.param(2, HOUR, 20 * HOUR, PROBLEM, id="refreshing fails"),
        pytest.param(2, HOUR, -HOUR, PROBLEM, id="refreshing fails, and they are over"),
    ],
)
def test_whether_tokens_are_kept_fresh(
    failures: int, next_refresh: timedelta, left: timedelta, expected: str
) -> None:
    shown = summary(next_refresh_at=NOON + next_refresh, expires_at=NOON + left)
    check = next(stored_account_checks.tokens(shown, failures, None, NOON))
    assert verdict(check) == expected


@pytest.mark.parametrize(
    ("own_key", "whose"), [(False, "CTCT_CLIENT_SECRET"), (True, "given with the API key")]
)
def test_a_refused_secret_is_named_wherever_it_shows(own_key: bool, whose: str) -> None:
    shown = replace(summary(expires_at=NOON + HOUR), own_key=own_key)
    stored = next(stored_account_checks.tokens(shown, 1, SECRET_REFUSED, NOON))
    forced = live_account_checks.refreshed(fails(TokenError(SECRET_REFUSED)), shown)
    for check in (stored, forced):
        assert check.fix and whose in check.fix
        assert SECRET_REFUSED in check.found


def test_the_cause_of_a_failed_refresh_is_reported() -> None:
    shown = summary(expires_at=NOON + HOUR)
    check = next(stored_account_checks.tokens(shown, 2, "HTTP 503", NOON))
    assert "failed 2 times in a row, the last time: HTTP 503." in check.found


def test_a_copy_is_not_advised_to_connect() -> None:
    reconnect = Hold(reason=HoldReason.RECONNECT, since=NOON)
    check = stored_account_checks.hold(reconnect, summary(ConnectionStatus.FOREIGN), NOON)
    assert check.fix and "relay connect" not in check.fix


@pytest.mark.parametrize(
    "status",
    [
        ConnectionStatus.DISCONNECTED,
        ConnectionStatus.UNUSABLE,
        ConnectionStatus.REVOKED,
        ConnectionStatus.FOREIGN,
    ],
)
def test_tokens_of_what_is_not_connected_are_not_checked(status: ConnectionStatus) -> None:
    assert not list(stored_account_checks.tokens(summary(status), 0, None, NOON))


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (HoldReason.RECONNECT, PROBLEM),
        (HoldReason.FORBIDDEN, PROBLEM),
        (HoldReason.OUTAGE, PROBLEM),
        (HoldReason.PAUSED, ADVICE),
        (HoldReason.QUOTA, ADVICE),
    ],
)
def test_holds(reason: HoldReason, expected: str) -> None:
    check = stored_account_checks.hold(Hold(reason=reason, since=NOON), summary(), NOON + HOUR)
    assert verdict(check) == expected
    assert "1 h" in check.found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ConnectionStatus.CONNECTED, "To end it, run: relay connect acme"),
        (ConnectionStatus.REVOKED, "Do what the check of the connection says"),
        (ConnectionStatus.FOREIGN, "Do what the check of the connection says"),
        (ConnectionStatus.DISCONNECTED, ""),
    ],
)
def test_a_hold_without_a_connection_points_to_its_cause(
    status: ConnectionStatus, expected: str
) -> None:
    hold = Hold(reason=HoldReason.RECONNECT, since=NOON)
    check = stored_account_checks.hold(hold, summary(status), NOON + HOUR)
    assert (check.fix or "").startswith(expected)
    assert bool(check.fix) == bool(expected)


def test_the_note_of_a_hold_is_shown_without_addresses() -> None:
    hold = Hold(reason=HoldReason.FORBIDDEN, since=NOON, note="ada@example.com may not")
    found = stored_account_checks.hold(hold, summary(), NOON).found
    assert "may not" in found and "ada@example.com" not in found


@pytest.mark.parametrize(
    ("held", "expected"),
    [({"contacts:write"}, OK), ({"contacts:read"}, PROBLEM), (set(), PROBLEM), (None, PROBLEM)],
)
def test_privileges(held: set[str] | None, expected: str) -> None:
    read = fails(forbidden()) if held is None else lambda: frozenset(held)
    check = live_account_checks.privileges(read, "acme")
    assert (verdict(check), check.account) == (expected, "acme")


NEWSLETTER = ContactList("list-1", "Newsletter", 3)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        pytest.param([NEWSLETTER], OK, id="one"),
        pytest.param([], PROBLEM, id="none"),
        pytest.param(None, PROBLEM, id="forbidden"),
    ],
)
def test_lists(lists: list[ContactList] | None, expected: str) -> None:
    read = fails(forbidden()) if lists is None else lambda: lists
    check = next(live_account_checks.lists(read, [], "acme"))
    assert (check.name, verdict(check)) == ("lists", expected)


def test_a_list_that_is_no_longer_there_is_reported_with_its_form() -> None:
    news, other = builders.form("news"), builders.form("other", lists=())
    (check,) = live_account_checks.form_lists([news, other], {"list-1"}, "acme")
    assert verdict(check) == PROBLEM
    assert check.title == "Form news" and "Newsletter" in check.found
    (check,) = live_account_checks.form_lists([news, other], {builders.LIST_ID}, "acme")
    assert verdict(check) == OK


def test_a_custom_field_that_is_no_longer_there_is_reported_with_its_form() -> None:
    news = builders.form("news")
    (check,) = live_account_checks.form_fields([news], set(), "acme")
    assert verdict(check) == PROBLEM
    assert check.title == "Form news" and "favourite_cake" in check.found
    existing = {field.id for field in news.custom_fields}
    (check,) = live_account_checks.form_fields([news], existing, "acme")
    assert verdict(check) == OK


@pytest.mark.parametrize(
    ("demanded", "without", "expected"),
    [
        (WhoMustHaveOne.NONE, (Role.ADMIN,), OK),
        (WhoMustHaveOne.ADMIN, (Role.OPERATOR, Role.VIEWER), OK),
        (WhoMustHaveOne.ADMIN, (Role.VIEWER, Role.ADMIN), ADVICE),
        (WhoMustHaveOne.ALL, (Role.VIEWER,), ADVICE),
        (WhoMustHaveOne.ALL, (), OK),
    ],
)
def test_second_factor(demanded: WhoMustHaveOne, without: tuple[Role, ...], expected: str) -> None:
    operators = [Operator(name=role, role=role, password_hash="", epoch=0) for role in without]
    check = operator_checks.second_factor(demanded, operators)
    assert verdict(check) == expected
    if demanded == WhoMustHaveOne.ADMIN:
        assert "viewer" not in check.found


LIST_NOT_FOUND = "list_memberships contains an invalid list id: list not found"


def group(message: str, **fields: Any) -> FailureGroup:
    made: dict[str, Any] = {
        "id": "g",
        "account": "acme",
        "reason": DeathReason.REJECTED,
        "form": "news",
        "error_key": "contacts.api.bad_request",
        "message": message,
        "count": 12,
        "first_at": NOON - DAY,
        "last_at": NOON - HOUR,
    }
    return FailureGroup(**{**made, **fields})


def test_failures_of_the_last_day_are_told_by_their_causes() -> None:
    gone = group(LIST_NOT_FOUND, form="old-form")
    refused = group("the address is wrong", count=30)
    long_ago = group("long ago", last_at=NOON - 2 * DAY)
    first, second = stored_account_checks.failed([gone, refused, long_ago], NOON, account="acme")
    assert first.found.startswith("news: 30 sign-ups failed, the last at 2026-03-01 11:00 UTC. ")
    assert (first.verdict, second.verdict) == (OK, PROBLEM)
    assert first.fix and first.fix.endswith("relay failed list --account acme")
    assert second.found.startswith("old-form: 12 sign-ups failed")
    assert "does not know one of its lists" in second.found


def test_what_jobs_send_again_is_no_failure_to_act_on() -> None:
    all_of_it = group(LIST_NOT_FOUND, jobs={"job": 12})
    (check,) = stored_account_checks.failed([all_of_it], NOON, account="acme")
    assert (check.verdict, check.found) == (OK, "12 are being retried by a job.")
    some = group(LIST_NOT_FOUND, jobs={"job": 1})
    (check,) = stored_account_checks.failed([some, all_of_it], NOON, account="acme")
    assert check.verdict == PROBLEM
    assert check.found.startswith("news: 11 sign-ups failed")
    assert check.found.endswith("1 more is being retried by a job.")


def test_without_failures_that_is_said() -> None:
    long_ago = group("long ago", last_at=NOON - 2 * DAY)
    (check,) = stored_account_checks.failed([long_ago], NOON, account="acme")
    assert (check.verdict, check.fix) == (OK, None)


def test_how_many_wait_as_repeated_addresses_and_since_when() -> None:
    none = stored_account_checks.repeated_addresses([], account="acme")
    assert (none.verdict, none.fix) == (CheckResult.OK, None)
    received = [NOON, NOON - timedelta(hours=2), NOON - timedelta(hours=1)]
    some = stored_account_checks.repeated_addresses(received, account="acme")
    assert (some.verdict, some.account) == (CheckResult.OK, "acme")
    assert some.found.startswith("3 of the latest")
    assert f"since {NOON - timedelta(hours=2):%Y-%m-%d %H:%M} UTC" in some.found
    assert some.fix is not None
    assert "relay quarantine list --account acme --reason repeated_address" in some.fix
    assert "relay quarantine deliver" in some.fix
