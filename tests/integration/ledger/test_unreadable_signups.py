"""A sign-up whose record nobody can read holds up no other one, and is accounted for."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis

from shared.infrastructure.stored_records import RecordKind, Unreadable, collecting
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.records import FIELDS
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.values import Claim, NothingDue, OnHold
from tests.support import builders
from tests.support.builders import accept, attempt, bury, claim, claimed
from tests.support.garbage import GARBAGE
from tests.support.retention import retention

PREFIX = keys.account("acme")
WHOLE_BUT_WRONG = {
    "a state that nobody knows": b'["lost","news","p",1]\n{}\n[]',
    "no person": b'["queued","news","",1]\n{}\n[]',
    "no time": b'["queued","news","p","soon"]\n{}\n[]',
    "texts for counts": b'["queued","news","p",1,"c","fresh",[]]\n{}\n[]',
    "one line": b'["queued","news","p",1,"c","fresh"]',
}
BROKEN = pytest.mark.parametrize(
    "garbage", [pytest.param(each, id=name) for name, each in (GARBAGE | WHOLE_BUT_WRONG).items()]
)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    Registry(redis_client).save_account(builders.account("acme"))
    return Ledger(redis_client)


@pytest.fixture(autouse=True)
def accounted_for(ledger: Ledger) -> Iterator[None]:
    """Invariant 2 (docs/invariants.md), by the counts and by the indexes."""
    yield
    figures = ledger.figures("acme")
    ended = figures.delivered + figures.dead + figures.discarded + figures.quarantined
    assert figures.accepted == figures.due + ended
    client = ledger._client
    assert client.zcard(f"{PREFIX}dead") == figures.dead


def spoil(ledger: Ledger, id: str, garbage: bytes = b"?") -> None:
    ledger._client.set(f"{PREFIX}signup:{id}", garbage)


def deliver_all(ledger: Ledger) -> list[str]:
    """Deliver all that is due; return the ids."""
    ids: list[str] = []
    while not isinstance(found := claim(ledger), NothingDue):
        if isinstance(found, Claim):
            ledger.deliver(found, attempt(), contact_id="c", action="created")
            ids.append(found.id)
    return ids


@BROKEN
def test_others_are_sent_and_it_is_a_dead_letter(ledger: Ledger, garbage: bytes) -> None:
    broken, other = accept(ledger, "a@example.com").id, accept(ledger, "b@example.com").id
    spoil(ledger, broken, garbage)
    assert deliver_all(ledger) == [other]
    assert (ledger.figures("acme").dead, ledger.figures("acme").due) == (1, 0)
    assert ledger.unreadable.find([broken, other], ["acme"]) == [("acme", broken)]
    assert ledger._client.strlen(f"{PREFIX}signup:{broken}") == len(garbage)  # it stays as it is


@pytest.mark.parametrize("lost", ["gone", "of another type"])
def test_one_whose_record_is_gone_holds_up_nobody_either(ledger: Ledger, lost: str) -> None:
    broken, other = accept(ledger, "a@example.com").id, accept(ledger, "b@example.com").id
    ledger._client.delete(f"{PREFIX}signup:{broken}")
    if lost == "of another type":
        ledger._client.lpush(f"{PREFIX}signup:{broken}", "x")
    assert deliver_all(ledger) == [other]
    assert ledger.figures("acme").dead == 1


@BROKEN
def test_what_is_sent_may_be_unreadable_alone(ledger: Ledger, garbage: bytes) -> None:
    """The steps do not read the second line, so it is found once a worker has claimed it."""
    broken, other = accept(ledger, "a@example.com").id, accept(ledger, "b@example.com").id
    first, _, consent = _lines(ledger, broken)
    sent = garbage.replace(b"\n", b" ")
    spoil(ledger, broken, b"\n".join([first, sent, consent]))
    assert deliver_all(ledger) == [other]
    assert ledger.unreadable.find([broken], ["acme"]) == [("acme", broken)]


def _lines(ledger: Ledger, id: str) -> list[bytes]:
    return str(ledger._client.get(f"{PREFIX}signup:{id}")).encode().split(b"\n")


# --- others of the same person


def test_a_later_signup_of_the_person_is_sent_at_once(ledger: Ledger) -> None:
    spoil(ledger, accept(ledger).id)
    assert deliver_all(ledger) == []
    later = accept(ledger).id
    assert deliver_all(ledger) == [later]


def test_a_signup_that_comes_before_it_was_found_is_sent_too(ledger: Ledger) -> None:
    spoil(ledger, accept(ledger).id)
    later = accept(ledger).id
    assert deliver_all(ledger) == [later]


def test_those_that_waited_behind_it_are_sent_once_the_line_is_found(ledger: Ledger) -> None:
    first, second, third = (accept(ledger).id for _ in range(3))
    others = [accept(ledger, f"{n}@example.com").id for n in range(3)]
    spoil(ledger, first)
    spoil(ledger, second)
    assert sorted(deliver_all(ledger)) == sorted(others)
    # The second is found with the line of the first.
    assert list(ledger.unreadable.accounts(["acme", "blue"])) == ["acme"]
    assert ledger.unreadable.mend_lines("acme") == 1
    assert deliver_all(ledger) == [third]
    ledger.unreadable.mend_lines("acme")
    assert ledger.unreadable.mend_lines("acme") == 0
    assert ledger.figures("acme").dead == 2


def test_the_one_before_it_can_be_settled(ledger: Ledger) -> None:
    first, second, third = (accept(ledger).id for _ in range(3))
    spoil(ledger, second)
    assert deliver_all(ledger) == [first, third]


def test_a_quarantined_one_can_be_delivered_behind_it(ledger: Ledger) -> None:
    caught = accept(ledger, quarantine="honeypot").id
    spoil(ledger, accept(ledger).id)
    found = ledger.find(caught, ["acme"])
    assert found is not None
    assert ledger.deliver_anyway(found)
    assert deliver_all(ledger) == [caught]


# --- what operators and time do with it


def test_it_can_be_discarded_once(ledger: Ledger) -> None:
    broken = accept(ledger).id
    spoil(ledger, broken)
    deliver_all(ledger)
    assert ledger.discard("acme", broken)
    assert not ledger.discard("acme", broken)
    later = accept(ledger).id  # the line still has it
    assert deliver_all(ledger) == [later]
    assert (ledger.figures("acme").dead, ledger.figures("acme").discarded) == (0, 1)


def _delivered(ledger: Ledger) -> str:
    id = accept(ledger).id
    assert deliver_all(ledger) == [id]
    return id


def _being_sent(ledger: Ledger) -> str:
    accept(ledger)
    return claimed(ledger).id


def _found(ledger: Ledger) -> str:
    id = accept(ledger).id
    spoil(ledger, id)
    deliver_all(ledger)
    return id


STATES: dict[str, Callable[[Ledger], str]] = {
    "due": lambda ledger: accept(ledger).id,
    "being sent": _being_sent,
    "dead": bury,
    "quarantined": lambda ledger: accept(ledger, quarantine="honeypot").id,
    "delivered": _delivered,
    "found to be unreadable": _found,
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in STATES.items()])
def test_erasing_a_person_erases_it_whatever_its_state(
    ledger: Ledger, make: Callable[[Ledger], str]
) -> None:
    broken, person = make(ledger), "person-ada@example.com"
    spoil(ledger, broken)
    later = accept(ledger).id
    people = People(ledger._client)
    assert people.erase("acme", broken, person) == "erased"
    assert people.erase("acme", broken, person) == "gone"
    for key in ledger._client.scan_iter(f"{PREFIX}*"):
        if ledger._client.type(key) == "zset":
            assert ledger._client.zscore(key, broken) is None, key
    assert not ledger._client.exists(f"{PREFIX}signup:{broken}")
    assert deliver_all(ledger) == [later]


@pytest.mark.parametrize("state", ["delivered", "dead", "quarantined"])
def test_it_is_cleared_in_its_time_and_others_with_it(ledger: Ledger, state: str) -> None:
    broken, other = STATES[state](ledger), STATES[state](ledger)
    spoil(ledger, broken)
    client = ledger._client
    client.hset(keys.RETENTION, state, "1")
    for id in (broken, other):
        client.zadd(f"{PREFIX}{state}", {id: 1})
    keeping = RecordKeeping(client, retention(**{state: timedelta(days=1)}))
    assert keeping.clear("acme", state) == 2
    assert not client.exists(f"{PREFIX}signup:{broken}")
    assert client.zcard(f"{PREFIX}cleared") == 1
    client.delete(f"{PREFIX}totals")  # which count cleared dead letters, too


@pytest.mark.parametrize("state", ["dead", "quarantined"])
def test_lists_show_the_others_and_name_it(ledger: Ledger, state: str) -> None:
    broken, other = STATES[state](ledger), STATES[state](ledger)
    spoil(ledger, broken)
    read = ledger.dead_letters if state == "dead" else ledger.quarantined
    with collecting() as unreadable:
        assert [each.id for each in read("acme")] == [other]
    assert unreadable == {Unreadable(RecordKind.SIGNUP, broken)}


def test_one_unreadable_event_leaves_the_rest_of_the_history(ledger: Ledger) -> None:
    id = bury(ledger)
    ledger._client.append(f"{PREFIX}signup:{id}", "\n{}\n[1,2]\n?")
    found = ledger.find(id, ["acme"])
    assert found is not None
    with collecting() as unreadable:
        assert [event["status"] for event in ledger.history(found)] == [400, None]
    assert {each.name for each in unreadable} == {f"{id}: 2", f"{id}: 4"}


# --- what is counted, and held


def test_a_count_that_is_no_number_stops_nothing(ledger: Ledger) -> None:
    ledger._client.hset(f"{PREFIX}totals", "accepted", "many")
    with collecting() as unreadable:
        assert deliver_all(ledger) == []
        id = accept(ledger).id
        assert deliver_all(ledger) == [id]
        assert ledger.figures("acme").delivered == 1
    assert unreadable == {Unreadable(RecordKind.TOTALS, "acme: accepted")}
    ledger._client.hset(f"{PREFIX}totals", "accepted", 1)


@BROKEN
def test_a_hold_that_nobody_can_read_holds_until_it_is_released(
    ledger: Ledger, garbage: bytes
) -> None:
    id = accept(ledger).id
    ledger._client.hset(f"{PREFIX}holds", "paused", garbage)
    assert isinstance(claim(ledger), OnHold)
    (hold,) = ledger.figures("acme").holds
    assert (hold.reason, hold.note) == ("paused", "its record cannot be read")
    with collecting() as unreadable:
        assert ledger.holds("acme") == ()
    assert unreadable == {Unreadable(RecordKind.HOLD, "acme: paused")}
    assert ledger.release("acme") == ["paused"]
    assert deliver_all(ledger) == [id]


def test_a_hold_for_a_reason_that_nobody_knows_is_a_hold(ledger: Ledger) -> None:
    accept(ledger)
    ledger._client.hset(f"{PREFIX}holds", "whim", '{"since": 1, "probes": 0}')
    assert isinstance(claim(ledger), OnHold)
    assert ledger.figures("acme").holds == ()
    ledger._client.delete(f"{PREFIX}holds")
    deliver_all(ledger)


def lie(ledger: Ledger, id: str, field: str, value: str) -> None:
    """Have the record say something that the indexes do not."""
    record = str(ledger._client.get(f"{PREFIX}signup:{id}"))
    first, rest = record.split("\n", 1)
    values = json.loads(first)
    values[FIELDS.index(field)] = value
    spoil(ledger, id, f"{json.dumps(values)}\n{rest}".encode())


@pytest.mark.parametrize(
    ("field", "value"),
    [("person", "somebody else"), ("state", "delivered"), ("state", "dead"), ("queue", "fast")],
)
def test_a_record_that_contradicts_the_indexes_is_as_good_as_unreadable(
    ledger: Ledger, field: str, value: str
) -> None:
    broken, behind = (accept(ledger).id for _ in range(2))
    other = accept(ledger, "b@example.com").id
    lie(ledger, broken, field, value)
    assert deliver_all(ledger) == [other]
    ledger.unreadable.mend_lines("acme")
    assert deliver_all(ledger) == [behind]
    assert ledger.discard("acme", broken)
    assert not ledger.discard("acme", broken)
