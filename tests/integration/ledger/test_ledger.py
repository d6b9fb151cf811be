"""The ledger's steps, one by one and at once, on a real server."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.domain.account import Hold, HoldReason
from shared.domain.errors import KeyReused, LedgerUnavailable, VisitorLimited
from shared.domain.signup import DeathReason, State
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import RateLimit
from shared.ledger import keys, limits
from shared.ledger.busy_accounts import AccountWork, BusyAccounts
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Claim, NothingDue, OnHold, PaceRules, Wait
from tests.support import builders
from tests.support.builders import accept, attempt, bury, claim, claimed
from tests.support.holds import let_probe_come
from tests.support.records import receive_earlier
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer

AT_ONCE = 8
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    registry = Registry(redis_client)
    registry.save_account(builders.account("acme"))
    registry.save_account(builders.account("blue"))
    return Ledger(redis_client)


def assert_accounted_for(ledger: Ledger, account: str = "acme") -> None:
    """Invariant 2 (docs/invariants.md)."""
    figures = ledger.figures(account)
    ended = figures.delivered + figures.dead + figures.discarded + figures.quarantined
    assert figures.accepted == figures.due + ended


def make_due(client: "redis.Redis", id: str, queue: str, account: str = "acme") -> None:
    """Let time pass until the retry or the lost claim of `id` is due."""
    assert client.zadd(f"{keys.account(account)}due:{queue}", {id: 1}, xx=True, ch=True) == 1


def forget_lane(client: "redis.Redis", claim: Claim) -> None:
    """Let the lane's key expire, as it does with the lease."""
    for key in client.scan_iter(f"{keys.account(claim.account)}lane:*"):
        client.delete(key)


def state_of(ledger: Ledger, id: str) -> State:
    found = ledger.find(id, ["acme", "blue"])
    assert found is not None
    return found.state


# --- accepting


def test_a_signup_is_stored_whole(ledger: Ledger) -> None:
    sent = builders.submission("ämélie@example.com")
    ledger.accept(sent, person="p", digest="d", idempotency_key=None, visitor=None, limit=None)
    stored = ledger.find(sent.id, ["blue", "acme"])
    assert stored is not None
    assert stored.contact == sent.contact
    assert stored.consent == sent.consent
    assert stored.lists == sent.lists
    assert stored.state == State.QUEUED


def test_the_first_signup_notifies_the_workers_and_those_behind_it_do_not(ledger: Ledger) -> None:
    assert accept(ledger, "a@example.com").notify_workers
    assert not accept(ledger, "b@example.com").notify_workers


def test_a_lane_that_runs_dry_lets_the_next_signup_notify_again(ledger: Ledger) -> None:
    accept(ledger)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert claim(ledger) == NothingDue()
    assert accept(ledger, "b@example.com").notify_workers


def test_the_same_content_is_one_signup(ledger: Ledger) -> None:
    first = accept(ledger, digest="same")
    again = accept(ledger, digest="same")
    assert (again.id, again.duplicate) == (first.id, True)
    assert ledger.figures("acme").accepted == 1


def test_the_same_key_is_one_signup_and_other_content_under_it_an_error(ledger: Ledger) -> None:
    first = accept(ledger, idempotency_key="k", digest="same")
    assert accept(ledger, idempotency_key="k", digest="same").id == first.id
    with pytest.raises(KeyReused):
        accept(ledger, idempotency_key="k", digest="other")
    assert ledger.figures("acme").accepted == 1


def test_accepting_a_known_id_changes_nothing(ledger: Ledger) -> None:
    sent = builders.submission()
    for digest in ("one", "two"):
        ledger.accept(
            sent, person="p", digest=digest, idempotency_key=None, visitor=None, limit=None
        )
    assert ledger.figures("acme").accepted == 1


