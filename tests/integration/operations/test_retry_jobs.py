"""Replays on the real server: a dead letter of one is dead or due, and each is retried once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable
from shared.domain.job import JobPace, Obstacle
from shared.domain.signup import Contact
from shared.ledger import keys
from shared.ledger.jobs import JobLedger, JobPart
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept, attempt, bury_claim, claimed
from tests.support.redis_settings import configured
from tests.support.stack import eventually

# So fast that the pace never holds up a test that is not about it.
FAST = JobPace(per_second=1_000_000, per_day=1_000_000)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    for name in ("acme", "other"):
        Registry(redis_client).save_account(builders.account(name))
    return Ledger(redis_client)


@pytest.fixture
def replays(redis_client: "redis.Redis") -> JobLedger:
    return JobLedger(redis_client, FAST)


def dead_letters(ledger: Ledger, count: int, account: str = "acme") -> list[str]:
    """Return the ids of new dead letters of as many people, the oldest first."""
    ids = [accept(ledger, f"{n}@example.com", account=account).id for n in range(count)]
    for _ in ids:
        bury_claim(ledger, claimed(ledger, account=account))
    return ids


def add(replays: JobLedger, ids: list[str], id: str = "job", account: str = "acme") -> int:
    return replays.add(account, id, ids, by="ada", chosen="{}")


def part(replays: JobLedger, id: str = "job", account: str = "acme") -> JobPart:
    """Return the account's part of the replay, whose counts must add up."""
    (found,) = [part for part in replays.parts(account) if part.id == id]
    counts = (found.waiting, found.under_way, found.delivered, found.dead)
    assert found.total == sum(counts) + found.skipped + found.cancelled
    return found


def assert_accounted_for(ledger: Ledger, account: str = "acme") -> None:
    it = ledger.figures(account)
    ended = it.delivered + it.dead + it.discarded + it.quarantined
    assert it.accepted == it.due + ended


def state(ledger: Ledger, id: str) -> str:
    found = ledger.find(id, ["acme", "other"])
    assert found is not None
    return found.state


def test_what_waits_in_a_replay_is_dead_until_it_is_due(ledger: Ledger, replays: JobLedger) -> None:
    ids = dead_letters(ledger, 150)
    assert add(replays, ids) == 150
    before = part(replays)
    assert (before.total, before.waiting, before.under_way) == (150, 150, 0)
    assert (before.by, before.chosen, before.ended_at) == ("ada", "{}", None)
    assert ledger.figures("acme").dead == 150

    assert replays.feed("acme") == 150

    figures = ledger.figures("acme")
    assert (figures.due, figures.dead) == (150, 0)
    assert_accounted_for(ledger)


def test_the_oldest_go_first_and_their_ends_are_counted(ledger: Ledger, replays: JobLedger) -> None:
    ids = dead_letters(ledger, 4)
    add(replays, ids)
    replays.feed("acme")
    claims = [claimed(ledger) for _ in ids]
    assert [claim.id for claim in claims] == ids

    ledger.deliver(claims[0], attempt(), contact_id="c", action="created")
    ledger.retry(claims[1], attempt(503), wait=builders.LEASE, error_key="", message="HTTP 503")
    bury_claim(ledger, claims[2])

    now = part(replays)
    assert (now.delivered, now.dead, now.under_way, now.ended_at) == (1, 1, 2, None)
    bury_claim(ledger, claims[2])  # the answer got lost
    assert part(replays).dead == 1
    assert_accounted_for(ledger)


