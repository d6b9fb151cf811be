"""What is usual for an account: when sign-ups come, and when it last delivered."""

import uuid
from datetime import timedelta

import pytest
import redis

from shared.ledger.ledger import Ledger
from shared.ledger.limits import NEEDED_DAYS
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.stores.signup_baseline import SignupBaseline, SignupBaselines
from tests.support import builders

KEY = "relay:{acme}:rhythm"
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Site:
    """The account `acme`, whose sign-ups come and whose time can be let pass."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client
        self.ledger = Ledger(client)
        self.baselines = SignupBaselines(client)

    def look(self) -> SignupBaseline:
        (baseline,) = self.baselines.baselines(["acme"])
        return baseline

    def come(self, **fields: str) -> str:
        return builders.accept(self.ledger, f"{uuid.uuid4()}@example.com", **fields).id

    def let_pass(self, span: timedelta, *, watched: bool = True) -> None:
        """Make all that is known as much older, as if somebody had looked all the time or not."""
        ms = round(span / timedelta(milliseconds=1))
        days = round(span / DAY)
        for field, value in self.client.hgetall(KEY).items():
            if field == "last_at" or (field == "looked_at" and not watched):
                self.client.hset(KEY, field, int(value) - ms)
            elif str(field).startswith("day:") and days:
                self.client.hdel(KEY, field)
                self.client.hset(KEY, f"day:{int(str(field)[4:]) - days}", value)

    def live_for(self, days: int, gap: timedelta = HOUR) -> None:
        """Let that many days pass, each with the longest time without a sign-up of `gap`."""
        self.look()
        for _ in range(days):
            self.let_pass(DAY)
            self.client.hset(KEY, "last_at", _ms(self.client) - round(gap.total_seconds() * 1000))
            self.come()
            self.look()

    def silence(self) -> timedelta:
        return redis_time(self.client) - self.look().last_at


def _ms(client: "redis.Redis") -> int:
    return round(redis_time(client).timestamp() * 1000)


@pytest.fixture
def site(redis_client: "redis.Redis") -> Site:
    return Site(redis_client)


def is_about(span: timedelta, expected: timedelta) -> bool:
    """Whether it is: rounded to milliseconds, and a loaded machine takes its time to look."""
    return expected - SECOND < span < expected + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("gap", "unusual"),
    [
        pytest.param(HOUR, 24 * HOUR, id="a day at least"),
        pytest.param(10 * HOUR, 60 * HOUR, id="six times the longest"),
    ],
)
def test_what_is_unusual_goes_by_the_longest_time_without_a_sign_up(
    site: Site, gap: timedelta, unusual: timedelta
) -> None:
    site.live_for(3)
    site.live_for(NEEDED_DAYS - 3, gap)
    found = site.look()
    assert is_about(found.longest, gap)
    assert found.unusual is not None
    assert unusual - 6 * SECOND < found.unusual < unusual + timedelta(minutes=12)


def test_nothing_is_unusual_while_sign_ups_came_on_too_few_days(site: Site) -> None:
    assert site.look().unusual is None
    site.live_for(NEEDED_DAYS - 1)
    assert site.look().unusual is None
    site.live_for(1)
    assert site.look().unusual is not None


def test_only_a_sign_up_ends_the_silence_and_no_robot_or_operator(site: Site) -> None:
    ids = [site.come(), site.come(quarantine="trap")]
    site.look()
    site.let_pass(HOUR)
    assert is_about(site.silence(), HOUR)
    site.come(quarantine="trap")
    assert site.ledger.discard("acme", ids[1])
    assert is_about(site.silence(), HOUR)
    site.come()
    assert is_about(site.silence(), timedelta(0))


def test_a_long_silence_does_not_make_one_usual_while_it_lasts_nor_when_it_ends(
    site: Site,
) -> None:
    site.live_for(NEEDED_DAYS)
    site.let_pass(90 * DAY)
    assert site.look().unusual is not None
    assert is_about(site.silence(), 90 * DAY)
    site.come()
    assert is_about(site.look().longest, HOUR)


def test_the_time_in_which_nobody_looked_is_no_silence(site: Site) -> None:
    site.look()
    site.let_pass(HOUR)
    site.look()
    site.let_pass(5 * DAY, watched=False)
    assert is_about(site.silence(), HOUR)
    assert is_about(site.silence(), HOUR)


def test_a_server_clock_that_was_set_back_ends_no_silence(site: Site) -> None:
    site.look()
    site.let_pass(HOUR)
    site.let_pass(-5 * DAY, watched=False)
    assert is_about(site.silence(), HOUR)


def test_of_a_day_the_longest_time_without_a_sign_up_counts(site: Site) -> None:
    site.come()
    site.look()
    for gap in (HOUR, 3 * HOUR, SECOND):
        site.let_pass(gap)
        site.come()
        site.look()
    assert site.look().longest >= 3 * HOUR - SECOND


def test_what_is_older_than_fourteen_days_is_forgotten(
    site: Site, redis_client: "redis.Redis"
) -> None:
    site.live_for(40)
    assert redis_client.hlen(KEY) == 3 + 14


def test_the_last_delivery_is_known(site: Site) -> None:
    assert site.baselines.last_deliveries(["acme"]) == [None]
    before = redis_time(site.client) - SECOND
    for _ in range(2):
        site.come()
        claim = builders.claimed(site.ledger)
        assert site.ledger.deliver(claim, builders.attempt(), contact_id="c", action="created")
    (last,) = site.baselines.last_deliveries(["acme"])
    assert last is not None
    assert before < last <= redis_time(site.client)
