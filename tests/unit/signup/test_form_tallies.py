"""Counts reach the ledger once each, soon, and without anybody waiting for it."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.domain.refusal import Refusal, RefusalCode
from shared.ledger.stores.form_counts import FormTally
from tests.support.builders import form
from tests.support.refusals import wrong
from web.signup.form_tallies import MOST_NAMES_AT_ONCE, FormTallies

ORIGIN = Refusal(
    code=RefusalCode.ORIGIN, fields=(), origin="https://other.example", client="Chrome"
)
REQUIRED = Refusal(code=RefusalCode.REQUIRED, fields=("mail",), origin=None, client="curl")
TYPED = Refusal(
    code=RefusalCode.INVALID,
    fields=("email",),
    origin="https://other.example",
    client="Chrome",
    wrong=(wrong("email", "invalid"),),
)
LIMITED = Refusal(code=RefusalCode.RATE_LIMITED, fields=(), origin=None, client="curl")
HERE = "127.0.0.1"


class Ledger:
    """Adds up each flush once, as the ledger does; loses the answers of the first `lost` ones, and
    refuses all while it is `away`."""

    def __init__(self, *, lost: int = 0) -> None:
        self.flushes: list[Sequence[FormTally]] = []
        self.refused: Counter[str] = Counter()
        self.away = False
        self.tried = threading.Event()
        self._lost = lost
        self._seen: set[int] = set()

    def add(self, number: int, tallies: Sequence[FormTally]) -> None:
        self.tried.set()
        if self.away:
            raise ConnectionError
        if number not in self._seen:
            self._seen.add(number)
            self.flushes.append(tallies)
            for tally in tallies:
                self.refused.update(
                    {f"{tally.form} {code}": n for code, n in tally.refused.items()}
                )
        if self._lost:
            self._lost -= 1
            raise TimeoutError

    def wait_for(self, expected: dict[str, int]) -> None:
        deadline = time.monotonic() + 20
        while self.refused != expected:
            assert time.monotonic() < deadline, self.refused
            time.sleep(0.01)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flush at once. Otherwise only the end of the process flushes."""
    monkeypatch.setattr("web.signup.form_tallies.FLUSH_EVERY", timedelta(milliseconds=5))


def tallies_for(ledger: Ledger) -> FormTallies:
    return FormTallies(ledger.add, clock=time.monotonic)


@pytest.mark.usefixtures("soon")
def test_each_refusal_counts_once_for_its_form_and_code() -> None:
    tallies = tallies_for(ledger := Ledger())
    for name, refusal in (("news", ORIGIN), ("news", ORIGIN), ("news", REQUIRED), ("shop", ORIGIN)):
        tallies.refused(form(name), refusal, address=HERE)
    ledger.wait_for({"news origin": 2, "news required": 1, "shop origin": 1})
    tallies.refused(form("news"), ORIGIN, address=HERE)
    ledger.wait_for({"news origin": 3, "news required": 1, "shop origin": 1})


