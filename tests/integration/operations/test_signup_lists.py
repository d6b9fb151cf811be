"""Lists of sign-ups: the last received first, page by page, whatever happens meanwhile."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.errors import WrongFilter
from shared.domain.signup import DeathReason, Signup, State
from shared.infrastructure.settings import Settings
from shared.infrastructure.stored_records import collecting
from shared.ledger import keys, limits, signup_index
from shared.ledger.format import open_ledger
from shared.ledger.ledger import Ledger
from shared.ledger.records import read_signup
from shared.ledger.stores.registry import Registry
from shared.operations import signup_lists
from shared.operations.factory import make_operations
from shared.operations.operations import Operations
from shared.operations.signup_lists import DUE, SignupFilter, SignupLists
from tests.support import builders
from tests.support.builders import accept, attempt, bury_claim, claimed

ALL = SignupFilter()


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    open_ledger(redis_client)
    for name in ("acme", "blue"):
        Registry(redis_client).save_account(builders.account(name))
    Registry(redis_client).save_form(builders.form("news"))
    return Ledger(redis_client)


@pytest.fixture
def operations(settings: Settings, redis_client: "redis.Redis", ledger: Ledger) -> Operations:
    return make_operations(settings, redis_client, lambda _: None)


@pytest.fixture
def lists(operations: Operations) -> SignupLists:
    return operations.lists


def of(*states: State, **chosen: Any) -> SignupFilter:
    return SignupFilter(states=frozenset(states), **chosen)


def ids(lists: SignupLists, chosen: SignupFilter, limit: int = 100) -> list[str]:
    """Return the ids on all pages."""
    return [signup.id for page in pages(lists, chosen, limit) for signup in page]


def pages(
    lists: SignupLists,
    chosen: SignupFilter,
    limit: int,
    between: Callable[[], object] = lambda: None,
) -> list[list[Signup]]:
    found, cursor = [], None
    while True:
        page = lists.page(chosen, cursor=cursor, limit=limit)
        found.append(page.signups)
        if page.next is None:
            return found
        cursor = page.next
        between()


def deliver(ledger: Ledger, account: str = "acme") -> str:
    claim = claimed(ledger, account=account)
    ledger.deliver(claim, attempt(), contact_id="c", action="created")
    return claim.id


def bury(ledger: Ledger, account: str = "acme", **why: Any) -> str:
    claim = claimed(ledger, account=account)
    bury_claim(ledger, claim, **why)
    return claim.id


def retry(ledger: Ledger) -> str:
    claim = claimed(ledger)
    ledger.retry(
        claim, attempt(503), wait=timedelta(hours=1), error_key="", message="HTTP 503: busy"
    )
    return claim.id


def in_every_state(ledger: Ledger) -> dict[State, list[str]]:
    """Make sign-ups of two accounts, and settle them in another order than they were received."""
    found: dict[State, list[str]] = {state: [] for state in State}
    for number in range(24):
        account = "blue" if number % 4 == 0 else "acme"
        email = f"{number % 9}@example.com"  # some wait behind another one of their person
        accept(ledger, email, account=account, id=f"{number:02}")
        if number % 6 == 5:
            caught = accept(ledger, email, account=account, quarantine="honeypot").id
            found[State.QUARANTINED].append(caught)
    found[State.RETRYING] = [retry(ledger), retry(ledger)]
    found[State.DELIVERED] = [deliver(ledger), deliver(ledger, "blue"), deliver(ledger)]
    found[State.DEAD] = [bury(ledger), bury(ledger, reason=DeathReason.GAVE_UP), bury(ledger)]
    found[State.DISCARDED] = [bury(ledger), bury(ledger, "blue")]
    for id in found[State.DISCARDED]:
        assert ledger.discard("acme", id) or ledger.discard("blue", id)
    found[State.DELIVERING] = [claimed(ledger).id, claimed(ledger).id]
    released = claimed(ledger)
    ledger.release_claim(released, None)
    lost = claimed(ledger)
    ledger.lose(lost, "broke", wait=timedelta(minutes=1))
    used = {id for some in found.values() for id in some}
    found[State.QUEUED] = [f"{n:02}" for n in range(24) if f"{n:02}" not in used]
    return found


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_every_sign_up_comes_once_the_last_received_first(
    lists: SignupLists, ledger: Ledger, limit: int
) -> None:
    made = in_every_state(ledger)
    for states in ([], *([state] for state in State), DUE, [State.DEAD, State.DELIVERED]):
        expected = sorted(id for state in states or State for id in made[state])
        found = [s for page in pages(lists, of(*states), limit) for s in page]
        assert sorted(signup.id for signup in found) == expected
        assert {signup.state for signup in found} <= set(states or State)
        received = [signup.received_at for signup in found]
        assert received == sorted(received, reverse=True)


def test_no_page_is_longer_than_asked_and_the_last_one_says_so(
    lists: SignupLists, ledger: Ledger
) -> None:
    for number in range(6):
        accept(ledger, f"{number}@example.com")
    assert [len(page) for page in pages(lists, ALL, 3)] == [3, 3]
    assert [len(page) for page in pages(lists, ALL, 4)] == [4, 2]


def test_what_changes_between_two_pages_neither_gets_lost_nor_comes_twice(
    lists: SignupLists, ledger: Ledger
) -> None:
    """Whoever reads all of it sees each sign-up that was there when they began."""
    chance = random.Random(7)
    before = {accept(ledger, f"{number}@example.com").id for number in range(40)}

    def something_happens() -> None:
        accept(ledger, f"{chance.random()}@example.com")
        for _ in range(3):
            step: Any = chance.choice([deliver, bury, retry, claimed])
            step(ledger)
        for dead in list(ledger.dead_letters("acme"))[:1]:
            chance.choice([ledger.requeue, ledger.discard])("acme", dead.id)

    found = [s.id for page in pages(lists, ALL, 3, something_happens) for s in page]
    assert sorted(found) == sorted(before)


def test_an_index_with_many_does_not_hide_what_comes_further_down_in_another(
    lists: SignupLists, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signup_index, "_LEAST_AT_ONCE", 1)
    monkeypatch.setattr(signup_index, "_AT_ONCE", 1)
    made = [accept(ledger, quarantine="honeypot").id for _ in range(12)]
    for number in range(12):
        accept(ledger, f"{number}@example.com")
        made.append(deliver(ledger))
    assert ids(lists, ALL) == made[::-1]


def test_a_page_goes_on_below_a_sign_up_that_is_gone(lists: SignupLists, ledger: Ledger) -> None:
    made = [accept(ledger, f"{number}@example.com", quarantine="honeypot") for number in range(4)]
    page = lists.page(of(State.QUARANTINED), limit=2)
    assert ledger.discard("acme", made[2].id)
    rest = lists.page(of(State.QUARANTINED), cursor=page.next)
    assert [signup.id for signup in rest.signups] == [made[1].id, made[0].id]


def test_sign_ups_of_the_same_moment_keep_an_order(
    lists: SignupLists, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    made = [accept(ledger, account=a, quarantine="honeypot").id for a in ("acme", "blue") * 5]
    for account in ("acme", "blue"):
        index = f"{keys.account(account)}received:quarantined"
        its_ids = map(str, redis_client.zrange(index, 0, -1))
        redis_client.zadd(index, dict.fromkeys(its_ids, 1.8e12))
    assert sorted(ids(lists, ALL, limit=3)) == sorted(made)


# --- filters


def test_each_filter_leaves_out_what_does_not_match(
    lists: SignupLists, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    Registry(redis_client).save_form(builders.form("shop"))
    accept(ledger, "a@example.com", form="shop")
    accept(ledger, "b@example.com")
    shop = bury(ledger, error_key="lists.unknown", message="HTTP 400: No such LIST")
    news = bury(ledger, reason=DeathReason.GAVE_UP, message="gave up")
    caught = accept(ledger, "c@example.com", quarantine="honeypot", account="blue").id
    waits = accept(ledger, "d@example.com").id
    expected: dict[SignupFilter, list[str]] = {
        of(account="blue"): [caught],
        of(form="shop"): [shop],
        of(form="news", reason="gave_up"): [news],
        of(reason="rejected"): [shop],
        of(reason="honeypot"): [caught],
        of(State.DEAD, form="shop"): [shop],
        of(State.DEAD, account="acme", reason="gave_up"): [news],
        of(State.QUEUED, reason="gave_up"): [],
        of(words="no such list"): [shop],
        of(words="LISTS.UNK"): [shop],
        of(State.QUEUED): [waits],
    }
    assert {chosen: ids(lists, chosen) for chosen in expected} == expected
    ledger.discard("acme", shop)
    assert ids(lists, of(reason="rejected")) == [shop]


@pytest.mark.parametrize(
    ("chosen", "read"),
    [
        ({"words": "no such list"}, 1),
        ({"words": "something else"}, 0),
        ({"form": "shop", "states": DUE}, 2),
        ({}, 4),
    ],
)
def test_only_records_that_may_match_are_read_whole(
    lists: SignupLists,
    ledger: Ledger,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    chosen: dict[str, Any],
    read: int,
) -> None:
    Registry(redis_client).save_form(builders.form("shop"))
    accept(ledger, "a@example.com")
    bury(ledger, error_key="lists.unknown", message="HTTP 400: No such LIST")
    for number, form in enumerate(("news", "shop", "shop")):
        accept(ledger, f"{number}@example.com", form=form)
    whole = []

    def counted(account: str, id: str, *record: Any) -> Signup | None:
        whole.append(id)
        return read_signup(account, id, *record)

    monkeypatch.setattr("shared.ledger.reading.read_signup", counted)
    found = ids(lists, SignupFilter(**chosen))
    assert (sorted(found), len(whole)) == (sorted(whole), read)


@pytest.mark.parametrize("garbage", ["?\n?\n?", "{}\n", "1", "[" * 10_000])
def test_a_filter_leaves_out_and_names_what_nobody_can_read(
    lists: SignupLists, ledger: Ledger, redis_client: "redis.Redis", garbage: str
) -> None:
    broken = accept(ledger, "a@example.com").id
    redis_client.set(f"{keys.account('acme')}signup:{broken}", garbage)
    with collecting() as unreadable:
        assert ids(lists, of(words="list")) == []
    assert [each.name for each in unreadable] == [broken]


def test_since_and_until_go_by_when_it_was_received(lists: SignupLists, ledger: Ledger) -> None:
    made = []
    for number in range(5):
        accept(ledger, f"{number}@example.com")
        made.append(bury(ledger))
    received = {signup.id: signup.received_at for signup in lists.page(ALL).signups}
    first, last = received[made[1]], received[made[3]]
    assert ids(lists, of(since=first, until=last)) == [made[2], made[1]]
    assert ids(lists, of(State.DEAD, since=last)) == [made[4], made[3]]
    assert ids(lists, of(until=first)) == [made[0]]


def test_a_person_is_found_in_every_state_of_every_account(
    lists: SignupLists, ledger: Ledger, person: Callable[[str], str]
) -> None:
    of_ada = {"person": person("ada@example.com")}
    made = [accept(ledger, "ada@example.com", account=a, **of_ada).id for a in ("blue", "acme")]
    deliver(ledger)
    made.append(accept(ledger, "ada@example.com", quarantine="honeypot", **of_ada).id)
    made += [accept(ledger, "ada@example.com", **of_ada).id for _ in range(2)]
    accept(ledger, "bob@example.com", person=person("bob@example.com"))
    assert ids(lists, of(email="Ada@Example.com"), limit=2) == made[::-1]
    assert ids(lists, of(State.DELIVERED, email="ada@example.com")) == [made[1]]
    assert ids(lists, of(email="nobody@example.com")) == []


def test_a_person_s_dead_letters_of_one_group(
    lists: SignupLists, ledger: Ledger, person: Callable[[str], str]
) -> None:
    for name in ("ada", "bob"):
        accept(ledger, f"{name}@example.com", person=person(f"{name}@example.com"), id=name)
        bury(ledger)
    (group,) = lists.groups()
    assert ids(lists, of(group=group.id)) == ["bob", "ada"]
    assert ids(lists, of(group=group.id, email="ada@example.com")) == ["ada"]


def test_a_page_reads_no_more_records_than_its_bound_and_goes_on_from_there(
    lists: SignupLists, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signup_lists, "MOST_READ", 7)
    monkeypatch.setattr(signup_lists, "_READ_AT_ONCE", 4)
    first = accept(ledger, "first@example.com", form="shop").id
    for number in range(20):
        accept(ledger, f"{number}@example.com")
    page = lists.page(of(form="shop"))
    assert (page.signups, page.read) == ([], 7)
    assert page.next is not None
    assert ids(lists, of(form="shop")) == [first]


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("account", of(account="nobody")),
        ("form", of(form="nothing")),
        ("reason", of(reason="because")),
        ("group", of(group="{acme}:signup")),
        ("email", of(email="ada")),
    ],
)
def test_a_filter_that_cannot_be_right_is_named(
    lists: SignupLists, name: str, chosen: SignupFilter
) -> None:
    with pytest.raises(WrongFilter) as refused:
        lists.page(chosen)
    assert refused.value.name == name


@pytest.mark.parametrize(
    "cursor",
    ["", "!", "next", "e30", "W10", "WzEsImEiLCJiIl0", "WzFlMzAwLCJhIiwiYiJd", "[]" * 99_999],
)
def test_a_cursor_that_is_not_ours_is_refused(lists: SignupLists, cursor: str) -> None:
    with pytest.raises(WrongFilter) as refused:
        lists.page(ALL, cursor=cursor)
    assert refused.value.name == "cursor"


def test_a_form_that_is_gone_can_still_be_chosen(
    lists: SignupLists, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    id = accept(ledger).id
    Registry(redis_client).remove_form("news")
    assert ids(lists, of(form="news")) == [id]


def test_what_nobody_can_read_is_left_out_and_named(
    lists: SignupLists, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    broken, whole = accept(ledger, "a@example.com").id, accept(ledger, "b@example.com").id
    redis_client.set(f"{keys.account('acme')}signup:{broken}", "?\n?\n?")
    deliver(ledger)  # the claim finds the broken one first, which becomes a dead letter
    with collecting() as unreadable:
        assert ids(lists, ALL) == [whole]
    assert [each.name for each in unreadable] == [broken]
    (group,) = lists.groups()
    assert (group.id, group.reason, group.count) == ("unreadable", DeathReason.UNREADABLE, 1)
    assert lists.dead_by_reason()[DeathReason.UNREADABLE] == 1
    assert ids(lists, of(group="unreadable")) == []


# --- groups


def test_one_cause_is_one_group(lists: SignupLists, ledger: Ledger) -> None:
    causes = [
        ("lists.unknown", "HTTP 400: the list 17 does not exist"),
        ("lists.unknown", "HTTP 400: the list 18 does not exist"),
        ("lists.unknown", 'HTTP 400: the list "news" does not exist'),
        ("lists.unknown", "HTTP 409: the list 18 does not exist"),
        ("fields.invalid", "HTTP 400: the list 18 does not exist"),
    ]
    for number, (error_key, message) in enumerate(causes):
        accept(ledger, f"{number}@example.com")
        bury(ledger, error_key=error_key, message=message)
    found = lists.groups()
    assert [(group.error_key, group.message, group.count) for group in found[:1]] == [
        ("lists.unknown", "HTTP 400: the list … does not exist", 2)
    ]
    assert len(found) == 4
    assert {(group.account, group.form, group.reason) for group in found} == {
        ("acme", "news", DeathReason.REJECTED)
    }


def test_a_group_says_since_when_and_is_gone_with_its_last_dead_letter(
    lists: SignupLists, ledger: Ledger
) -> None:
    dead = []
    for number in range(2):
        accept(ledger, f"{number}@example.com")
        dead.append(bury(ledger))
    died = [ledger.find(id, ["acme"]) for id in dead]
    (group,) = lists.groups(account="acme", form="news", reason="rejected")
    assert [group.first_at, group.last_at] == [each and each.settled_at for each in died]
    assert lists.groups(account="blue") == lists.groups(form="shop") == []
    ledger.discard("acme", dead[0])
    assert lists.groups()[0].count == 1
    ledger.requeue("acme", dead[1])
    assert lists.groups() == []


def test_with_too_many_groups_the_others_of_a_reason_share_one(
    lists: SignupLists, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_GROUPS", 2)
    made: dict[str, str] = {}
    for word in ("one", "two", "three", "four", "one"):
        accept(ledger, f"{len(made)}-{word}@example.com")
        made[f"{len(made)}-{word}"] = bury(ledger, message=word)
    found = {group.message: group for group in lists.groups()}
    assert {message: group.count for message, group in found.items()} == {
        "one": 2,
        "two": 1,
        None: 2,
    }
    assert found[None].form is None
    assert ids(lists, of(group=found[None].id)) == [made["3-four"], made["2-three"]]
    assert ids(lists, of(State.DEAD, form="news")) == list(made.values())[::-1]
    ledger.discard("acme", made["1-two"])  # so there is room, but those in the shared one stay
    for id in (made["2-three"], made["3-four"]):
        ledger.requeue("acme", id)
    assert [group.message for group in lists.groups()] == ["one"]


def test_every_reason_is_counted(lists: SignupLists, ledger: Ledger) -> None:
    for account in ("acme", "blue", "blue"):
        accept(ledger, account=account)
        bury(ledger, account, reason=DeathReason.GAVE_UP)
    counts = dict.fromkeys(DeathReason, 0)
    assert lists.dead_by_reason() == {**counts, DeathReason.GAVE_UP: 3}
    assert lists.dead_by_reason("blue") == {**counts, DeathReason.GAVE_UP: 2}
    with pytest.raises(WrongFilter):
        lists.groups(account="nobody")
