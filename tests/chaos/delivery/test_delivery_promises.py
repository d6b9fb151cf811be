"""What must be seen: sign-ups arrive once, in order and at the allowed pace, come what may."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from shared.infrastructure.settings import Settings
from tests.support.records import all_records
from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
AT_ONCE = 150
# Fast enough for a test, slow enough that requests pile up and are under way when things break.
RAISED_RATE = 100


@pytest.fixture(scope="module")
def with_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What takes long to start, for all tests that need no settings of their own."""
    settings = {"RELAY_WEB_PROCESSES": "1"}
    with Stack(tmp_path_factory.mktemp("promises"), rate=RAISED_RATE, **settings) as stack:
        stack.open()
        yield stack


@pytest.fixture
def stack(with_web: Stack) -> Iterator[Stack]:
    """Web with an account `acme`, for which nobody has signed up. No worker runs."""
    with_web.forget_signups()
    with_web.connect()
    yield with_web
    with_web.kill_workers()


def sign_up_many(stack: Stack, count: int, *, name: str = "person") -> None:
    """Post `count` sign-ups of different people at once; every one must be accepted."""

    def post(number: int) -> int:
        return stack.post(
            email=f"{name}-{number}@example.com", first_name="Jürgen", last_name="Müller-Groß"
        ).status_code

    with ThreadPoolExecutor(20) as visitors:
        codes = list(visitors.map(post, range(count)))
    assert set(codes) == {202}


def deliveries_per_person(stack: Stack) -> list[int]:
    return [len(found) for found in stack.deliveries().values()]


def statuses(stack: Stack) -> set[str]:
    """Every status that the sandbox answered to sign-ups."""
    return set(stack.sandbox.stats()["calls"]["POST /v3/contacts/sign_up_form"])


def test_many_signups_at_once_are_each_delivered_once_at_the_pace(make_stack: MakeStack) -> None:
    rate = 30
    stack = make_stack(rate=rate)
    # Twice the pace, so that requests which come late on a busy machine, several at once, do not
    # decide about a 429. Without any pace they would come far faster still.
    stack.sandbox.control(rates={"requests_per_second": 2 * rate})
    stack.open()
    stack.start("beat")
    stack.start_workers(2)

    began = time.monotonic()
    sign_up_many(stack, AT_ONCE)

    eventually(stack.settled, within=150, what="delivery")
    assert time.monotonic() - began > AT_ONCE / rate - 1
    assert deliveries_per_person(stack) == [1] * AT_ONCE
    payload = stack.deliveries()["person-7@example.com"][0]["payload"]
    assert (payload["first_name"], payload["last_name"]) == ("Jürgen", "Müller-Groß")
    assert statuses(stack) <= {"200", "201"}
    assert stack.sandbox.stats()["throttled"] == 0
    stack.assert_accounted_for()


def test_a_killed_workers_signup_is_delivered_after_its_lease(make_stack: MakeStack) -> None:
    stack = make_stack(rate=RAISED_RATE, RELAY_LEASE_SECONDS="4", RELAY_SEND_DEADLINE_SECONDS="3")
    stack.open()
    (victim,) = stack.start_workers()
    stack.sandbox.control(latency_ms=300)
    sign_up_many(stack, 60)
    eventually(lambda: bool(stack.deliveries()), what="the first delivery")

    stack.kill(victim)
    in_flight = stack.valkey.client().hgetall("relay:{acme}:totals")
    assert int(in_flight["due"]) > 0
    stack.sandbox.clear()
    stack.start_workers(2)

    eventually(stack.settled, within=150, what="delivery")
    counts = deliveries_per_person(stack)
    assert len(counts) == 60  # none is lost
    # Only what was being sent at the kill may have been sent twice.
    assert max(counts) <= 2
    assert counts.count(2) <= 32
    stack.assert_accounted_for()


