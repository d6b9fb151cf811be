"""Clearing: what is over becomes evidence, the evidence goes in time, and the counts stay."""

from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.job import JobPace
from shared.domain.signup import Consent, DeathReason
from shared.ledger import keys, limits
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.records import CONSENT, read_first_line, unpacked
from shared.ledger.redis_server.server_inspection import find_overdue
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import SETTLED, OverdueRecords, RecordKeeping
from shared.ledger.stores.signup_baseline import SignupBaselines
from tests.support import builders
from tests.support.builders import accept, attempt, bury, claimed
from tests.support.ledger_model import Clock, turnable_server
from tests.support.retention import retention

DAY = timedelta(days=1)
DAY_US = 86_400_000_000
BEGIN_US = 1_772_366_400_000_000
ADDRESS = "192.0.2.1"


class Rig:
    """An account `acme` on a server whose clock is turned, and workers with some retention."""

    def __init__(self, client: "redis.Redis", clock: Clock) -> None:
        self.client, self.clock = client, clock
        self.ledger, self.registry = Ledger(client), Registry(client)
        self.registry.save_account(builders.account("acme"))
        self.kept: dict[str, timedelta] = {}

    def switch_on(self, **kept: timedelta) -> None:
        self.kept = kept
        self.keeping.begin(DAY)

    @property
    def keeping(self) -> RecordKeeping:
        return RecordKeeping(self.client, retention(**self.kept))

    def wait(self, days: float) -> None:
        self.clock.us += round(days * DAY_US)

    def overdue(self) -> list[OverdueRecords]:
        """Return what is over, after all that comes before."""
        for each in self.keeping.overdue(["acme"]):
            while each.what == "sort" and self.keeping.sort_delivered(each.account):
                pass
        return sorted(self.keeping.overdue(["acme"]), key=lambda each: (each.what, each.state))

    def clear(self) -> int:
        """Do all that is over; return how many records were cleared or forgotten."""
        done = 0
        for each in self.overdue():
            match each.what:
                case "clear":
                    done += self.keeping.clear(each.account, each.state)
                case "forget":
                    done += self.keeping.forget_evidence(each.account)
                case "replace":
                    assert self.replace(each.state)
        return done

    def replace(self, state: str) -> int:
        return self.keeping.replace_addresses("acme", state, digest)

    def settled(self, state: str, email: str = "ada@example.com", **fields: Any) -> str:
        """Accept a sign-up and have it be in `state`; return its id."""
        self.clock.us += 2000  # none is received in the same millisecond
        if state in ("quarantined", "discarded"):
            id = accept(self.ledger, email, quarantine="honeypot", **fields).id
            if state == "discarded":
                assert self.ledger.discard("acme", id)
            return id
        accept(self.ledger, email, **fields)
        mine = claimed(self.ledger)
        if state == "delivered":
            self.ledger.deliver(mine, attempt(), contact_id="c", action="created")
        else:
            builders.bury_claim(self.ledger, mine)
        return mine.id

    def record(self, id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return how the sign-up stands, and its consent; nothing else may be in a cleared one."""
        stored = self.client.get(f"{keys.account('acme')}signup:{id}")
        if stored is None:
            return None
        _, sent, consent, *history = str(stored).split("\n")
        stands = read_first_line(str(stored))
        if stands["state"] == "cleared":
            assert (sent, history) == ("{}", [])
        return stands, unpacked(consent, CONSENT)

    def address(self, id: str) -> str:
        found = self.record(id)
        assert found is not None
        return str(found[1]["address"])

    def ids(self, key: str) -> list[str]:
        return [str(id) for id in self.client.zrange(keys.account("acme") + key, 0, -1)]

    def totals(self) -> dict[str, int]:
        figures = self.ledger.figures("acme")
        return {name: getattr(figures, name) for name in ("accepted", *SETTLED)}


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    clock = Clock(BEGIN_US)
    return Rig(turnable_server(monkeypatch, clock), clock)


def digest(address: str) -> str:
    return f"digest-of-{address.replace('.', '-').replace(':', '-')}"


# --- what is cleared when


@pytest.mark.parametrize("state", SETTLED)
def test_a_record_is_cleared_once_its_time_is_over_and_its_evidence_stays(
    rig: Rig, state: str
) -> None:
    rig.switch_on(**{state: DAY})
    rig.wait(10)
    id = rig.settled(state)
    before = rig.totals()
    rig.wait(1 - 1e-6)
    assert rig.clear() == 0
    rig.wait(1e-6)
    assert rig.overdue() == [OverdueRecords("acme", "clear", state)]
    assert rig.clear() == 1
    assert rig.overdue() == []

    stands, consent = rig.record(id) or ({}, {})
    assert stands == {
        "state": "cleared",
        "form": "news",
        "person": "person-ada@example.com",
        "received_at": stands["received_at"],
    }
    assert (consent["version"], consent["address"]) == ("1", ADDRESS)
    assert rig.ids("cleared") == rig.ids("person:person-ada@example.com") == [id]
    assert not rig.ids(state)
    assert rig.totals() == before


@pytest.mark.parametrize("state", SETTLED)
def test_what_is_kept_for_ever_is_never_cleared(rig: Rig, state: str) -> None:
    rig.switch_on(**{each: DAY for each in SETTLED if each != state})
    id = rig.settled(state)
    rig.wait(10_000)
    assert rig.clear() == 0
    assert rig.keeping.clear("acme", state) == rig.keeping.forget_evidence("acme") == 0
    assert rig.ids("received:delivered" if state == "delivered" else state) == [id]


def test_retention_counts_from_when_it_was_switched_on(rig: Rig) -> None:
    id = rig.settled("delivered")
    rig.wait(100)
    rig.switch_on(delivered=30 * DAY)
    rig.wait(29.9)
    assert rig.overdue() == []
    assert rig.keeping.clear("acme", "delivered") == 0
    rig.wait(0.1)
    assert rig.clear() == 1
    assert rig.ids("cleared") == [id]


def test_retention_that_was_off_meanwhile_counts_anew(rig: Rig) -> None:
    rig.switch_on(delivered=30 * DAY)
    rig.settled("delivered")
    rig.wait(20)
    rig.switch_on()
    rig.switch_on(delivered=30 * DAY)
    rig.wait(29)
    assert rig.clear() == 0
    rig.wait(1)
    assert rig.clear() == 1


def test_a_clock_that_was_ahead_does_not_put_retention_off_for_ever(rig: Rig) -> None:
    rig.wait(5000)
    rig.switch_on(delivered=DAY)
    rig.wait(-5000)
    rig.settled("delivered")
    rig.switch_on(delivered=DAY)
    rig.wait(1)
    assert rig.clear() == 1


def test_what_was_switched_on_is_told_once(rig: Rig) -> None:
    rig.kept = {"delivered": DAY, "addresses": 2 * DAY}
    mine, new = rig.keeping.begin(DAY)
    assert mine
    assert [each.name for each in new] == ["delivered", "addresses"]
    assert rig.keeping.begin(DAY) == (False, [])
    rig.wait(1)
    assert rig.keeping.begin(DAY) == (True, [])


def test_the_oldest_go_first_and_some_at_a_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLEARED", 2)
    rig.switch_on(delivered=DAY)
    ids = [rig.settled("delivered", f"{number}@example.com") for number in range(5)]
    rig.wait(2)
    assert rig.overdue()
    index = "received:delivered"
    left = [len(rig.ids(index)) for _ in range(3) if rig.keeping.clear("acme", "delivered")]
    assert left == [3, 1, 0]
    assert rig.ids("cleared") == ids


def test_large_records_go_fewer_at_a_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLEARED_BYTES", 1)
    rig.switch_on(delivered=DAY)
    for number in range(2):
        rig.settled("delivered", f"{number}@example.com")
    rig.wait(2)
    assert rig.overdue()
    assert [rig.keeping.clear("acme", "delivered") for _ in range(3)] == [1, 1, 0]


# --- evidence


def test_evidence_is_forgotten_when_its_time_is_over_since_consent_was_given(rig: Rig) -> None:
    rig.switch_on(delivered=DAY, consent=3 * DAY)
    id = rig.settled("delivered")
    rig.wait(1)
    assert rig.clear() == 1
    rig.wait(2 - 1e-6)
    assert rig.clear() == 0
    assert rig.ids("cleared") == [id]
    rig.wait(1e-6)
    assert rig.clear() == 1
    assert rig.record(id) is None
    assert not rig.ids("cleared")
    assert not rig.client.exists(f"{keys.account('acme')}person:person-ada@example.com")
    assert rig.totals()["accepted"] == rig.totals()["delivered"] == 1


@pytest.mark.parametrize("state", SETTLED)
def test_a_record_whose_evidence_is_over_too_is_gone_at_once(rig: Rig, state: str) -> None:
    rig.switch_on(**{state: 3 * DAY}, consent=DAY)
    id = rig.settled(state)
    rig.wait(3)
    assert rig.clear() == 1
    assert rig.record(id) is None
    prefix = keys.account("acme")
    left = {str(key).removeprefix(prefix) for key in rig.client.keys(f"{prefix}*")}
    assert not left & {state, "cleared"}
    assert not [key for key in left if key.startswith(("received:", "person:", "signup:"))]


# --- what else knows the sign-up


def test_a_cleared_dead_letter_is_in_no_index_of_dead_letters(rig: Rig) -> None:
    rig.switch_on(dead=DAY)
    id = bury(rig.ledger, reason=DeathReason.REJECTED, api_failed=True, account_is_well=False)
    assert rig.client.smembers(f"{keys.account('acme')}failing") == {id}
    rig.wait(1)
    assert rig.clear() == 1
    assert not rig.ids("dead")
    assert not rig.ids("dead:rejected")
    assert not rig.client.exists(f"{keys.account('acme')}failing")
    assert not rig.ledger.requeue("acme", id)
    assert not rig.ledger.discard("acme", id)
    assert list(rig.ledger.dead_letters("acme")) == []
    assert rig.ledger.find(id, ["acme"]) is None


def test_a_job_passes_a_cleared_dead_letter_over_and_ends(rig: Rig) -> None:
    rig.switch_on(dead=DAY)
    id = rig.settled("dead")
    jobs = JobLedger(rig.client, JobPace(per_second=2, per_day=1000))
    assert jobs.add("acme", "job", [id], by="test", chosen="{}") == 1
    rig.wait(1)
    assert rig.clear() == 1
    assert not rig.ids("replay:job:waiting")
    assert not rig.ids("replaying")
    stored = rig.client.hgetall(f"{keys.account('acme')}replay:job")
    assert (stored["skipped"], stored["moved"]) == ("1", "0")
    assert "ended_at" in stored
    assert jobs.feed("acme") == 0


def test_a_person_signs_up_again_after_the_first_was_cleared(rig: Rig) -> None:
    rig.switch_on(delivered=DAY)
    first = rig.settled("delivered", digest="same")
    rig.wait(1)
    rig.clear()
    second = rig.settled("delivered", digest="same")
    assert set(rig.ids("person:person-ada@example.com")) == {first, second}


def test_a_repeat_is_recognized_though_its_first_was_cleared(rig: Rig) -> None:
    rig.switch_on(delivered=timedelta(seconds=5))
    first = rig.settled("delivered", digest="same")
    rig.wait(6 / 86_400)
    assert rig.clear() == 1
    again = accept(rig.ledger, digest="same")
    assert (again.duplicate, again.id) == (True, first)
    assert rig.totals()["accepted"] == 1
    stands, _ = rig.record(first) or ({}, {})
    assert stands["state"] == "cleared"


def test_the_last_delivery_is_known_though_its_record_was_cleared(rig: Rig) -> None:
    """Or an account that delivers all the time would look like one that delivers nothing."""
    baselines = SignupBaselines(rig.client)
    assert baselines.last_deliveries(["acme"]) == [None]
    rig.ledger.note_success("acme")
    assert baselines.last_deliveries(["acme"]) == [None]
    rig.switch_on(delivered=DAY)
    rig.settled("delivered")
    (before,) = baselines.last_deliveries(["acme"])
    rig.wait(1)
    assert rig.clear() == 1
    assert baselines.last_deliveries(["acme"]) == [before]
    assert find_overdue(rig.client, "acme").delivered == DAY


def test_an_id_that_has_no_record_any_more_is_passed_over(rig: Rig) -> None:
    rig.switch_on(delivered=DAY, consent=DAY)
    for key in ("delivered", "cleared"):
        rig.client.zadd(keys.account("acme") + key, {"gone": 1})
    rig.wait(2)
    assert rig.clear() == 2
    assert rig.overdue() == []


# --- network addresses


@pytest.mark.parametrize("state", SETTLED)
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::1"])
def test_a_network_address_is_replaced_in_time(rig: Rig, state: str, address: str) -> None:
    rig.switch_on(addresses=DAY)
    consent = Consent(text="Yes.", version="1", box=True, address=address, page="https://x/")
    id = rig.settled(state, consent=consent)
    before = rig.record(id)
    rig.wait(1 - 1e-6)
    rig.clear()
    assert rig.record(id) == before
    rig.wait(1e-6)
    assert rig.overdue() == [OverdueRecords("acme", "replace", state)]
    rig.clear()
    assert rig.overdue() == []
    stands, found = rig.record(id) or ({}, {})
    assert found == {**before[1], "address": digest(address)}  # type: ignore[index]
    assert stands == before[0]  # type: ignore[index]
    assert not rig.replace(state)


def test_the_address_in_evidence_is_replaced_in_time(rig: Rig) -> None:
    rig.switch_on(delivered=DAY, addresses=3 * DAY)
    id = rig.settled("delivered")
    rig.wait(1)
    rig.clear()
    rig.wait(1)
    rig.clear()
    assert rig.address(id) == ADDRESS
    rig.wait(1)
    rig.clear()
    assert rig.address(id) == digest(ADDRESS)


def test_each_record_is_looked_at_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLEARED", 2)
    rig.switch_on(addresses=DAY)
    ids = [rig.settled("delivered", f"{number}@example.com") for number in range(6)]
    at = rig.clock.us // 1000
    rig.clock.us += 10_000
    later = rig.settled("delivered", "later@example.com")
    rig.wait(1)
    rig.clock.us -= 10_000
    assert rig.overdue()
    for id in ids[:3]:  # in one millisecond
        rig.client.zadd(f"{keys.account('acme')}delivered", {id: at})
    looked_at: list[str] = []

    def digest_once(address: str) -> str:
        looked_at.append(address)
        return digest(address)

    while rig.keeping.replace_addresses("acme", "delivered", digest_once):
        pass
    assert looked_at == [ADDRESS] * 6
    assert {rig.address(id) for id in ids} == {digest(ADDRESS)}
    assert rig.address(later) == ADDRESS


def test_an_address_that_changed_since_it_was_read_stays(rig: Rig) -> None:
    rig.switch_on(addresses=DAY)
    id = rig.settled("delivered")
    rig.wait(1)
    assert rig.overdue()

    def digest_late(address: str) -> str:
        rig.clear()  # another worker is faster
        return "the slower one's"

    assert rig.keeping.replace_addresses("acme", "delivered", digest_late)
    assert rig.address(id) == digest(ADDRESS)


def test_evidence_that_comes_behind_the_walk_is_not_missed(rig: Rig) -> None:
    """A dead letter that was settled late has an old consent."""
    rig.switch_on(delivered=DAY, addresses=3 * DAY)
    for email in ("a@example.com", "b@example.com"):
        accept(rig.ledger, email)
    late = claimed(rig.ledger)
    early = claimed(rig.ledger)
    rig.ledger.deliver(early, attempt(), contact_id="c", action="created")
    for _ in range(4):
        rig.wait(1)
        rig.clear()
    assert rig.address(early.id) == digest(ADDRESS)
    rig.ledger.deliver(late, attempt(), contact_id="c", action="created")
    rig.wait(1)
    rig.clear()
    rig.clear()
    assert rig.ids("cleared") == [late.id, early.id]
    assert rig.address(late.id) == digest(ADDRESS)


def test_what_a_page_posted_for_the_consent_stays_as_it_is(rig: Rig) -> None:
    posted = f'yes "address":"{ADDRESS}" ä \\'
    consent = Consent(
        text="Yes.", version="1", box=True, address=ADDRESS, page="https://x/", posted=posted
    )
    rig.switch_on(addresses=DAY)
    id = rig.settled("delivered", consent=consent)
    rig.wait(1)
    rig.clear()
    _, found = rig.record(id) or ({}, {})
    assert (found["posted"], found["address"]) == (posted, digest(ADDRESS))


# --- accounts that were removed


def test_what_is_left_of_a_removed_account_falls_under_retention(rig: Rig) -> None:
    rig.switch_on(delivered=DAY, consent=3 * DAY)
    rig.settled("delivered")
    assert rig.registry.remove_account("acme")
    assert rig.registry.owners_of_records() == ["acme"]
    for days, left in ((1, ["acme"]), (1.9, ["acme"]), (0.1, [])):
        rig.wait(days)
        assert rig.clear() == (days != 1.9)
        rig.registry.forget_removed_accounts()
        assert rig.registry.owners_of_records() == left
    assert not [key for key in rig.client.keys("*") if "signup:" in str(key)]


# --- what is told


def test_the_outlook(rig: Rig) -> None:
    rig.switch_on(delivered=30 * DAY, consent=365 * DAY)
    rig.settled("dead")
    rig.settled("delivered")
    rig.wait(0.5)
    rig.settled("delivered", "b@example.com")
    rig.wait(29)
    found = {each.name: each for each in rig.keeping.outlook(["acme", "other"])}
    assert list(found) == [*SETTLED, "consent", "addresses"]
    delivered = found["delivered"]
    assert delivered.since and delivered.oldest and delivered.next_at
    assert (delivered.count, delivered.within_a_day) == (2, 2)
    assert delivered.next_at - delivered.since < 30 * DAY + timedelta(seconds=1)
    assert (found["dead"].count, found["dead"].next_at, found["dead"].since) == (1, None, None)
    assert (found["consent"].count, found["addresses"].count) == (0, None)
    rig.wait(-28)
    assert rig.keeping.outlook(["acme"])[0].within_a_day == 0


# --- delivered ones, which are sorted by when they were received until their time may be over


def test_what_was_delivered_late_is_kept_as_long_as_all_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_CLEARED", 2)
    rig.switch_on(delivered=3 * DAY)
    late = [accept(rig.ledger, f"{number}@example.com").id for number in range(5)]
    rig.wait(2)
    for _ in late:
        rig.ledger.deliver(claimed(rig.ledger), attempt(), contact_id="c", action="created")
    prompt = rig.settled("delivered", "prompt@example.com")
    rig.wait(1.5)  # the late ones were received 3.5 days ago, and delivered 1.5 days ago
    assert (rig.clear(), sorted(rig.ids("delivered"))) == (0, sorted(late))
    rig.wait(1.5)
    rig.clock.us += 100_000
    while rig.clear():
        pass
    assert sorted(rig.ids("cleared")) == sorted([*late, prompt])
    assert not rig.ids("delivered")
    assert not rig.ids("received:delivered")


def test_what_is_delivered_later_than_others_of_its_time_were_cleared_is_cleared_too(
    rig: Rig,
) -> None:
    rig.switch_on(delivered=DAY)
    late = accept(rig.ledger, "late@example.com").id
    waits = claimed(rig.ledger)
    first = rig.settled("delivered")
    rig.wait(1.1)
    assert rig.clear() == 1
    rig.ledger.deliver(waits, attempt(), contact_id="c", action="created")
    rig.wait(0.9)
    assert rig.clear() == 0
    rig.wait(0.1)
    assert rig.clear() == 1
    assert sorted(rig.ids("cleared")) == sorted([first, late])


def test_what_was_delivered_at_the_same_moment_is_sorted_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_CLEARED", 2)
    rig.switch_on(delivered=DAY)
    ids = [rig.settled("delivered", f"{number}@example.com") for number in range(5)]
    index = f"{keys.account('acme')}received:delivered"
    rig.client.zadd(index, dict.fromkeys(ids, rig.clock.us / 1000))
    rig.wait(2)
    assert rig.overdue()
    assert sorted(rig.ids("delivered")) == sorted(ids)


def test_the_last_delivery_is_known_however_late_it_was(rig: Rig) -> None:
    for email in ("first@example.com", "second@example.com"):
        accept(rig.ledger, email)
    first, second = claimed(rig.ledger), claimed(rig.ledger)
    for claim in (second, first):
        rig.ledger.deliver(claim, attempt(), contact_id="c", action="created")
        rig.wait(0.5)
    assert find_overdue(rig.client, "acme").delivered == DAY / 2
