"""The API's bad days: real lanes against a sandbox that misbehaves in every way it knows.

Sign-ups come before a fault, while it lasts and after it. At the end all of them have arrived
once, or are dead letters for the reason that the fault gives; the sandbox's counts say so.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.domain.signup import Signup, State
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from tests.support.builders import accept
from tests.support.command_line import CommandLine
from tests.support.sandbox_server import SandboxServer
from tests.support.stack import eventually
from worker.runtime import WorkerRuntime, WorkerTimes
from worker.task_events import Silent

SIGN_UP = "/v3/contacts/sign_up_form"
LANES = 4
EACH_TIME = 6  # sign-ups before the fault, while it lasts, and after it
FIRST_PROBE_HERE = timedelta(milliseconds=200)
LONGEST_PROBE_HERE = timedelta(milliseconds=800)
IN_A_HURRY = WorkerTimes(
    slice=timedelta(seconds=1), first_probe=FIRST_PROBE_HERE, longest_probe=LONGEST_PROBE_HERE
)

CONTACT = {"contact_id": "00000000-0000-4000-8000-000000000001", "action": "created"}
# More than is ever read of an answer, although it would be a good one.
ENDLESS = {"status": 201, "body": CONTACT, "blanks": 3_000_000}
# A date is made when the fault is set.
IN_A_MOMENT = "in a moment"


class Day:
    """An account `acme` with lanes at work, and whoever signs up."""

    def __init__(
        self, runtime: WorkerRuntime, sandbox: SandboxServer, lists: tuple[str, ...]
    ) -> None:
        self.runtime = runtime
        self.sandbox = sandbox
        self.client = runtime.client
        self.ledger: Ledger = runtime.ledger
        self.ids: dict[str, str] = {}
        self._lists = lists

    def sign_up(self, when: str) -> None:
        for number in range(EACH_TIME):
            email = f"{when}-{number}@example.com"
            self.ids[email] = accept(self.ledger, email, lists=self._lists).id

    def signup(self, email: str) -> Signup:
        found = self.ledger.find(self.ids[email], ["acme"])
        assert found is not None
        return found

    def settled(self) -> bool:
        """Whether nothing is due any more; invariant 2 must hold whenever somebody looks."""
        figures = self.ledger.figures("acme")
        ended = figures.delivered + figures.dead + figures.discarded + figures.quarantined
        assert figures.accepted == figures.due + ended == len(self.ids)
        return figures.due == 0

    def settled_without_a_hold(self) -> bool:
        return self.settled() and not self.holds()

    def holds(self) -> list[str]:
        return [str(hold.reason) for hold in self.ledger.figures("acme").holds]

    def met_the_fault(self, times: int) -> bool:
        self.settled()
        return int(self.sandbox.stats(deliveries=False)["faults_used"]) >= times

    def causes(self) -> str:
        """Return all that the sign-ups' histories tell of their failures."""
        events = [event for email in self.ids for event in self._history(email)]
        return "\n".join(
            f"HTTP {event.get('status')}: {event.get('message')}"
            for event in events
            if event.get("message") or event.get("status") not in (200, 201)
        )

    def _history(self, email: str) -> list[dict[str, Any]]:
        return self.ledger.history(self.signup(email))

    def times_arrived(self) -> dict[str, int]:
        """Return how often each sign-up reached the account, by the sandbox's book."""
        deliveries = self.sandbox.stats()["deliveries"]
        assert deliveries.keys() <= self.ids.keys()
        return {email: len(deliveries.get(email, [])) for email in self.ids}

    def let_the_waiting_pass(self) -> None:
        """Go on as if all that was put off were due by now: retries, probes and the rest of the
        key. Nothing may be under way, and while the key rests nothing begins."""
        eventually(lambda: not self.any_under_way(), what="the end of what was under way")
        waiting = keys.account("acme") + "due:retry"
        for id in self.client.zrange(waiting, 0, -1):
            self.client.zadd(waiting, {str(id): 1}, xx=True)
        self.ledger.release("acme")
        self.client.hdel(keys.api_key(self.sandbox.client_id) + "pace", "rest_until")

    def any_under_way(self) -> bool:
        return any(self.signup(email).state == State.DELIVERING for email in self.ids)


