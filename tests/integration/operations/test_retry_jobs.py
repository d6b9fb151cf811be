"""Jobs on the real server: a dead letter of one is dead or due, and each is retried once."""

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
def jobs(redis_client: "redis.Redis") -> JobLedger:
    return JobLedger(redis_client, FAST)


def dead_letters(ledger: Ledger, count: int, account: str = "acme") -> list[str]:
    """Return the ids of new dead letters of as many people, the oldest first."""
    ids = [accept(ledger, f"{n}@example.com", account=account).id for n in range(count)]
    for _ in ids:
        bury_claim(ledger, claimed(ledger, account=account))
    return ids


def add(jobs: JobLedger, ids: list[str], id: str = "job", account: str = "acme") -> int:
    return jobs.add(account, id, ids, by="ada", chosen="{}")


def part(jobs: JobLedger, id: str = "job", account: str = "acme") -> JobPart:
    """Return the account's part of the job, whose counts must add up."""
    (found,) = [part for part in jobs.parts(account) if part.id == id]
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


def test_what_waits_in_a_job_is_dead_until_it_is_due(ledger: Ledger, jobs: JobLedger) -> None:
    ids = dead_letters(ledger, 150)
    assert add(jobs, ids) == 150
    before = part(jobs)
    assert (before.total, before.waiting, before.under_way) == (150, 150, 0)
    assert (before.by, before.chosen, before.ended_at) == ("ada", "{}", None)
    assert ledger.figures("acme").dead == 150

    assert jobs.feed("acme") == 150

    figures = ledger.figures("acme")
    assert (figures.due, figures.dead) == (150, 0)
    assert_accounted_for(ledger)


def test_the_oldest_go_first_and_their_ends_are_counted(ledger: Ledger, jobs: JobLedger) -> None:
    ids = dead_letters(ledger, 4)
    add(jobs, ids)
    jobs.feed("acme")
    claims = [claimed(ledger) for _ in ids]
    assert [claim.id for claim in claims] == ids

    ledger.deliver(claims[0], attempt(), contact_id="c", action="created")
    ledger.retry(claims[1], attempt(503), wait=builders.LEASE, error_key="", message="HTTP 503")
    bury_claim(ledger, claims[2])

    now = part(jobs)
    assert (now.delivered, now.dead, now.under_way, now.ended_at) == (1, 1, 2, None)
    bury_claim(ledger, claims[2])  # the answer got lost
    assert part(jobs).dead == 1
    assert_accounted_for(ledger)


