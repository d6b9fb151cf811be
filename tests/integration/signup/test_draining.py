"""Draining: what the spool kept reaches the ledger once, in order, whatever comes in between."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.domain.errors import KeyReused, LedgerUnavailable, Refused
from shared.domain.signup import Signup, State
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import RateLimit
from shared.infrastructure.timestamps import utc_now
from shared.ledger import limits
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.redis_server.durability import reached_disk
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.spools import SpoolFigures, from_stored
from shared.ledger.stores.fingerprints import Fingerprints, load_fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Accepted
from tests.support import builders
from tests.support.builders import attempt, claimed
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from web.signup import draining
from web.signup.checked_signup import CheckedSignup
from web.signup.draining import BATCH, PAUSE, POLL_EVERY, REFUSED_WAIT, Drainer
from web.signup.spool import Spool

SEALER = Sealer(("a secret only for tests",))


class Clock:
    """The host's clock: the real one, which tests may set forward or back."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return utc_now() + self.off


class Host:
    """One web host: its spool and its drainer, whose sleeps a test may watch."""

    def __init__(self, folder: Path, client: "redis.Redis", clock: Clock) -> None:
        self.folder = folder
        self.client = client
        self.clock = clock
        self.notified: list[str] = []
        self.slept: list[float] = []
        self.spool = Spool(folder, limit=1_000_000, now=clock.now)
        self.drainer = self.process(self.spool)

    def process(self, spool: Spool, person_limit: RateLimit | None = None) -> Drainer:
        return Drainer(
            spool,
            self.client,
            folder=self.folder,
            host="web-1",
            fingerprints=lambda client: load_fingerprints(client, SEALER),
            notify_workers=self.notified.append,
            person_limit=person_limit,
            now=self.clock.now,
            sleep=self.slept.append,
        )

    def keep(self, id: str, email: str = "ada@example.com", **fields: Any) -> None:
        self.spool.add(entry(id, email, **fields))

    def drain(self) -> None:
        """Drain until nothing is left."""
        while self.drainer.drain_some() is not None:
            pass


def entry(
    id: str, email: str = "ada@example.com", *, key: str | None = None, **fields: object
) -> CheckedSignup:
    submission = builders.submission(email, id=id, **fields)
    return CheckedSignup(submission=submission, compared_email=email, idempotency_key=key)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(tmp_path: Path, redis_client: "redis.Redis", clock: Clock) -> Host:
    Registry(redis_client).save_account(builders.account())
    return Host(tmp_path / "relay", redis_client, clock)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def marks(redis_client: "redis.Redis") -> Fingerprints:
    return load_fingerprints(redis_client, SEALER)


def give(
    ledger: Ledger, marks: Fingerprints, given: CheckedSignup, *, waited: timedelta = timedelta()
) -> Accepted:
    """Have the ledger accept what web would have it accept, at once."""
    return ledger.accept(
        given.submission,
        person=given.person(marks),
        digest=given.content(marks),
        idempotency_key=given.key(marks),
        visitor=None,
        limit=None,
        waited=waited,
    )


def found(ledger: Ledger, id: str) -> Signup:
    signup = ledger.find(id, ["acme"])
    assert signup is not None, id
    return signup


def accepted(ledger: Ledger) -> int:
    figures = ledger.figures("acme")
    ended = figures.due + figures.delivered + figures.dead + figures.discarded
    assert figures.accepted == ended + figures.quarantined
    return figures.accepted


# --- handing over


def test_what_was_kept_is_due_in_the_ledger_as_it_was_received(
    host: Host, ledger: Ledger, marks: Fingerprints, clock: Clock
) -> None:
    clock.off = -timedelta(hours=3)
    before = clock.now()
    host.keep("one", "ada@example.com")
    clock.off = timedelta()
    give(ledger, marks, entry("received later", "bob@example.com"))
    host.drain()
    signup = found(ledger, "one")
    assert abs(signup.received_at - before) < timedelta(seconds=5)
    assert signup.contact.email == "ada@example.com"
    assert signup.consent.address == "192.0.2.1"
    oldest = ledger.figures("acme").oldest_due
    assert oldest is not None and oldest > timedelta(hours=2.9)
    assert host.spool.figures().count == 0
    assert claimed(ledger).id == "one"
    assert claimed(ledger).id == "received later"


def test_quarantined_ones_stay_so(host: Host, ledger: Ledger) -> None:
    host.keep("one", quarantine="honeypot")
    host.drain()
    assert ledger.figures("acme").quarantined == 1