@pytest.mark.slow
def test_what_a_killed_worker_left_is_found_without_a_message_and_without_a_note_of_it(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(rate=RAISED_RATE, RELAY_LEASE_SECONDS="4", RELAY_SEND_DEADLINE_SECONDS="3")
    stack.open()
    (victim,) = stack.start_workers()
    stack.sandbox.control(latency_ms=300)
    sign_up_many(stack, 20)
    eventually(lambda: bool(stack.deliveries()), what="the first delivery")

    stack.kill(victim)
    with stack.valkey.client() as ledger, stack.valkey.client(1) as broker:
        assert ledger.delete("relay:busy") == 1
        broker.flushdb()
    stack.sandbox.clear()
    stack.start_workers()

    eventually(stack.settled, within=60, what="delivery")
    assert len(deliveries_per_person(stack)) == 20
    stack.assert_accounted_for()


@pytest.mark.slow
def test_invalidated_tokens_cost_one_refresh_and_no_attempt(stack: Stack) -> None:
    stack.start_workers(4)
    stack.sandbox.control(latency_ms=20)
    before = stack.sandbox.stats()["refreshes"]
    sign_up_many(stack, 100, name="early")

    stack.sandbox.control(revoke="access")
    sign_up_many(stack, 200, name="late")

    eventually(stack.settled, within=150, what="delivery")
    stats = stack.sandbox.stats()
    assert stats["refreshes"] - before == 1
    assert stats["spent_refresh_tokens_seen"] == 0
    assert deliveries_per_person(stack) == [1] * 300
    assert stack.account()["dead"] == 0
    attempts = stack.valkey.client()
    records = all_records(attempts, "relay:{acme}:signup:*")
    assert {record["attempts"] for record in records} == {1}


def test_one_persons_twelve_signups_at_once_arrive_in_order(stack: Stack) -> None:
    stack.sandbox.control(latency_ms=60)
    sent = [f"Ada the {number}." for number in range(12)]
    for name in sent:
        assert stack.post(email="ada@example.com", first_name=name).status_code == 202

    stack.start_workers(2)

    eventually(stack.settled, within=150, what="delivery")
    arrived = [entry["payload"]["first_name"] for entry in stack.deliveries()["ada@example.com"]]
    assert arrived == sent
    assert "409" not in statuses(stack)
    assert stack.sandbox.stats()["overlapping_same_email"] == 0


@pytest.mark.slow
def test_a_refused_address_is_a_dead_letter_that_can_be_corrected(stack: Stack) -> None:
    stack.start_workers()
    stack.sandbox.control(refuse_email="typo@example.com")

    stack.post(email="typo@example.com", first_name="Ada")

    eventually(stack.settled, what="the refusal")
    (dead,) = stack.json("failed", "list")
    assert dead["reason"] == "rejected"
    assert dead["error_key"] == "contacts.api.validation.error"
    assert dead["email"] == "typo@example.com"
    assert "400" in dead["message"]
    (event,) = stack.json("failed", "show", dead["id"])["history"]
    assert event["status"] == 400

    stack.relay("failed", "edit", dead["id"], "--set", "email=ada@example.com")
    stack.relay("failed", "retry", dead["id"])

    eventually(stack.settled, what="the corrected delivery")
    assert "ada@example.com" in stack.deliveries()
    assert stack.json("failed", "list") == []
    stack.assert_accounted_for()


def test_a_revoked_connection_holds_the_account_until_it_is_connected_again(stack: Stack) -> None:
    stack.start_workers()
    stack.sandbox.control(revoke="all")

    sign_up_many(stack, 20)

    eventually(lambda: stack.account()["hold"] is not None, what="the hold")
    account = stack.account()
    assert account["hold"]["reason"] == "reconnect"
    assert (account["due"], account["dead"]) == (20, 0)

    stack.connect()

    eventually(stack.settled, what="delivery after connecting again")
    assert deliveries_per_person(stack) == [1] * 20
    assert stack.account()["hold"] is None
    stack.assert_accounted_for()


def test_workers_deliver_with_no_beat_and_no_notification(stack: Stack) -> None:
    sign_up_many(stack, 3)
    with stack.valkey.client(1) as broker:
        broker.flushdb()  # every notification is lost
    stack.start_workers()
    eventually(stack.settled, what="delivery")


@pytest.mark.slow
def test_sigterm_ends_a_worker_soon_and_loses_nothing(stack: Stack) -> None:
    (first,) = stack.start_workers()
    stack.sandbox.control(latency_ms=200)
    sign_up_many(stack, 100)
    eventually(lambda: bool(stack.deliveries()), what="the first delivery")

    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=10) == 0
    stack.sandbox.clear()
    stack.start_workers()

    eventually(stack.settled, within=150, what="delivery")
    assert deliveries_per_person(stack) == [1] * 100


@pytest.mark.slow
def test_redis_away_without_a_spool_is_a_503_within_a_second_and_no_restart_is_needed(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(rate=RAISED_RATE, RELAY_SPOOL_BYTES="0")
    start_all(stack)

    stack.valkey.freeze()
    for _ in range(3):  # the first one finds out, the others are told at once
        assert_unavailable(stack.post(email="during@example.com"))
    stack.valkey.thaw()
    assert_all_goes_on(stack, "thawed@example.com")

    stack.valkey.kill()
    assert_unavailable(stack.post(email="during@example.com"))
    ready = requests.get(f"{stack.url}/readyz", timeout=10)
    assert (ready.status_code, ready.json().get("spooling")) == (503, None)
    page = requests.post(f"{stack.url}/f/news", data={"email": "kept@example.com"}, timeout=10)
    assert (page.status_code, "kept@example.com" in page.text) == (503, True)
    assert requests.get(f"{stack.url}/f/news", timeout=10).status_code == 200
    assert not Settings.from_env(stack.environ).spool_folder.exists()
    stack.valkey.start()
    assert_all_goes_on(stack, "restarted@example.com")


def start_all(stack: Stack) -> None:
    """Start every process, with one sign-up on its way."""
    stack.open()
    stack.start("beat")
    stack.start_workers()
    assert stack.post(email="before@example.com").status_code == 202


def assert_all_goes_on(stack: Stack, email: str) -> None:
    """The same processes accept and deliver again, what came before included."""
    eventually(lambda: stack.post(email=email).status_code == 202, what="accepting again")
    everyone = {email, "before@example.com"}
    eventually(lambda: everyone <= set(stack.deliveries()), within=150, what="delivery")
    eventually(stack.settled, within=150, what="settling")
    stack.assert_accounted_for()


def assert_unavailable(answer: requests.Response) -> None:
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 1
    assert int(answer.headers["Retry-After"]) >= 1