def test_a_job_ends_with_its_last_signup_and_is_kept_for_30_days(
    ledger: Ledger, jobs: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(jobs, dead_letters(ledger, 1))
    jobs.feed("acme")
    assert part(jobs).ended_at is None
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert part(jobs).ended_at is not None
    job = f"{keys.account('acme')}replay:job"
    assert 29 * 86_400 < redis_client.ttl(job) <= 30 * 86_400
    redis_client.delete(job)
    assert jobs.parts("acme") == []


def test_what_happens_to_a_signup_after_its_job_is_not_counted_for_it(
    ledger: Ledger, jobs: JobLedger
) -> None:
    (id,) = dead_letters(ledger, 1)
    add(jobs, [id])
    jobs.feed("acme")
    bury_claim(ledger, claimed(ledger))
    assert add(jobs, [id]) == 0  # the answer got lost, and it is dead again already
    ledger.requeue("acme", id)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert (part(jobs).dead, part(jobs).delivered) == (1, 0)
    ended = part(jobs).ended_at
    add(jobs, dead_letters(ledger, 1), "another")
    jobs.feed("acme")
    bury_claim(ledger, claimed(ledger))
    assert part(jobs).ended_at == ended


def test_a_later_job_removes_the_ids_of_forgotten_ones(
    ledger: Ledger, jobs: JobLedger, redis_client: "redis.Redis"
) -> None:
    first, second, third = dead_letters(ledger, 3)
    add(jobs, [first], "old")
    add(jobs, [second], "going on")
    redis_client.delete(f"{keys.account('acme')}replay:old")  # as if 30 days had passed
    add(jobs, [third], "new")
    ids = redis_client.zrange(f"{keys.account('acme')}replays", 0, -1)
    assert ids == ["going on", "new"]


def test_a_signup_whose_job_is_forgotten_is_settled_all_the_same(
    ledger: Ledger, jobs: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(jobs, dead_letters(ledger, 1))
    jobs.feed("acme")
    redis_client.delete(f"{keys.account('acme')}replay:job")
    assert ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert ledger.figures("acme").delivered == 1
    assert jobs.parts("acme") == []


def test_what_is_added_to_a_job_that_has_ended_already_makes_it_go_on(
    ledger: Ledger, jobs: JobLedger, redis_client: "redis.Redis"
) -> None:
    first, second = dead_letters(ledger, 2)
    add(jobs, [first])
    jobs.feed("acme")
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    add(jobs, [second])
    assert (part(jobs).ended_at, part(jobs).waiting) == (None, 1)
    assert redis_client.ttl(f"{keys.account('acme')}replay:job") == -1
    assert add(jobs, [second]) == 0  # its answer got lost
    assert part(jobs).total == 2


def test_two_operators_retry_the_same_dead_letters_once(ledger: Ledger, jobs: JobLedger) -> None:
    ids = dead_letters(ledger, 1_200)
    together = Barrier(2)

    def retry(id: str) -> int:
        together.wait(timeout=30)
        return add(jobs, ids, id)

    with ThreadPoolExecutor(2) as operators:
        added = list(operators.map(retry, ["one", "two"]))

    assert sum(added) == 1_200
    while jobs.feed("acme"):
        assert_accounted_for(ledger)
    assert ledger.figures("acme").due == 1_200
    assert all(not part.waiting for part in jobs.parts("acme"))


def test_what_somebody_changed_before_its_turn_is_skipped(ledger: Ledger, jobs: JobLedger) -> None:
    edited, discarded, retried, died_again, _untouched = ids = dead_letters(ledger, 5)
    add(jobs, ids)
    signup = ledger.find(edited, ["acme"])
    assert signup is not None
    ledger.edit(
        signup, Contact(fields={"email_address": "new@example.com"}), person="n", change="{}"
    )
    ledger.discard("acme", discarded)
    ledger.requeue("acme", died_again)
    bury_claim(ledger, claimed(ledger))
    ledger.requeue("acme", retried)
    assert (part(jobs).waiting, part(jobs).skipped) == (1, 4)  # though its turn has not come

    assert jobs.feed("acme") == 1

    assert (part(jobs).skipped, part(jobs).under_way) == (4, 1)
    assert [state(ledger, id) for id in ids] == ["dead", "discarded", "queued", "dead", "queued"]
    sent_again = ledger.find(ids[4], ["acme"])
    assert sent_again is not None
    told = [(each["event"], each["by"], each["was"]) for each in ledger.history(sent_again)[1:]]
    assert told == [("retried", "ada", "rejected")]
    for _ in range(2):
        ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert (part(jobs).delivered, part(jobs).ended_at is None) == (1, False)
    assert add(jobs, [edited, died_again], "another") == 2
    assert_accounted_for(ledger)


def test_cancelling_keeps_the_waiting_dead_and_lets_the_due_flow_on(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    jobs = JobLedger(redis_client, JobPace(per_second=3, per_day=1_000))
    ids = dead_letters(ledger, 10)
    add(jobs, ids)
    fed = jobs.feed("acme")  # a second's worth
    assert 3 <= fed < 10

    assert jobs.cancel("acme", "job", by="bob") == 10 - fed
    assert jobs.cancel("acme", "job", by="bob") == 10 - fed
    assert jobs.cancel("acme", "no such", by="bob") is None
    assert add(jobs, ids) == 0

    now = part(jobs)
    assert (now.waiting, now.cancelled, now.under_way) == (0, 10 - fed, fed)
    assert now.cancelled_at is not None
    assert jobs.feed("acme") == 0
    for _ in range(fed):
        ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert part(jobs).ended_at is not None
    assert add(jobs, ids, "another") == 10 - fed
    assert_accounted_for(ledger)


def test_nothing_becomes_due_while_the_account_is_on_hold(ledger: Ledger, jobs: JobLedger) -> None:
    add(jobs, dead_letters(ledger, 3))
    ledger.hold("acme", HoldReason.PAUSED, by="ada")
    assert jobs.feed("acme") == 0
    assert part(jobs).obstacle == Obstacle.HOLD
    ledger.release("acme")
    assert jobs.feed("acme") == 3


def test_a_second_job_waits_for_the_first(ledger: Ledger, jobs: JobLedger) -> None:
    ids = dead_letters(ledger, 5)
    add(jobs, ids[:2], "one")
    add(jobs, ids[2:], "two")
    assert (part(jobs, "two").obstacle, part(jobs, "two").before) == (Obstacle.BEHIND, 2)
    assert (part(jobs, "one").obstacle, part(jobs, "one").before) == (None, 0)
    assert [jobs.feed("acme"), jobs.feed("acme")] == [2, 3]


def test_jobs_leave_a_fifth_of_the_day_to_fresh_signups(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    ids = dead_letters(ledger, 20)
    used = ledger.pace.used_today("test-key")
    jobs = JobLedger(redis_client, JobPace(per_second=1_000_000, per_day=used + 10))
    add(jobs, ids)
    assert jobs.feed("acme") == 8
    assert jobs.feed("acme") == 0
    assert part(jobs).obstacle == Obstacle.QUOTA
    for _ in range(8):
        ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert jobs.feed("acme") == 0  # the fifth is of what was left at first
    the_next_day(redis_client)
    assert jobs.feed("acme") > 0


def the_next_day(client: "redis.Redis") -> None:
    """Let nothing of this day's quota be used or kept any more."""
    for key in client.keys("*:quota:*") + client.keys("*:replay-reserve:*"):
        client.delete(str(key))


def nobody_fed_for_long(client: "redis.Redis", account: str) -> None:
    client.set(f"{keys.account(account)}replay-fed", 1)


def test_no_more_are_under_way_than_may_fail_again(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    jobs = JobLedger(redis_client, JobPace(per_second=9, per_day=1_000_000))
    add(jobs, dead_letters(ledger, 110))
    fed = []
    for _ in range(3):
        nobody_fed_for_long(redis_client, "acme")
        fed.append(jobs.feed("acme"))
    assert fed == [90, 10, 0]
    assert part(jobs).obstacle == Obstacle.UNDER_WAY
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    nobody_fed_for_long(redis_client, "acme")
    assert jobs.feed("acme") == 1


def test_the_keys_accounts_share_the_pace(ledger: Ledger, redis_client: "redis.Redis") -> None:
    jobs = JobLedger(redis_client, JobPace(per_second=8, per_day=1_000_000))
    add(jobs, dead_letters(ledger, 60))
    assert part(jobs).pace.per_second == 8
    add(jobs, dead_letters(ledger, 60, "other"), account="other")
    assert part(jobs).pace.per_second == 4
    assert [jobs.feed(name) for name in ("acme", "other")] == [4, 4]  # a second's worth


def test_what_a_pause_cost_is_not_made_up_for(ledger: Ledger, redis_client: "redis.Redis") -> None:
    jobs = JobLedger(redis_client, JobPace(per_second=2, per_day=1_000_000))
    add(jobs, dead_letters(ledger, 60))
    nobody_fed_for_long(redis_client, "acme")
    assert jobs.feed("acme") == 20  # ten seconds' worth


def test_a_clock_that_went_back_does_not_stop_a_job(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    jobs = JobLedger(redis_client, JobPace(per_second=2, per_day=1_000_000))
    add(jobs, dead_letters(ledger, 1))
    redis_client.set(f"{keys.account('acme')}replay-fed", 10**14)
    eventually(lambda: jobs.feed("acme") == 1)


def test_a_fresh_signup_goes_before_jobs_but_for_every_fiftieth_claim(
    ledger: Ledger, jobs: JobLedger
) -> None:
    (old,) = dead_letters(ledger, 1)
    add(jobs, [old])
    jobs.feed("acme")
    for number in range(60):
        accept(ledger, f"fresh-{number}@example.com")
    order = [claimed(ledger).id for _ in range(60)]
    assert order.index(old) == 50 - 2  # the first claim was that of the dead letter's first life


def test_a_full_server_changes_nothing_of_a_job(
    ledger: Ledger, jobs: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(jobs, dead_letters(ledger, 3))
    with configured(redis_client, "maxmemory", 1), pytest.raises(LedgerUnavailable):
        jobs.feed("acme")
    assert part(jobs).waiting == 3
    assert_accounted_for(ledger)


def test_what_a_job_sent_is_settled_and_counted_on_a_full_server(
    ledger: Ledger, jobs: JobLedger, redis_client: "redis.Redis"
) -> None:
    add(jobs, dead_letters(ledger, 1))
    jobs.feed("acme")
    claim = claimed(ledger)
    with configured(redis_client, "maxmemory", 1):
        assert ledger.deliver(claim, attempt(), contact_id="c", action="created")
    assert (part(jobs).delivered, part(jobs).ended_at is None) == (1, False)
