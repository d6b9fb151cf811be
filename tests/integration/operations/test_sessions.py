"""Sessions of operators: when they end, how many there are, and what is stored of them."""

import json
from datetime import datetime, timedelta

import pytest
import redis

from shared.ledger import keys
from shared.operations.operators import Operator, Operators, Role
from shared.operations.sessions import IDLE, LONGEST, MOST_SESSIONS, Sessions, Visit
from tests.support.hand_set_clock import HandSetTime

HOME = Visit(address="192.0.2.1", browser="Firefox")
OFFICE = Visit(address="198.51.100.7", browser="Chrome")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> HandSetTime:
    return HandSetTime()


@pytest.fixture
def sessions(redis_client: "redis.Redis", clock: HandSetTime) -> Sessions:
    return Sessions(redis_client, now=clock)


@pytest.fixture
def ada(redis_client: "redis.Redis") -> Operator:
    return Operators(redis_client).add("ada", Role.VIEWER, "a password for tests").operator


def browsers(sessions: Sessions, operator: Operator) -> list[str]:
    return [each.browser for each in sessions.all(operator).values()]


def goes_on(sessions: Sessions, id: str, now: datetime) -> bool:
    operator, session = sessions.find("ada", id)
    return bool(operator and session and not session.has_ended(operator.epoch, now))


def test_a_session_is_found_by_its_id_alone(sessions: Sessions, ada: Operator) -> None:
    sessions.begin(ada, "id-1", HOME)
    operator, session = sessions.find("ada", "id-1")
    assert operator == ada
    assert session
    assert (session.address, session.browser) == ("192.0.2.1", "Firefox")
    assert sessions.find("ada", "id-2") == (ada, None)
    assert sessions.find("bob", "id-1") == (None, None)


def test_the_id_itself_is_not_stored(
    sessions: Sessions, ada: Operator, redis_client: "redis.Redis"
) -> None:
    sessions.begin(ada, "the-random-id", HOME)
    assert "the-random-id" not in str(redis_client.hgetall(f"{keys.SESSIONS}ada"))


def test_it_ends_after_an_idle_time_and_goes_on_with_use(
    sessions: Sessions, ada: Operator, clock: HandSetTime
) -> None:
    sessions.begin(ada, "used", HOME)
    sessions.begin(ada, "idle", OFFICE)
    clock.at += IDLE - MINUTE
    sessions.note_use(ada, "used", HOME)
    assert goes_on(sessions, "idle", clock.at)
    clock.at += MINUTE
    assert not goes_on(sessions, "idle", clock.at)
    assert goes_on(sessions, "used", clock.at)
    assert browsers(sessions, ada) == ["Firefox"]


def test_it_ends_at_last_however_much_it_is_used(
    sessions: Sessions, ada: Operator, clock: HandSetTime
) -> None:
    sessions.begin(ada, "id-1", HOME)
    began = clock.at
    while clock.at - began < LONGEST - IDLE:
        clock.at += IDLE - MINUTE
        sessions.note_use(ada, "id-1", HOME)
    assert goes_on(sessions, "id-1", began + LONGEST - MINUTE)
    assert not goes_on(sessions, "id-1", began + LONGEST)


def test_its_use_is_noted_with_place_and_browser(
    sessions: Sessions, ada: Operator, clock: HandSetTime
) -> None:
    sessions.begin(ada, "id-1", HOME)
    clock.at += MINUTE
    sessions.note_use(ada, "id-1", OFFICE)
    [session] = sessions.all(ada).values()
    assert (session.address, session.browser) == (OFFICE.address, OFFICE.browser)
    assert session.seen_at - session.begun_at == MINUTE


def test_a_late_note_brings_no_ended_session_back(sessions: Sessions, ada: Operator) -> None:
    sessions.begin(ada, "id-1", HOME)
    sessions.end("ada", "id-1")
    sessions.note_use(ada, "id-1", HOME)
    assert sessions.find("ada", "id-1") == (ada, None)


def test_all_others_end_and_nobody_elses(
    sessions: Sessions, ada: Operator, redis_client: "redis.Redis"
) -> None:
    bob = Operators(redis_client).add("bob", Role.ADMIN, "a password for tests").operator
    for id in ("id-1", "id-2", "id-3"):
        sessions.begin(ada, id, HOME)
    sessions.begin(bob, "id-4", OFFICE)
    assert sessions.end_others("ada", "id-2") == 2
    assert sessions.end_others("ada", "id-2") == 0
    assert [bool(sessions.find("ada", f"id-{n}")[1]) for n in (1, 2, 3)] == [False, True, False]
    assert browsers(sessions, bob) == ["Chrome"]