def test_a_replay_ends_with_its_last_signup_and_is_kept_for_30_days(
    ledger: Ledger, replays: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(replays, dead_letters(ledger, 1))
    replays.feed("acme")
    assert part(replays).ended_at is None
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert part(replays).ended_at is not None
    job = f"{keys.account('acme')}replay:job"
    assert 29 * 86_400 < redis_client.ttl(job) <= 30 * 86_400
    redis_client.delete(job)
    assert replays.parts("acme") == []


def test_what_happens_to_a_signup_after_its_replay_is_not_counted_for_it(
    ledger: Ledger, replays: JobLedger
) -> None:
    (id,) = dead_letters(ledger, 1)
    add(replays, [id])
    replays.feed("acme")
    bury_claim(ledger, claimed(ledger))
    assert add(replays, [id]) == 0  # the answer got lost, and it is dead again already
    ledger.requeue("acme", id)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert (part(replays).dead, part(replays).delivered) == (1, 0)
    ended = part(replays).ended_at
    add(replays, dead_letters(ledger, 1), "another")
    replays.feed("acme")
    bury_claim(ledger, claimed(ledger))
    assert part(replays).ended_at == ended


def test_a_later_replay_removes_the_ids_of_forgotten_ones(
    ledger: Ledger, replays: JobLedger, redis_client: "redis.Redis"
) -> None:
    first, second, third = dead_letters(ledger, 3)
    add(replays, [first], "old")
    add(replays, [second], "going on")
    redis_client.delete(f"{keys.account('acme')}replay:old")  # as if 30 days had passed
    add(replays, [third], "new")
    ids = redis_client.zrange(f"{keys.account('acme')}replays", 0, -1)
    assert ids == ["going on", "new"]


def test_a_signup_whose_replay_is_forgotten_is_settled_all_the_same(
    ledger: Ledger, replays: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(replays, dead_letters(ledger, 1))
    replays.feed("acme")
    redis_client.delete(f"{keys.account('acme')}replay:job")
    assert ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert ledger.figures("acme").delivered == 1
    assert replays.parts("acme") == []


def test_what_is_added_to_a_replay_that_has_ended_already_makes_it_go_on(
    ledger: Ledger, replays: JobLedger, redis_client: "redis.Redis"
) -> None:
    first, second = dead_letters(ledger, 2)
    add(replays, [first])
    replays.feed("acme")
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    add(replays, [second])
    assert (part(replays).ended_at, part(replays).waiting) == (None, 1)
    assert redis_client.ttl(f"{keys.account('acme')}replay:job") == -1
    assert add(replays, [second]) == 0  # its answer got lost
    assert part(replays).total == 2


def test_two_operators_retry_the_same_dead_letters_once(ledger: Ledger, replays: JobLedger) -> None:
    ids = dead_letters(ledger, 1_200)
    together = Barrier(2)

    def retry(id: str) -> int:
        together.wait(timeout=30)
        return add(replays, ids, id)

    with ThreadPoolExecutor(2) as operators:
        added = list(operators.map(retry, ["one", "two"]))

    assert sum(added) == 1_200
    while replays.feed("acme"):
        assert_accounted_for(ledger)
    assert ledger.figures("acme").due == 1_200
    assert all(not part.waiting for part in replays.parts("acme"))


def test_what_somebody_changed_before_its_turn_is_skipped(
    ledger: Ledger, replays: JobLedger
) -> None:
    edited, discarded, retried, died_again, _untouched = ids = dead_letters(ledger, 5)
    add(replays, ids)
    signup = ledger.find(edited, ["acme"])
    assert signup is not None
    ledger.edit(
        signup, Contact(fields={"email_address": "new@example.com"}), person="n", change="{}"
    )
    ledger.discard("acme", discarded)
    ledger.requeue("acme", died_again)
    bury_claim(ledger, claimed(ledger))
    ledger.requeue("acme", retried)
    assert (part(replays).waiting, part(replays).skipped) == (1, 4)  # though its turn has not come

    assert replays.feed("acme") == 1

    assert (part(replays).skipped, part(replays).under_way) == (4, 1)
    assert [state(ledger, id) for id in ids] == ["dead", "discarded", "queued", "dead", "queued"]
    sent_again = ledger.find(ids[4], ["acme"])
    assert sent_again is not None
    told = [(each["event"], each["by"], each["was"]) for each in ledger.history(sent_again)[1:]]
    assert told == [("retried", "ada", "rejected")]
    for _ in range(2):
        ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert (part(replays).delivered, part(replays).ended_at is None) == (1, False)
    assert add(replays, [edited, died_again], "another") == 2
    assert_accounted_for(ledger)


def test_cancelling_keeps_the_waiting_dead_and_lets_the_due_flow_on(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    replays = JobLedger(redis_client, JobPace(per_second=3, per_day=1_000))
    ids = dead_letters(ledger, 10)
    add(replays, ids)
    fed = replays.feed("acme")  # a second's worth
    assert 3 <= fed < 10

    assert replays.cancel("acme", "job", by="bob") == 10 - fed
    assert replays.cancel("acme", "job", by="bob") == 10 - fed
    assert replays.cancel("acme", "no such", by="bob") is None
    assert add(replays, ids) == 0

    now = part(replays)
    assert (now.waiting, now.cancelled, now.under_way) == (0, 10 - fed, fed)
    assert now.cancelled_at is not None
    assert replays.feed("acme") == 0
    for _ in range(fed):
        ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert part(replays).ended_at is not None
    assert add(replays, ids, "another") == 10 - fed
    assert_accounted_for(ledger)


def test_nothing_becomes_due_while_the_account_is_on_hold(
    ledger: Ledger, replays: JobLedger
) -> None:
    add(replays, dead_letters(ledger, 3))
    ledger.hold("acme", HoldReason.PAUSED, by="ada")
    assert replays.feed("acme") == 0
    assert part(replays).obstacle == Obstacle.HOLD
    ledger.release("acme")
    assert replays.feed("acme") == 3


def test_a_second_replay_waits_for_the_first(ledger: Ledger, replays: JobLedger) -> None:
    ids = dead_letters(ledger, 5)
    add(replays, ids[:2], "one")
    add(replays, ids[2:], "two")
    assert (part(replays, "two").obstacle, part(replays, "two").before) == (Obstacle.BEHIND, 2)
    assert (part(replays, "one").obstacle, part(replays, "one").before) == (None, 0)
    assert [replays.feed("acme"), replays.feed("acme")] == [2, 3]


def test_replays_leave_a_fifth_of_the_day_to_fresh_signups(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    ids = dead_letters(ledger, 20)
    used = ledger.pace.used_today("test-key")
    replays = JobLedger(redis_client, JobPace(per_second=1_000_000, per_day=used + 10))
    add(replays, ids)
    assert replays.feed("acme") == 8
    assert replays.feed("acme") == 0
    assert part(replays).obstacle == Obstacle.QUOTA
    for _ in range(8):
        ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert replays.feed("acme") == 0  # the fifth is of what was left at first
    the_next_day(redis_client)
    assert replays.feed("acme") > 0


def the_next_day(client: "redis.Redis") -> None:
    """Let nothing of this day's quota be used or kept any more."""
    for key in client.keys("*:quota:*") + client.keys("*:replay-reserve:*"):
        client.delete(str(key))


def nobody_fed_for_long(client: "redis.Redis", account: str) -> None:
    client.set(f"{keys.account(account)}replay-fed", 1)


def test_no_more_are_under_way_than_may_fail_again(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    replays = JobLedger(redis_client, JobPace(per_second=9, per_day=1_000_000))
    add(replays, dead_letters(ledger, 110))
    fed = []
    for _ in range(3):
        nobody_fed_for_long(redis_client, "acme")
        fed.append(replays.feed("acme"))
    assert fed == [90, 10, 0]
    assert part(replays).obstacle == Obstacle.UNDER_WAY
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    nobody_fed_for_long(redis_client, "acme")
    assert replays.feed("acme") == 1


def test_the_keys_accounts_share_the_pace(ledger: Ledger, redis_client: "redis.Redis") -> None:
    replays = JobLedger(redis_client, JobPace(per_second=8, per_day=1_000_000))
    add(replays, dead_letters(ledger, 60))
    assert part(replays).pace.per_second == 8
    add(replays, dead_letters(ledger, 60, "other"), account="other")
    assert part(replays).pace.per_second == 4
    assert [replays.feed(name) for name in ("acme", "other")] == [4, 4]  # a second's worth


def test_what_a_pause_cost_is_not_made_up_for(ledger: Ledger, redis_client: "redis.Redis") -> None:
    replays = JobLedger(redis_client, JobPace(per_second=2, per_day=1_000_000))
    add(replays, dead_letters(ledger, 60))
    nobody_fed_for_long(redis_client, "acme")
    assert replays.feed("acme") == 20  # ten seconds' worth


def test_a_clock_that_went_back_does_not_stop_a_replay(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    replays = JobLedger(redis_client, JobPace(per_second=2, per_day=1_000_000))
    add(replays, dead_letters(ledger, 1))
    redis_client.set(f"{keys.account('acme')}replay-fed", 10**14)
    eventually(lambda: replays.feed("acme") == 1)


def test_a_fresh_signup_goes_before_replays_but_for_every_fiftieth_claim(
    ledger: Ledger, replays: JobLedger
) -> None:
    (old,) = dead_letters(ledger, 1)
    add(replays, [old])
    replays.feed("acme")
    for number in range(60):
        accept(ledger, f"fresh-{number}@example.com")
    order = [claimed(ledger).id for _ in range(60)]
    assert order.index(old) == 50 - 2  # the first claim was that of the dead letter's first life


def test_a_full_server_changes_nothing_of_a_replay(
    ledger: Ledger, replays: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(replays, dead_letters(ledger, 3))
    with configured(redis_client, "maxmemory", 1), pytest.raises(LedgerUnavailable):
        replays.feed("acme")
    assert part(replays).waiting == 3
    assert_accounted_for(ledger)


def test_what_a_replay_sent_is_settled_and_counted_on_a_full_server(
    ledger: Ledger, replays: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(replays, dead_letters(ledger, 1))
    replays.feed("acme")
    claim = claimed(ledger)
    with configured(redis_client, "maxmemory", 1):
        assert ledger.deliver(claim, attempt(), contact_id="c", action="created")
    assert (part(replays).delivered, part(replays).ended_at is None) == (1, False)