def test_a_key_that_comes_with_known_content_belongs_to_it(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    first = accept(ledger, digest="same")
    accept(ledger, digest="same", idempotency_key="k")
    redis_client.delete(keys.account("acme") + "seen:same")  # ten minutes later
    assert accept(ledger, digest="same", idempotency_key="k").id == first.id


def test_a_quarantined_signup_is_nobodys_first_and_never_claimed(ledger: Ledger) -> None:
    caught = accept(ledger, digest="same", quarantine="honeypot")
    assert claim(ledger) == NothingDue()
    clean = accept(ledger, digest="same")
    assert not clean.duplicate
    assert state_of(ledger, caught.id) == State.QUARANTINED
    assert_accounted_for(ledger)


def test_a_visitor_over_the_limit_is_told_when_to_come_back(ledger: Ledger) -> None:
    limit = RateLimit(2, timedelta(minutes=1))
    for email in ("a@example.com", "b@example.com"):
        accept(ledger, email, visitor="v", limit=limit)
    with pytest.raises(VisitorLimited) as caught:
        accept(ledger, "c@example.com", visitor="v", limit=limit)
    assert timedelta() < caught.value.retry_after <= timedelta(minutes=1)
    assert accept(ledger, "c@example.com", visitor="another", limit=limit)


def test_with_fsync_the_signup_is_on_disk_before_it_is_accepted(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    assert accept(Ledger(redis_client, fsync=True), "d@example.com")
    assert redis_client.info("persistence")["aof_pending_bio_fsync"] == 0


def test_a_server_that_is_gone_is_an_error_of_ours() -> None:
    nowhere = Ledger(connect("redis://127.0.0.1:9/0", socket_connect_timeout=0.5))
    with pytest.raises(LedgerUnavailable):
        accept(nowhere)


def test_the_same_signup_sent_at_once_is_stored_once(valkey: ValkeyServer, ledger: Ledger) -> None:
    ready = threading.Barrier(AT_ONCE)

    def send(_: int) -> bool:
        mine = Ledger(valkey.client())
        ready.wait(timeout=10)
        return accept(mine, digest="same").duplicate

    with ThreadPoolExecutor(AT_ONCE) as senders:
        duplicates = list(senders.map(send, range(AT_ONCE)))
    assert duplicates.count(False) == 1
    assert ledger.figures("acme").accepted == 1


# --- claiming and settling


def test_a_delivered_signup_is_accounted_for(ledger: Ledger) -> None:
    accepted = accept(ledger)
    assert ledger.deliver(claimed(ledger), attempt(), contact_id="c-1", action="created")
    stored = ledger.find(accepted.id, ["acme"])
    assert stored is not None
    assert (stored.state, stored.contact_id, stored.attempts) == (State.DELIVERED, "c-1", 1)
    assert ledger.figures("acme").due == 0
    assert_accounted_for(ledger)


def test_lanes_that_ask_at_once_never_share_a_claim(valkey: ValkeyServer, ledger: Ledger) -> None:
    for number in range(AT_ONCE):
        accept(ledger, f"{number}@example.com")
    ready = threading.Barrier(AT_ONCE)

    def ask(_: int) -> str:
        mine = Ledger(valkey.client())
        ready.wait(timeout=10)
        return claimed(mine).id

    with ThreadPoolExecutor(AT_ONCE) as lanes:
        ids = list(lanes.map(ask, range(AT_ONCE)))
    assert len(set(ids)) == AT_ONCE


def test_a_lane_that_asks_again_gets_its_open_claim(ledger: Ledger) -> None:
    accept(ledger, "a@example.com")
    accept(ledger, "b@example.com")
    first = claimed(ledger, lane="mine")
    again = claimed(ledger, lane="mine")
    assert (again.id, again.number) == (first.id, first.number)


def test_a_superseded_claim_cannot_write(redis_client: "redis.Redis", ledger: Ledger) -> None:
    accept(ledger)
    lost = claimed(ledger)
    make_due(redis_client, lost.id, "fresh")
    newer = claimed(ledger)
    assert not ledger.bury(
        lost,
        attempt(400),
        reason=DeathReason.REJECTED,
        error_key="",
        message="",
        account_is_well=True,
    )
    assert not ledger.retry(lost, attempt(500), wait=timedelta(), error_key="", message="")
    assert not ledger.release_claim(lost, None)
    assert not ledger.deliver(lost, attempt(), contact_id="c", action="created")
    assert state_of(ledger, lost.id) == State.DELIVERING
    assert ledger.deliver(newer, attempt(), contact_id="c", action="created")


def test_a_claim_that_ran_out_may_write_while_nobody_superseded_it(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    accept(ledger)
    late = claimed(ledger)
    make_due(redis_client, late.id, "fresh")
    assert ledger.deliver(late, attempt(), contact_id="c", action="created")
    assert claim(ledger) == NothingDue()
    assert_accounted_for(ledger)


def test_settling_twice_changes_nothing_twice(ledger: Ledger) -> None:
    accept(ledger)
    mine = claimed(ledger)
    for _ in range(2):
        assert ledger.deliver(mine, attempt(), contact_id="c", action="created")
    figures = ledger.figures("acme")
    assert (figures.due, figures.delivered) == (0, 1)
    found = ledger.find(mine.id, ["acme"])
    assert found is not None
    assert len(ledger.history(found)) == 1


def test_a_lost_claim_is_counted_apart_from_attempts(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    accept(ledger)
    lost = claimed(ledger)
    make_due(redis_client, lost.id, "fresh")
    assert claimed(ledger).attempts == 0
    found = ledger.find(lost.id, ["acme"])
    assert found is not None
    assert (found.lost, found.attempts) == (1, 0)


def test_a_retry_waits_its_time_and_counts(redis_client: "redis.Redis", ledger: Ledger) -> None:
    accept(ledger)
    mine = claimed(ledger)
    ledger.retry(mine, attempt(503), wait=timedelta(hours=1), error_key="", message="HTTP 503")
    assert claim(ledger) == NothingDue()
    make_due(redis_client, mine.id, "retry")
    assert claimed(ledger).attempts == 1
    assert_accounted_for(ledger)


def test_a_released_claim_keeps_its_place_and_counts_nothing(ledger: Ledger) -> None:
    first = accept(ledger, "a@example.com")
    accept(ledger, "b@example.com")
    ledger.release_claim(claimed(ledger), attempt(401, counted=False))
    again = claimed(ledger)
    assert (again.id, again.attempts) == (first.id, 0)


def test_one_persons_signups_are_claimed_one_after_the_other_in_order(ledger: Ledger) -> None:
    ids = [accept(ledger).id for _ in range(12)]
    seen = []
    for _ in ids:
        mine = claimed(ledger)
        assert not isinstance(claim(ledger), Claim)
        ledger.deliver(mine, attempt(), contact_id="c", action="updated")
        seen.append(mine.id)
    assert seen == ids
    assert_accounted_for(ledger)


def test_a_persons_next_signup_waits_for_the_retry_of_the_first(ledger: Ledger) -> None:
    accept(ledger)
    accept(ledger)
    mine = claimed(ledger)
    ledger.retry(mine, attempt(503), wait=timedelta(hours=1), error_key="", message="")
    assert claim(ledger) == NothingDue()


def test_a_fresh_signup_does_not_wait_behind_many_retries(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    failed = []
    for number in range(20):
        accept(ledger, f"{number}@example.com")
        mine = claimed(ledger)
        ledger.retry(mine, attempt(503), wait=timedelta(hours=1), error_key="", message="")
        failed.append(mine.id)
    for id in failed:
        make_due(redis_client, id, "retry")
    fresh = accept(ledger, "fresh@example.com")
    assert fresh.id in [claimed(ledger).id for _ in range(2)]


def test_retries_do_not_wait_behind_many_fresh_signups(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    accept(ledger, "old@example.com")
    old = claimed(ledger)
    ledger.retry(old, attempt(503), wait=timedelta(hours=1), error_key="", message="")
    make_due(redis_client, old.id, "retry")
    for number in range(20):
        accept(ledger, f"{number}@example.com")
    assert old.id in [claimed(ledger).id for _ in range(4)]


# --- dead letters


def bury_one(ledger: Ledger, email: str = "ada@example.com") -> str:
    error_key, message = "contacts.api.validation.error", "HTTP 400: no"
    return bury(ledger, email, error_key=error_key, message=message)


def test_a_dead_letter_keeps_its_reason_and_attempts(ledger: Ledger) -> None:
    id = bury_one(ledger)
    (dead,) = ledger.dead_letters("acme")
    assert (dead.id, dead.reason, dead.error_key) == (
        id,
        "rejected",
        "contacts.api.validation.error",
    )
    assert [entry["status"] for entry in ledger.history(dead)] == [400]
    assert list(ledger.dead_letters("acme", reason=DeathReason.GAVE_UP)) == []
    assert_accounted_for(ledger)


def test_a_requeued_dead_letter_is_delivered_below_fresh_ones(ledger: Ledger) -> None:
    old = bury_one(ledger, "old@example.com")
    assert ledger.requeue("acme", old)
    assert not ledger.requeue("acme", old)
    fresh = accept(ledger, "fresh@example.com")
    order = [claimed(ledger).id for _ in range(2)]
    assert order == [fresh.id, old]
    assert_accounted_for(ledger)


def test_a_requeued_dead_letter_stays_behind_the_same_persons_delivery_under_way(
    ledger: Ledger,
) -> None:
    old = bury_one(ledger)
    accept(ledger)
    under_way = claimed(ledger)
    ledger.requeue("acme", old)
    assert claim(ledger) == NothingDue()
    ledger.deliver(under_way, attempt(), contact_id="c", action="updated")
    assert claimed(ledger).id == old


def test_discarding_takes_dead_letters_and_quarantined_ones_only(ledger: Ledger) -> None:
    dead = bury_one(ledger)
    caught = accept(ledger, quarantine="honeypot").id
    waiting = accept(ledger, "b@example.com").id
    assert ledger.discard("acme", dead)
    assert ledger.discard("acme", caught)
    assert not ledger.discard("acme", waiting)
    assert ledger.figures("acme").discarded == 2
    assert_accounted_for(ledger)


# --- holds


def test_nothing_is_claimed_on_hold_and_everything_flows_after_it(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    busy = BusyAccounts(redis_client)
    accept(ledger)
    ledger.hold("acme", HoldReason.PAUSED, by="operator", note="holiday")
    assert claim(ledger) == OnHold(HoldReason.PAUSED)
    assert busy.find_work() == []
    assert ledger.release("acme") == [HoldReason.PAUSED]
    assert busy.find_work() == [AccountWork("acme", due=True, feeding=False)]
    assert isinstance(claim(ledger), Claim)


def test_holds_are_active_side_by_side_and_end_by_their_own_cause(ledger: Ledger) -> None:
    accept(ledger)
    ledger.hold("acme", HoldReason.PAUSED, by="operator")
    ledger.hold("acme", HoldReason.RECONNECT, by="answer")
    assert [hold.reason for hold in ledger.figures("acme").holds] == ["reconnect", "paused"]
    ledger.lift("acme", HoldReason.RECONNECT)
    assert claim(ledger) == OnHold(HoldReason.PAUSED)


def test_one_probe_at_a_time_passes_a_hold_and_its_success_ends_it(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    for number in range(3):
        accept(ledger, f"{number}@example.com")
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(minutes=1))
    assert claim(ledger) == OnHold(HoldReason.FORBIDDEN)
    ledger.release("acme")  # probes at once
    probe = claimed(ledger)
    assert claim(ledger) == OnHold(HoldReason.FORBIDDEN)
    ledger.deliver(probe, attempt(), contact_id="c", action="created")
    assert ledger.figures("acme").holds == ()
    assert isinstance(claim(ledger), Claim)


def test_a_probe_ends_only_what_it_probed(ledger: Ledger) -> None:
    accept(ledger)
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    ledger.release("acme")
    probe = claimed(ledger)
    ledger.hold_quota("acme", jitter=0.0)  # another lane was told so meanwhile
    ledger.deliver(probe, attempt(), contact_id="c", action="created")
    assert [hold.reason for hold in ledger.figures("acme").holds] == [HoldReason.QUOTA]


def test_a_probe_that_was_not_sent_lets_another_one_probe_at_once(ledger: Ledger) -> None:
    accept(ledger)
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    ledger.release("acme")
    ledger.release_claim(claimed(ledger), None)
    assert isinstance(claim(ledger), Claim)


def test_a_probe_that_is_buried_unsent_lets_another_one_probe_at_once(ledger: Ledger) -> None:
    for email in ("old@example.com", "b@example.com"):
        accept(ledger, email)
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer", first_probe=timedelta(hours=1))
    ledger.release("acme")
    ledger.bury(
        claimed(ledger),
        None,
        reason=DeathReason.GAVE_UP,
        error_key="",
        message="too old",
        account_is_well=False,
    )
    assert isinstance(claim(ledger), Claim)


def forbid(ledger: Ledger, first_probe: timedelta | None = MINUTE) -> Hold:
    """Have the API refuse the account, as if with a 403; return the hold."""
    ledger.hold(
        "acme",
        HoldReason.FORBIDDEN,
        by="answer",
        first_probe=first_probe,
        longest_probe=timedelta(hours=1),
    )
    (hold,) = ledger.figures("acme").holds
    return hold


def until_next_probe(hold: Hold) -> timedelta:
    """Return how long after its last refusal a hold is probed."""
    assert hold.probe_at and hold.refused_at
    return hold.probe_at - hold.refused_at


def fail_a_probe(ledger: Ledger) -> None:
    ledger.release_claim(claimed(ledger), attempt(403, counted=False))


def test_a_probe_that_fails_again_makes_the_next_one_wait_longer(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    accept(ledger)
    waits = [until_next_probe(forbid(ledger))]
    for _ in range(2):
        let_probe_come(redis_client)
        fail_a_probe(ledger)
        waits.append(until_next_probe(forbid(ledger)))
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE]


@pytest.mark.parametrize(
    "fail",
    [
        pytest.param(fail_a_probe, id="it is sent"),
        pytest.param(lambda _: None, id="there is no token to claim it with"),
    ],
)
def test_a_probe_that_an_operator_asks_for_leaves_the_others_as_they_were(
    ledger: Ledger, fail: Callable[[Ledger], None]
) -> None:
    accept(ledger)
    planned = forbid(ledger).probe_at
    for _ in range(3):
        ledger.release("acme")
        ledger.release("acme")  # and again, for impatience
        fail(ledger)
        assert forbid(ledger).probe_at == planned


def test_an_operators_probe_that_fails_after_the_planned_time_doubles_nothing(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    accept(ledger)
    forbid(ledger)
    let_probe_come(redis_client)
    ledger.release("acme")
    fail_a_probe(ledger)
    assert until_next_probe(forbid(ledger)) == MINUTE
    let_probe_come(redis_client)
    fail_a_probe(ledger)
    assert until_next_probe(forbid(ledger)) == 2 * MINUTE


def test_an_operators_probe_counts_for_no_later_one_of_a_hold_that_nothing_probed(
    ledger: Ledger,
) -> None:
    accept(ledger)
    assert forbid(ledger, first_probe=None).probe_at is None
    ledger.release("acme")
    fail_a_probe(ledger)
    assert until_next_probe(forbid(ledger)) == MINUTE


def test_the_quota_of_an_api_key_holds_all_its_accounts_until_midnight(ledger: Ledger) -> None:
    accept(ledger, account="acme")
    accept(ledger, account="blue")
    ledger.hold_quota("acme", jitter=0.5)
    assert claim(ledger, account="blue") == OnHold(HoldReason.QUOTA)
    (hold,) = ledger.figures("blue").holds
    assert hold.until is not None
    assert (hold.until.hour, hold.until.minute, hold.until.second) == (0, 0, 15)


def test_time_on_hold_does_not_age_a_signup(redis_client: "redis.Redis", ledger: Ledger) -> None:
    id = accept(ledger).id
    ledger.hold("acme", HoldReason.PAUSED, by="operator")
    two_days = timedelta(days=2) // timedelta(milliseconds=1)
    prefix = keys.account("acme")
    # Two days pass: everything that was noted lies so much further back.
    receive_earlier(redis_client, f"{prefix}signup:{id}", timedelta(days=2))
    redis_client.hincrby(f"{prefix}clock", "since", -two_days)
    ledger.release("acme")
    assert claimed(ledger).age < timedelta(minutes=1)


def test_a_full_server_accepts_nothing_and_yet_settles_what_was_sent(
    tmp_path: Path,
) -> None:
    with ValkeyServer(tmp_path) as server, server.client() as client:
        Registry(client).save_account(builders.account("acme"))
        small = Ledger(client)
        for email in ("a@example.com", "b@example.com"):
            accept(small, email)
        sent = claimed(small)
        client.config_set("maxmemory", 1)
        with pytest.raises(LedgerUnavailable):
            accept(small, "c@example.com")
        with pytest.raises(LedgerUnavailable):
            claim(small)
        assert small.deliver(sent, attempt(), contact_id="c", action="created")
        client.config_set("maxmemory", 0)
        figures = small.figures("acme")
        assert (figures.accepted, figures.due, figures.delivered) == (2, 1, 1)


# --- pace and quota


def test_a_clock_that_went_back_does_not_stop_deliveries(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    accept(ledger)
    seconds, _ = redis_client.time()
    an_hour_ahead = (seconds + 7200) * 1_000_000
    pace_key = keys.api_key("test-key") + "pace"
    redis_client.hset(pace_key, mapping={"next": an_hour_ahead, "rest_until": an_hour_ahead})
    assert isinstance(claim(ledger), Claim)


def test_slots_are_evenly_spaced_for_all_lanes_and_accounts(ledger: Ledger) -> None:
    for number in range(8):
        accept(ledger, f"{number}@example.com", account="acme")
    pace = PaceRules(
        requests_per_second=10, deliveries_per_day=1000, lookahead=timedelta(milliseconds=500)
    )
    granted = 0
    while isinstance(answer := claim(ledger, pace=pace), Claim):
        granted += 1
    assert isinstance(answer, Wait)
    assert 4 <= granted <= 7  # 500 ms ahead at some 100 ms each, and the time this takes


def test_the_days_budget_holds_the_key(ledger: Ledger) -> None:
    pace = PaceRules(requests_per_second=1_000_000, deliveries_per_day=2)
    for number in range(3):
        accept(ledger, f"{number}@example.com")
    assert [type(claim(ledger, pace=pace)) for _ in range(3)] == [Claim, Claim, OnHold]
    assert ledger.pace.used_today("test-key") == 2


def test_the_account_that_has_waited_longest_goes_first(
    redis_client: "redis.Redis", ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TURN_PATIENCE", timedelta(seconds=30))  # on a busy machine
    pace = PaceRules(requests_per_second=8, deliveries_per_day=1000, lookahead=timedelta(0))
    for number in range(5):
        accept(ledger, f"{number}@example.com", account="acme")
    accept(ledger, "small@example.com", account="blue")
    assert isinstance(claim(ledger, account="acme", pace=pace), Claim)
    assert isinstance(claim(ledger, account="blue", pace=pace), Wait)
    assert isinstance(claim(ledger, account="acme", pace=pace), Wait)

    await_next_slot(redis_client)

    # The large account comes first and asks again and again, yet the slot is not its.
    assert isinstance(claim(ledger, account="acme", pace=pace), Wait)
    assert isinstance(claim(ledger, account="blue", pace=pace), Claim)


def test_an_account_that_does_not_come_for_its_turn_blocks_no_other(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    pace = PaceRules(requests_per_second=8, deliveries_per_day=1000, lookahead=timedelta(0))
    for account in ("acme", "acme", "blue"):
        accept(ledger, f"{uuid.uuid4()}@example.com", account=account)
    assert isinstance(claim(ledger, account="acme", pace=pace), Claim)
    assert isinstance(claim(ledger, account="blue", pace=pace), Wait)  # and is never seen again
    await_next_slot(redis_client)
    eventually(
        lambda: isinstance(claim(ledger, account="acme", pace=pace), Claim), what="the other's turn"
    )


def await_next_slot(client: "redis.Redis") -> None:
    """Wait until the next slot of the key begins, by Redis' clock."""

    def begun() -> bool:
        seconds, microseconds = client.time()
        free = float(client.hget(keys.api_key("test-key") + "pace", "next") or 0)
        return seconds * 1_000_000 + microseconds >= free

    deadline = time.monotonic() + 5
    while not begun():
        assert time.monotonic() < deadline


def test_accepting_is_one_round_trip(ledger: Ledger, redis_client: "redis.Redis") -> None:
    builders.accept(ledger, "first@example.com")  # it may have to load the script
    redis_client.config_resetstat()
    builders.accept(ledger)
    commands = redis_client.info("commandstats")
    assert commands["cmdstat_evalsha"]["calls"] == 1
    assert "cmdstat_script|exists" not in commands