@contextmanager
def working(runtime: WorkerRuntime) -> Iterator[None]:
    """Run lanes all the time, as workers that are woken again and again."""

    def work() -> None:
        while not runtime.stopping.is_set():
            runtime.lanes.run("acme")
            runtime.stopping.wait(0.02)

    with ThreadPoolExecutor(LANES) as threads:
        lanes: list[Future[None]] = [threads.submit(work) for _ in range(LANES)]
        try:
            yield
        finally:
            runtime.stopping.set()
            for lane in lanes:
                lane.result(timeout=30)


@pytest.fixture
def bad_day_settings(
    connected: CommandLine, live_settings: Settings, sandbox: SandboxServer
) -> Settings:
    """Everything as in production, only that nothing waits for long."""
    return replace(
        live_settings,
        public_url="https://signup.example.com",
        instance="https://signup.example.com",
        lease=timedelta(seconds=30),
        send_deadline=timedelta(seconds=3),
        retry_base=timedelta(milliseconds=100),
        max_attempts=50,
    )


@pytest.fixture
def day(
    bad_day_settings: Settings,
    connected: CommandLine,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Day]:
    monkeypatch.setattr("shared.ledger.limits.FIRST_OUTAGE_PROBE", FIRST_PROBE_HERE)
    monkeypatch.setattr("shared.ledger.limits.LONGEST_OUTAGE_PROBE", LONGEST_PROBE_HERE)
    runtime = WorkerRuntime("relay-1@here", bad_day_settings, Silent(), times=IN_A_HURRY)
    lists = [each["id"] for each in connected("lists", "acme", "--json").json]
    try:
        with working(runtime):
            yield Day(runtime, sandbox, (lists[0],))
    finally:
        runtime.connections.close()
        sandbox.clear()