@pytest.mark.usefixtures("soon")
def test_from_many_threads_none_is_lost() -> None:
    tallies = tallies_for(ledger := Ledger(lost=3))
    together = threading.Barrier(8)

    def refuse() -> None:
        together.wait()
        for _ in range(200):
            tallies.refused(form("news"), ORIGIN, address=HERE)

    threads = [threading.Thread(target=refuse) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ledger.wait_for({"news origin": 1600})


@pytest.mark.usefixtures("soon")
def test_a_flush_whose_answer_was_lost_counts_once() -> None:
    tallies = tallies_for(ledger := Ledger(lost=2))
    tallies.refused(form("news"), ORIGIN, address=HERE)
    tallies.refused(form("news"), REQUIRED, address=HERE)
    ledger.wait_for({"news origin": 1, "news required": 1})
    tallies.close()
    assert ledger.refused == {"news origin": 1, "news required": 1}


@pytest.mark.usefixtures("soon")
def test_while_redis_is_away_the_counts_stay() -> None:
    tallies = tallies_for(ledger := Ledger())
    ledger.away = True
    tallies.refused(form("news"), ORIGIN, address=HERE)
    assert ledger.tried.wait(timeout=20)
    for _ in range(1000):
        tallies.refused(form("news"), REQUIRED, address=HERE)
    ledger.away = False
    ledger.wait_for({"news origin": 1, "news required": 1000})
    assert all(len(tally.last) <= 20 for tallies_ in ledger.flushes for tally in tallies_)


def test_the_end_of_the_process_flushes_what_is_left() -> None:
    tallies = tallies_for(ledger := Ledger())
    tallies.refused(form("news"), ORIGIN, address=HERE)
    tallies.close()
    assert ledger.refused == {"news origin": 1}


def test_a_process_that_has_counted_nothing_ends_without_a_flush() -> None:
    tallies_for(ledger := Ledger()).close()
    assert not ledger.tried.is_set()


def test_what_cannot_be_the_forms_fault_is_counted_apart() -> None:
    now = [0.0]
    tallies = FormTallies((ledger := Ledger()).add, clock=lambda: now[0])
    for now[0], refusal in ((100, LIMITED), (103, ORIGIN), (104, REQUIRED)):
        tallies.refused(form("news"), refusal, address=HERE)
    now[0] = 110
    tallies.close()
    ((tally,),) = ledger.flushes
    assert tally.refused == {"rate_limited": 1, "origin": 1, "required": 1}
    assert tally.faults == 2 and tally.streak == {"origin": 1, "required": 1}
    assert (tally.streak_began_ago, tally.streak_went_on_ago) == (
        timedelta(seconds=7),
        timedelta(seconds=6),
    )
    assert [(ago.total_seconds(), refusal.code) for ago, refusal in tally.last] == [
        (10, "rate_limited"),
        (7, "origin"),
        (6, "required"),
    ]


def test_all_of_a_strangers_count_and_one_a_minute_speaks_for_the_form() -> None:
    now = [0.0]
    tallies = FormTallies((ledger := Ledger()).add, clock=lambda: now[0])
    for now[0] in (0, 1, 59, 60):
        for refusal in (ORIGIN, REQUIRED):
            tallies.refused(form("news"), refusal, address="203.0.113.7")
    tallies.close()
    ((tally,),) = ledger.flushes
    assert tally.refused == {"origin": 4, "required": 4}
    assert tally.faults == 2 and tally.streak == {"origin": 2}
    assert [refusal.code for _, refusal in tally.last] == ["origin", "origin"]


def test_an_origin_that_several_networks_sent_is_kept_as_such() -> None:
    tallies = tallies_for(ledger := Ledger())
    for address in ("203.0.113.7", "198.51.100.1"):
        tallies.refused(form("news"), ORIGIN, address=address)
    tallies.close()
    ((tally,),) = ledger.flushes
    assert [refusal.from_several for _, refusal in tally.last] == [False, True]


def test_an_accepted_sign_up_ends_the_streak() -> None:
    tallies = tallies_for(ledger := Ledger())
    for _ in range(3):
        tallies.refused(form("news"), ORIGIN, address=HERE)
    tallies.accepted(form("news"), [])
    tallies.refused(form("news"), REQUIRED, address=HERE)
    tallies.close()
    ((tally,),) = ledger.flushes
    assert tally.faults == 4 and tally.streak == {"required": 1}


def test_an_accepted_signup_tells_when_it_was() -> None:
    tallies = tallies_for(ledger := Ledger())
    tallies.accepted(form("news"), [])
    tallies.close()
    ((tally,),) = ledger.flushes
    assert tally.accepted_ago is not None and tally.accepted_ago < timedelta(seconds=10)
    assert (tally.refused, tally.unsent, tally.last) == ({}, {}, [])


def test_clean_and_quarantined_signups_are_counted_apart() -> None:
    tallies = tallies_for(ledger := Ledger())
    tallies.accepted(form("news"), [])
    tallies.screened(form("news"))
    tallies.screened(form("news"))
    tallies.screened(form("shop"))
    tallies.close()
    (flushed,) = ledger.flushes
    assert [(each.form, each.passed, each.screened) for each in flushed] == [
        ("news", 1, 2),
        ("shop", 0, 1),
    ]
    assert flushed[1].accepted_ago is None


def test_where_nothing_came_there_is_nothing_to_flush() -> None:
    tallies = tallies_for(ledger := Ledger())
    tallies.close()
    assert ledger.flushes == []


def test_fields_that_are_not_sent_are_counted_by_their_plain_names() -> None:
    tallies = tallies_for(ledger := Ledger())
    tallies.accepted(form("news"), ["shoe size", "ada@example.org", "bob@example.org"])
    tallies.close()
    ((tally,),) = ledger.flushes
    assert tally.unsent == {"shoe size": 1, "(name not shown)": 2}


def test_a_stranger_cannot_make_the_names_grow() -> None:
    tallies = tallies_for(ledger := Ledger())
    tallies.accepted(form("news"), [f"field{number}" for number in range(1000)])
    tallies.accepted(form("news"), ["field0"])
    tallies.close()
    ((tally,),) = ledger.flushes
    assert len(tally.unsent) == MOST_NAMES_AT_ONCE
    assert tally.unsent["field0"] == 2


def test_the_log_says_once_a_minute_which_form_refuses_and_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    tallies = FormTallies(Ledger().add, clock=lambda: now[0])
    for now[0] in (0, 59, 60):
        for refusal in (ORIGIN, ORIGIN, REQUIRED):
            tallies.refused(form("news"), refusal, address=HERE)
        tallies.close()
    about = [(record.form, record.code) for record in caplog.records]  # type: ignore[attr-defined]
    assert about == 2 * [("news", "origin"), ("news", "required")]


def test_what_visitors_can_mend_is_in_the_streak_and_no_fault() -> None:
    tallies = tallies_for(ledger := Ledger())
    for refusal in (TYPED, TYPED, ORIGIN):
        tallies.refused(form("news"), refusal, address=HERE)
    tallies.refused(form("shop"), TYPED, address=HERE)
    tallies.accepted(form("shop"), ())
    tallies.close()
    ((news, shop),) = ledger.flushes
    assert (news.faults, news.streak) == (1, {"invalid": 2, "origin": 1})
    assert news.mendable == {"invalid:email": 2}
    assert (shop.faults, shop.streak, shop.mendable) == (0, {}, {})