def test_they_are_received_in_the_order_of_the_spool(host: Host, ledger: Ledger) -> None:
    names = [f"{number:03}" for number in range(BATCH * 2 + 3)]
    for name in names:
        host.keep(name, lists=(name,))  # all of one person
    host.drain()
    claims = []
    for _ in names:
        claims.append(claimed(ledger))
        ledger.deliver(claims[-1], builders.attempt(), contact_id="c", action="created")
    assert [claim.id for claim in claims] == names


def test_a_few_at_a_time_with_a_pause(host: Host, ledger: Ledger) -> None:
    for number in range(BATCH + 1):
        host.keep(str(number), f"{number}@example.com")
    assert host.drainer.drain_some() == PAUSE
    assert (accepted(ledger), host.spool.figures().count) == (BATCH, 1)
    assert host.drainer.drain_some() is None
    assert (accepted(ledger), host.spool.figures().count) == (BATCH + 1, 0)


def test_a_clock_that_was_set_back_puts_nothing_in_the_future(
    host: Host, ledger: Ledger, clock: Clock
) -> None:
    clock.off = timedelta(hours=5)
    host.keep("one")
    clock.off = timedelta()
    host.drain()
    assert found(ledger, "one").received_at <= utc_now() + timedelta(seconds=2)
    assert claimed(ledger).id == "one"


# --- once


def test_what_the_ledger_took_before_its_answer_was_lost_is_one_sign_up(
    host: Host, ledger: Ledger, marks: Fingerprints
) -> None:
    give(ledger, marks, entry("one", key="k"))
    host.keep("one", key="k")
    host.drain()
    assert accepted(ledger) == 1
    assert host.spool.figures().count == 0