@pytest.mark.parametrize("change", ["password", "role"])
def test_a_new_password_or_role_ends_all(
    sessions: Sessions, ada: Operator, redis_client: "redis.Redis", change: str
) -> None:
    operators = Operators(redis_client)
    operators.add("root", Role.ADMIN)
    sessions.begin(ada, "id-1", HOME)
    if change == "password":
        operators.set_password("ada")
    else:
        operators.set_role("ada", Role.OPERATOR)
    changed = operators.find("ada")
    assert changed
    assert browsers(sessions, changed) == []


def test_an_operator_has_so_many_and_the_last_used_stay(
    sessions: Sessions, ada: Operator, clock: HandSetTime, redis_client: "redis.Redis"
) -> None:
    for number in range(MOST_SESSIONS):
        sessions.begin(ada, f"id-{number}", HOME)
        clock.at += MINUTE
    sessions.note_use(ada, "id-0", HOME)
    sessions.begin(ada, "one more", HOME)
    assert redis_client.hlen(f"{keys.SESSIONS}ada") == MOST_SESSIONS
    assert sessions.find("ada", "id-0")[1]
    assert sessions.find("ada", "id-1")[1] is None


def test_what_ended_is_removed_with_the_next_and_all_expires(
    sessions: Sessions, ada: Operator, clock: HandSetTime, redis_client: "redis.Redis"
) -> None:
    sessions.begin(ada, "id-1", HOME)
    clock.at += IDLE
    sessions.begin(ada, "id-2", OFFICE)
    stored = redis_client.hgetall(f"{keys.SESSIONS}ada")
    assert [json.loads(each)["browser"] for each in stored.values()] == ["Chrome"]
    seconds = int(redis_client.ttl(f"{keys.SESSIONS}ada"))
    assert timedelta() < timedelta(seconds=seconds) <= LONGEST


@pytest.mark.parametrize("broken", ["no JSON", "[]", "{}", '{"begun_at": "today"}'])
def test_a_record_that_cannot_be_read_takes_no_others_with_it(
    sessions: Sessions, ada: Operator, redis_client: "redis.Redis", broken: str
) -> None:
    sessions.begin(ada, "id-1", HOME)
    [digest] = redis_client.hkeys(f"{keys.SESSIONS}ada")
    sessions.begin(ada, "id-2", OFFICE)
    redis_client.hset(f"{keys.SESSIONS}ada", digest, broken)
    assert sessions.find("ada", "id-1") == (ada, None)
    sessions.note_use(ada, "id-1", HOME)
    assert browsers(sessions, ada) == ["Chrome"]
    sessions.begin(ada, "id-3", HOME)
    assert sorted(browsers(sessions, ada)) == ["Chrome", "Firefox"]
    assert redis_client.hlen(f"{keys.SESSIONS}ada") == 2


# --- what began while Redis took no writes


@pytest.mark.parametrize("ended_by", ["end", "end_others"])
def test_a_session_that_ended_is_not_stored_again_for_an_hour_and_then_forgotten(
    sessions: Sessions,
    ada: Operator,
    clock: HandSetTime,
    redis_client: "redis.Redis",
    ended_by: str,
) -> None:
    begun = clock.at - MINUTE
    assert sessions.begin(ada, "late", HOME, begun)
    assert sessions.begin(ada, "late", HOME, begun)  # two pages at once
    if ended_by == "end":
        sessions.end("ada", "late")
    else:
        assert sessions.end_others("ada", "mine") == 1
        assert sessions.end_others("ada", "mine") == 0
    clock.at += 57 * MINUTE
    assert sessions.begin(ada, "late", HOME, begun) is False
    assert sessions.begin(ada, "mine", OFFICE)
    assert browsers(sessions, ada) == ["Chrome"]
    assert not goes_on(sessions, "late", clock.at)
    clock.at += 5 * MINUTE
    assert sessions.begin(ada, "another", OFFICE)
    assert redis_client.hlen(f"{keys.SESSIONS}ada") == 2


def test_one_without_room_is_not_stored_again(
    sessions: Sessions, ada: Operator, clock: HandSetTime
) -> None:
    begun = clock.at
    sessions.begin(ada, "late", HOME, begun)
    for number in range(MOST_SESSIONS):
        clock.at += timedelta(seconds=1)
        sessions.begin(ada, str(number), OFFICE)
    assert sessions.begin(ada, "late", HOME, begun) is False


def test_a_usual_session_leaves_nothing(
    sessions: Sessions, ada: Operator, redis_client: "redis.Redis"
) -> None:
    sessions.begin(ada, "usual", HOME)
    assert "late" not in redis_client.hvals(f"{keys.SESSIONS}ada")[0]
    sessions.end("ada", "usual")
    assert redis_client.hlen(f"{keys.SESSIONS}ada") == 0