class Elsewhere:
    """A server that is not Constant Contact; nobody should ever ask it anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def handle(self) -> None:
                asked.append("somebody came")

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v3/contacts/sign_up_form"

    def __enter__(self) -> "Elsewhere":
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        yield server


def go_through(day: Day, fault: dict[str, Any], *, met: int, cause: str = "") -> None:
    """Have sign-ups come before, during and after the fault, which is met so often and is noted
    as `cause`; until nothing is due any more."""
    day.sign_up("before")
    eventually(day.settled, what="delivery before the fault")
    day.sandbox.control(**fault)
    day.sign_up("during")
    eventually(lambda: day.met_the_fault(met), what="meeting the fault")
    eventually(lambda: cause in day.causes(), what=f"the cause {cause!r}")
    day.sandbox.clear()
    day.sign_up("after")
    eventually(day.settled_without_a_hold, what="delivery after the fault")


FAILURES: list[Any] = [
    pytest.param({"hang_seconds": 60}, "no answer within 3 s", id="headers never come"),
    pytest.param(
        {"status": 503, "drip_seconds": 60}, "no answer within 3 s", id="a body that drips"
    ),
    pytest.param({"reset": True}, "broke", id="a reset"),
    pytest.param({"status": 201, "body": CONTACT, "truncated": True}, "broke", id="cut short"),
    pytest.param({"html": True}, "HTTP 502", id="HTML"),
    pytest.param({"html": True, "status": 200}, "no contact_id", id="HTML that looks well"),
    pytest.param({"empty": True}, "no contact_id", id="empty"),
    pytest.param({"empty": True, "status": 204}, "no contact_id", id="no content"),
    pytest.param({"body": [CONTACT]}, "no contact_id", id="JSON of another shape"),
    pytest.param(
        {"html": '{"contact_id": "c', "status": 201, "content_type": "application/json"},
        "no contact_id",
        id="JSON that breaks off",
    ),
    pytest.param(ENDLESS, "AnswerTooLong", id="huge"),
    *(pytest.param({"status": code}, f"HTTP {code}", id=str(code)) for code in (500, 599)),
    pytest.param({"status": 408}, "HTTP 408", id="the request took too long"),
    pytest.param({"status": 409}, "HTTP 409", id="another write to the contact"),
    pytest.param({"retry_after": 1}, "HTTP 503", id="unavailable for a second"),
    pytest.param({"retry_after": "soon"}, "HTTP 503", id="unavailable until soon"),
]


@pytest.mark.parametrize(("fault", "cause"), FAILURES)
def test_a_failing_api_costs_attempts_and_no_signup(
    day: Day, fault: dict[str, Any], cause: str
) -> None:
    go_through(day, {"path": SIGN_UP, **fault}, met=4, cause=cause)
    assert set(day.times_arrived().values()) == {1}
    assert day.ledger.figures("acme").dead == 0


def test_a_slow_api_is_waited_for_and_fails_nothing(day: Day) -> None:
    go_through(day, {"path": SIGN_UP, "latency_ms": 200}, met=4)
    assert set(day.times_arrived().values()) == {1}
    assert day.causes() == ""


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="500"),
        pytest.param({"hang_seconds": 60}, id="a connection that hangs"),
        pytest.param({"reset": True}, id="a reset"),
        pytest.param({"status": 201, "body": CONTACT, "truncated": True}, id="cut short"),
        pytest.param(ENDLESS, id="huge"),
    ],
)
def test_every_lost_answer_sends_its_signup_once_more_and_no_other(
    day: Day, fault: dict[str, Any]
) -> None:
    go_through(day, {"path": SIGN_UP, "lost_answer": True, "count": 3, **fault}, met=3)
    arrived = day.times_arrived()
    assert min(arrived.values()) == 1
    assert sum(arrived.values()) == len(arrived) + 3
    assert day.ledger.figures("acme").dead == 0


def test_a_good_answer_of_another_content_type_is_an_answer(day: Day) -> None:
    fault = {"lost_answer": True, "status": 201, "body": CONTACT, "content_type": "text/plain"}
    go_through(day, {"path": SIGN_UP, **fault}, met=EACH_TIME)
    assert set(day.times_arrived().values()) == {1}


@pytest.mark.parametrize("status", [301, 302, 308])
def test_no_redirect_is_followed(day: Day, elsewhere: Elsewhere, status: int) -> None:
    go_through(day, {"redirect": elsewhere.url, "status": status}, met=4, cause=f"HTTP {status}")
    assert elsewhere.asked == []
    assert set(day.times_arrived().values()) == {1}


def test_a_redirecting_token_endpoint_is_not_followed_either(
    day: Day, elsewhere: Elsewhere
) -> None:
    day.sandbox.control(revoke="access")
    go_on = {"grant_type": "refresh_token", "redirect": elsewhere.url}
    day.sandbox.control(**go_on, count=2)
    day.sign_up("during")
    eventually(lambda: day.met_the_fault(1), what="meeting the fault")
    day.sandbox.clear()
    eventually(day.settled_without_a_hold, what="delivery with a new token")
    assert elsewhere.asked == []
    assert set(day.times_arrived().values()) == {1}


@pytest.mark.parametrize(
    "retry_after", [None, 1, IN_A_MOMENT, "soon", -5, "Sun, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_storm_of_throttling_costs_no_attempt(day: Day, retry_after: object) -> None:
    if retry_after == IN_A_MOMENT:
        retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    fault = {"throttle_storm": True} | ({"retry_after": retry_after} if retry_after else {})
    go_through(day, {"path": SIGN_UP, **fault}, met=2)
    assert set(day.times_arrived().values()) == {1}
    assert {day.signup(email).attempts for email in day.ids} == {1}


@pytest.mark.parametrize("fault", [{"throttle_storm": True}, {"status": 503}])
@pytest.mark.parametrize("retry_after", [10**30, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_is_put_off_for_longer_than_an_hour(
    day: Day, fault: dict[str, Any], retry_after: object
) -> None:
    day.sandbox.control(path=SIGN_UP, retry_after=retry_after, **fault)
    day.sign_up("during")
    resting = keys.api_key(day.sandbox.client_id) + "pace"
    eventually(lambda: day.client.hexists(resting, "rest_until"), what="resting")

    until = float(day.client.hget(resting, "rest_until") or 0) / 1_000_000
    assert 3500 < until - day.client.time()[0] <= 3601
    day.sandbox.clear()
    day.let_the_waiting_pass()
    eventually(day.settled, what="delivery")
    assert set(day.times_arrived().values()) == {1}


@pytest.mark.parametrize("retry_after", [None, 1, "soon"])
def test_a_spent_quota_waits_for_its_probe_and_costs_no_attempt(
    day: Day, retry_after: object
) -> None:
    fault = {"quota_exceeded": True} | ({"retry_after": retry_after} if retry_after else {})
    day.sandbox.control(path=SIGN_UP, **fault)
    day.sign_up("during")
    eventually(lambda: day.holds() == ["quota"], what="the hold")
    assert day.met_the_fault(1)
    assert len(day.causes().splitlines()) <= LANES  # nobody asks while the key is on hold

    day.sandbox.clear()
    day.ledger.release("acme")

    eventually(day.settled_without_a_hold, what="delivery after the probe")
    assert set(day.times_arrived().values()) == {1}
    assert {day.signup(email).attempts for email in day.ids} == {1}


@pytest.mark.parametrize("status", [400, 404])
def test_what_a_deleted_list_killed_can_be_sent_when_it_is_back(
    day: Day, connected: CommandLine, status: int
) -> None:
    day.sign_up("before")
    eventually(day.settled, what="delivery before")
    day.sandbox.control(unknown_list_status=status, delete_list=day._lists[0])
    day.sign_up("during")
    eventually(day.settled, what="the refusals")
    assert day.holds() == []
    dead = {each["email"]: each for each in connected("failed", "list", "--json").json}
    assert dead.keys() == {email for email in day.ids if email.startswith("during")}
    assert {each["reason"] for each in dead.values()} == {"rejected"}
    assert all(f"HTTP {status}" in each["message"] for each in dead.values())

    day.sandbox.control(lists=5)  # none of them deleted
    typo = "during-0@example.com"
    corrected = "corrected@example.com"
    assert connected("failed", "edit", dead[typo]["id"], "--set", f"email={corrected}").status == 0
    day.ids[corrected] = day.ids.pop(typo)
    assert connected("failed", "retry", "--account", "acme", "--json").status == 0

    eventually(day.settled, what="delivery of what was dead")
    assert set(day.times_arrived().values()) == {1}
    assert day.ledger.figures("acme").dead == 0


def test_a_privilege_that_was_taken_away_holds_the_account_until_it_is_back(day: Day) -> None:
    day.sign_up("before")
    eventually(day.settled, what="delivery before")
    day.sandbox.control(privileges={"remove": ["contacts:write"]})
    day.sign_up("during")
    eventually(lambda: day.holds() == ["forbidden"], what="the hold")

    day.sandbox.control(privileges="restore")
    day.sign_up("after")

    eventually(day.settled_without_a_hold, what="delivery after a probe")
    assert set(day.times_arrived().values()) == {1}
    assert {day.signup(email).attempts for email in day.ids} == {1}


@pytest.mark.parametrize("minutes", [-20, 20])
def test_an_api_whose_clock_is_off_gets_everything_and_issues_tokens_that_last(
    day: Day, minutes: int
) -> None:
    day.sign_up("before")
    eventually(day.settled, what="delivery before")
    day.sandbox.control(clock_offset_seconds=60 * minutes)
    day.sandbox.control(revoke="access")
    before = day.sandbox.stats()["refreshes"]
    day.sign_up("during")
    eventually(day.settled_without_a_hold, what="delivery")
    assert day.sandbox.stats()["refreshes"] == before + 1
    day.sign_up("after")
    eventually(day.settled_without_a_hold, what="delivery with the same token")
    assert day.sandbox.stats()["refreshes"] == before + 1
    assert set(day.times_arrived().values()) == {1}
    assert day.causes().count("HTTP 401") <= LANES


def test_a_date_far_off_moves_no_deadline(day: Day) -> None:
    """An API whose clock is a quarter of an hour behind puts off until a time of its own."""
    day.sandbox.control(clock_offset_seconds=-900)
    until = format_datetime(datetime.now(UTC) - timedelta(seconds=898), usegmt=True)
    go_through(day, {"path": SIGN_UP, "throttle_storm": True, "retry_after": until}, met=2)
    assert set(day.times_arrived().values()) == {1}