def test_a_drain_that_was_killed_after_accepting_is_repeated_harmlessly(
    host: Host, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        host.keep(str(number), f"{number}@example.com")

    def killed(_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(host.spool, "remove", killed)
        with pytest.raises(SystemExit):
            host.drainer.drain_some()
    assert (accepted(ledger), host.spool.figures().count) == (5, 5)
    done = claimed(ledger)
    ledger.deliver(done, builders.attempt(), contact_id="c", action="created")

    host.process(Spool(host.folder, limit=1, now=host.clock.now)).drain_some()
    assert (accepted(ledger), host.spool.figures().count) == (5, 0)
    assert ledger.figures("acme").delivered == 1


@pytest.mark.parametrize("minutes", [1, 30, 60 * 48])
def test_a_repeat_of_what_the_ledger_has_makes_no_second_copy_however_late_it_drains(
    host: Host, ledger: Ledger, marks: Fingerprints, clock: Clock, minutes: int
) -> None:
    """Redis goes away between a double click's two requests."""
    give(ledger, marks, entry("one"), waited=timedelta(minutes=minutes, seconds=60))
    clock.off = -timedelta(minutes=minutes)
    host.keep("two")
    clock.off = timedelta()
    host.drain()
    assert accepted(ledger) == 1


def test_the_same_from_two_hosts_is_one_sign_up(
    host: Host, ledger: Ledger, redis_client: "redis.Redis", clock: Clock, tmp_path: Path
) -> None:
    other = Host(tmp_path / "other", redis_client, clock)
    clock.off = -timedelta(hours=1)
    host.keep("one")
    clock.off += timedelta(minutes=5)
    other.keep("two")
    clock.off = timedelta()
    other.drain()
    host.drain()
    assert accepted(ledger) == 1


def test_what_was_received_more_than_ten_minutes_apart_is_two_sign_ups(
    host: Host, ledger: Ledger, marks: Fingerprints, clock: Clock
) -> None:
    clock.off = -timedelta(hours=1)
    host.keep("one")
    clock.off = timedelta()
    give(ledger, marks, entry("two"))
    host.drain()
    assert accepted(ledger) == 2


def test_a_repeat_soon_after_the_drain_is_one_sign_up(
    host: Host, ledger: Ledger, marks: Fingerprints, clock: Clock
) -> None:
    clock.off = -timedelta(minutes=8)
    host.keep("one", key="k")
    clock.off = timedelta()
    host.drain()
    again = give(ledger, marks, entry("two"))
    assert (again.id, again.duplicate) == ("one", True)
    with pytest.raises(KeyReused):
        give(ledger, marks, entry("three", "bob@example.com", key="k"))


def test_a_key_lasts_from_when_it_was_received(
    host: Host, redis_client: "redis.Redis", clock: Clock
) -> None:
    clock.off = -timedelta(minutes=9)
    host.keep("one", key="k")
    clock.off = timedelta()
    host.drain()
    [life] = [redis_client.ttl(key) for key in redis_client.scan_iter("*:seen:*")]
    assert life in range(86_400 - 9 * 60 - 10, 86_400 - 9 * 60 + 1)


def test_a_person_who_was_erased_meanwhile_is_dropped_and_counted(
    host: Host, ledger: Ledger, marks: Fingerprints, redis_client: "redis.Redis", clock: Clock
) -> None:
    """The command ran on another host, which cannot look at this one's disk."""
    clock.off = -timedelta(hours=1)
    host.keep("before", key="k")
    host.keep("other", "bob@example.com")
    clock.off = timedelta()
    People(redis_client).note_erased(entry("before").person(marks))
    erased_at = redis_time(redis_client)
    eventually(lambda: redis_time(redis_client) - erased_at > timedelta(milliseconds=2))
    host.keep("after", lists=("another-list",))
    host.drain()
    figures = ledger.figures("acme")
    assert (figures.accepted, figures.due, figures.discarded) == (3, 2, 1)
    assert ledger.find("before", ["acme"]) is None
    assert found(ledger, "after").state == found(ledger, "other").state == State.QUEUED
    assert not list(redis_client.scan_iter("*:seen:*"))


def test_it_is_forgotten_after_a_year_who_was_erased(
    redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.limits.ERASED_KEPT", timedelta(0))
    People(redis_client).note_erased("somebody")
    time.sleep(0.002)  # Redis' clock goes on
    People(redis_client).note_erased("another")
    assert redis_client.zrange("relay:erased", 0, -1) == ["another"]


def test_quarantined_ones_stand_in_nobodys_way_however_late(
    host: Host, ledger: Ledger, clock: Clock
) -> None:
    clock.off = -timedelta(hours=1)
    host.keep("spam", quarantine="honeypot")
    host.keep("clean")
    clock.off = timedelta()
    host.drain()
    assert accepted(ledger) == 2


@pytest.mark.parametrize("others", [limits.MOST_COMPARED - 1, limits.MOST_COMPARED])
def test_someone_with_hundreds_of_sign_ups_is_not_looked_through(
    host: Host,
    ledger: Ledger,
    marks: Fingerprints,
    redis_client: "redis.Redis",
    clock: Clock,
    others: int,
) -> None:
    give(ledger, marks, entry("one"))
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    person = f"relay:{{acme}}:person:{entry('one').person(marks)}"
    at = float(redis_client.zscore(person, "one") or 0)
    redis_client.zadd(person, {f"later-{number}": at - number for number in range(1, others + 1)})
    clock.off = -timedelta(seconds=10)
    host.keep("two")
    clock.off = timedelta()
    host.drain()
    assert accepted(ledger) == (1 if others < limits.MOST_COMPARED else 2)


def test_a_persons_limit_counts_by_when_sign_ups_were_received(
    host: Host, ledger: Ledger, clock: Clock
) -> None:
    host.drainer = host.process(host.spool, person_limit=RateLimit(2, timedelta(hours=1)))
    for id, minutes_ago in (("one", 120), ("two", 119), ("too soon", 90), ("later", 30)):
        clock.off = -timedelta(minutes=minutes_ago)
        host.keep(id, lists=(id,))
        clock.off = timedelta()
        host.drain()
        if found(ledger, id).state == State.QUEUED:
            ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    states = {id: found(ledger, id).state for id in ("one", "two", "too soon", "later")}
    assert states.pop("too soon") == State.QUARANTINED
    assert set(states.values()) == {State.DELIVERED}
    assert found(ledger, "too soon").reason == "repeated_address"


def test_a_key_that_other_content_has_by_now_costs_the_key_and_not_the_sign_up(
    host: Host, ledger: Ledger, marks: Fingerprints
) -> None:
    give(ledger, marks, entry("one", "bob@example.com", key="k"))
    host.keep("two", "ada@example.com", key="k")
    host.drain()
    assert accepted(ledger) == 2
    assert found(ledger, "two").contact.email == "ada@example.com"


# --- when Redis does not take it


def test_while_redis_is_away_everything_stays_and_goes_on_afterwards(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with ValkeyServer(tmp_path / "valkey") as server:
        client = connect(server.url(), socket_timeout=0.3)
        Registry(client).save_account(builders.account())
        host = Host(tmp_path / "relay", client, clock)
        host.keep("one")
        for away, back in ((server.kill, server.start), (server.freeze, server.thaw)):
            away()
            for _ in range(3):
                assert host.drainer.drain_some() == POLL_EVERY
            assert host.spool.figures().count == 1
            back()
        assert len([r for r in caplog.records if "wait on the disk" in r.message]) <= 2
        host.drain()
        assert accepted(Ledger(client)) == 1
        client.close()


@pytest.mark.parametrize("broken", ["full", "replica"])
@pytest.mark.parametrize("when", ["before", "while draining"])
def test_a_redis_that_takes_nothing_sets_nothing_aside(
    tmp_path: Path, clock: Clock, broken: str, when: str
) -> None:
    with ValkeyServer(tmp_path / "valkey") as server, server.client() as client:
        Registry(client).save_account(builders.account())
        host = Host(tmp_path / "relay", client, clock)
        host.keep("one")
        marks = load_fingerprints(client, SEALER)
        if when == "while draining":  # the first look finds all well
            calls = iter([lambda one: marks])
            host.drainer._fingerprints = lambda one: next(
                calls, lambda one: load_fingerprints(one, SEALER)
            )(one)
        if broken == "full":
            client.config_set("maxmemory", 1)
        else:
            client.replicaof("127.0.0.1", "1")
        assert host.drainer.drain_some() == POLL_EVERY
        assert (host.spool.figures().count, host.spool.figures().refused) == (1, 0)
        client.config_set("maxmemory", 0)
        client.replicaof("NO", "ONE")
        host.drain()
        assert accepted(Ledger(client)) == 1


def test_an_answer_that_did_not_come_sets_nothing_aside(
    host: Host, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where Redis answers the next question."""
    host.keep("one")

    def time_out(*_: object, **__: object) -> None:
        raise LedgerUnavailable("Redis: TimeoutError") from redis.TimeoutError()

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "accept", time_out)
        assert host.drainer.drain_some() == POLL_EVERY
    assert (host.spool.figures().count, host.spool.figures().refused) == (1, 0)
    host.drain()
    assert accepted(ledger) == 1
    assert host.notified == ["acme"]


def test_what_has_not_reached_redis_disk_stays_on_this_one(
    host: Host, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.keep("one")
    with monkeypatch.context() as patch:
        patch.setattr(draining, "reached_disk", lambda client: False)
        assert host.drainer.drain_some() == POLL_EVERY
    assert host.spool.figures().count == 1
    host.drain()
    assert (accepted(ledger), host.spool.figures().count) == (1, 0)


def test_a_redis_that_never_waits_for_its_disk_is_not_waited_for(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path / "valkey") as server, server.client() as client:
        client.set("a", "b")
        assert reached_disk(client)
        client.config_set("appendfsync", "no")
        client.set("a", "d")
        assert reached_disk(client)
        client.config_set("appendonly", "no")
        client.set("a", "c")
        assert reached_disk(client)


def test_a_wrong_secret_key_drains_nothing_and_loses_nothing(
    host: Host, ledger: Ledger, redis_client: "redis.Redis", marks: Fingerprints
) -> None:
    host.keep("one")
    other = Sealer(("quite another secret",))
    with pytest.raises(Refused):
        load_fingerprints(redis_client, other)
    host.drainer._fingerprints = lambda client: load_fingerprints(client, other)
    assert host.drainer.drain_some() == POLL_EVERY
    assert (host.spool.figures().count, host.spool.figures().refused) == (1, 0)
    assert accepted(ledger) == 0
    assert [report.figures.count for report in ledger.spools.all()] == [1]


# --- one that cannot be taken


def test_one_that_cannot_be_read_lets_the_others_pass_is_shown_and_tried_again(
    host: Host, ledger: Ledger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    host.keep("odd")
    host.keep("fine", "bob@example.com")
    with host.spool._file.transaction() as step:
        step.execute(
            "UPDATE spooled SET document = json_remove(document, '$.lists') WHERE id='odd'"
        )
    assert host.drainer.drain_some() == PAUSE
    assert accepted(ledger) == 1
    assert (host.spool.figures().count, host.spool.figures().refused) == (1, 1)
    [report] = ledger.spools.all()
    assert (report.figures.count, report.figures.refused) == (1, 1)
    assert host.drainer.drain_some() == POLL_EVERY
    assert "ada@example.com" not in caplog.text

    with host.spool._file.transaction() as step:  # a version that can read it
        step.execute("UPDATE spooled SET document = json_set(document, '$.lists', json('[]'))")
    clock.off += REFUSED_WAIT
    host.drain()
    assert accepted(ledger) == 2


def test_an_account_whose_keys_are_broken_does_not_stop_the_others(
    host: Host, ledger: Ledger, redis_client: "redis.Redis", clock: Clock
) -> None:
    redis_client.hset("relay:{broken}:key", "no", "string")
    host.keep("one", "bob@example.com", account="broken")
    host.keep("two")
    host.drainer.drain_some()
    assert accepted(ledger) == 1
    assert host.spool.figures().refused == 1
    redis_client.delete("relay:{broken}:key")
    clock.off += REFUSED_WAIT
    host.drain()
    assert ledger.figures("broken").accepted == 1


# --- several processes, one thread each


def test_only_one_process_drains_at_a_time(host: Host, ledger: Ledger) -> None:
    host.keep("one")
    other = host.process(Spool(host.folder, limit=1, now=host.clock.now))
    with other._locked() as mine:
        assert mine
        assert host.drainer.drain_some() == POLL_EVERY
        assert accepted(ledger) == 0
    host.drain()
    assert accepted(ledger) == 1


def test_the_thread_drains_all_ends_and_comes_again(
    host: Host, ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    for times in (1, 2):
        for number in range(BATCH * 2):
            host.keep(f"{times}-{number}", f"{times}-{number}@example.com")
        host.drainer.wake()
        host.drainer.wake()
        eventually(lambda: host.drainer._thread is None, within=30, what="the end of the thread")
        assert accepted(ledger) == times * BATCH * 2
    assert set(host.slept) == {PAUSE.total_seconds()}


def test_what_is_kept_while_the_thread_ends_is_drained_all_the_same(
    host: Host, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Added after the last look, and woken before the thread is gone."""
    host.keep("one")
    real, looks = host.drainer.drain_some, []

    def drain_some() -> timedelta | None:
        pause = real()
        looks.append(pause)
        if len(looks) == 1:
            host.keep("two", "bob@example.com")
            host.drainer.wake()
        return pause

    monkeypatch.setattr(host.drainer, "drain_some", drain_some)
    host.drainer.wake()
    eventually(lambda: host.drainer._thread is None, within=30, what="the end of the thread")
    assert accepted(ledger) == 2


# --- what others see


def test_what_waits_is_told_to_redis_and_forgotten_when_nothing_does(
    host: Host, ledger: Ledger, clock: Clock
) -> None:
    assert ledger.spools.all() == []
    clock.off = -timedelta(minutes=4)
    for number in range(BATCH + 2):
        host.keep(str(number), f"{number}@example.com")
    clock.off = timedelta()
    host.drainer.drain_some()
    [report] = ledger.spools.all()
    assert (report.id, report.host, report.figures.count) == (host.spool.identity(), "web-1", 2)
    assert report.figures.bytes > 100
    assert report.figures.oldest is not None
    assert timedelta(minutes=4) <= report.figures.oldest < timedelta(minutes=5)
    assert report.seen < timedelta(seconds=5)
    host.drain()
    assert ledger.spools.all() == []


def test_a_host_that_is_silent_since_has_been_waiting_for_longer(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    figures = SpoolFigures(count=3, bytes=99, oldest=timedelta(minutes=1), refused=1)
    ledger.spools.note("id", "web-2", figures)
    stored = redis_client.hget("relay:spools", "id")
    [report] = ledger.spools.all()
    assert (report.host, report.figures.count, report.figures.refused) == ("web-2", 3, 1)
    assert '"count": 3' in str(stored)
    later = from_stored("id", str(stored), utc_now() + timedelta(hours=1))
    assert later.seen > timedelta(minutes=59)
    assert later.figures.oldest is not None and later.figures.oldest > timedelta(minutes=60)


def test_nobodys_address_is_in_what_redis_is_told(host: Host, redis_client: "redis.Redis") -> None:
    for number in range(BATCH + 1):
        host.keep(str(number), f"ada-{number}@example.com")
    host.drainer.drain_some()
    assert "@" not in str(redis_client.hgetall("relay:spools"))
