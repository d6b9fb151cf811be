"""The pace as a property: in any order of events, no second and no day sees too many calls.

Hypothesis chooses who asks for slots, when, how late the calls then start, when the API says 429,
and how the clock is set. The real scripts run in fakeredis, whose clock can be turned.
`MODEL_EXAMPLES=5000` runs so many random examples instead of a few that are the same each time.
"""

import heapq
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, cast

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as profile
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.domain.account import HoldReason
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.script_library import Scripts
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Claim, OnHold, PaceRules, Wait
from tests.support import builders
from tests.support.builders import accept
from tests.support.ledger_model import Clock, turnable_server
from worker.delivery.timing import SLOT_LIFE

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))

CLIENT_ID = "test-key"
ACCOUNTS = ("acme", "blue", "cyan")
LANES = ("one", "two")
READ = "read"
# How many slots the race for them lasts.
SLOTS = 30
SECOND = 1_000_000  # as all times here in microseconds
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
LOOKAHEAD = 50_000  # as `PaceRules` has it
LATEST_START = SLOT_LIFE // timedelta(microseconds=1)
# `grant` reserves no slot that is further ahead.
LONGEST_GRANT = 10 * SECOND
# Nor is anything put off for longer, whatever the API asks for.
LONGEST_REST = 3600 * SECOND
# As limits.py says: how far slots lie apart, and how much further after a 429.
MARGIN, SLOWED = 1.025, 1.25

RULES = profile(
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    # Of a failure all steps are shown: to find the fewest takes minutes.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Grant:
    """One slot: the day of its grant and its beginning, by Redis' clock; the start of the call, by
    a clock that nobody sets; its era, and the least distance of the next slot."""

    day: str
    slot: int
    starts_at: int
    era: int
    spacing: float


class PaceMachine(RuleBasedStateMachine):
    """Accounts of one key ask for slots, and reads beside them.

    An era ends with a step of Redis' clock after which it may grant a second time what it has
    granted before: any step forward, and one so far back that its own grants look like nonsense.
    Smaller steps back only make it wait.
    """

    def __init__(self, client: "redis.Redis", clock: Clock) -> None:
        super().__init__()
        client.flushall()
        self.client = client
        self.clock = clock
        self.unset = 0  # the clock that nobody sets
        self.era = 0
        self.grants: list[Grant] = []
        self.returned: list[Grant] = []
        self.returnable: list[tuple[int, Grant]] = []
        self.used: Counter[str] = Counter()
        self.rest_until = self.slow_until = self.quota_hold_until = 0

    @initialize(
        rate=st.sampled_from((1, 2, 4, 10)),
        deliveries=st.integers(3, 25),
        reserved=st.integers(0, 3),
        day=st.integers(1, 40_000),
        before_midnight=st.sampled_from((1, 30, 90, 3600, 43_200)),
    )
    def begin(
        self, rate: int, deliveries: int, reserved: int, day: int, before_midnight: int
    ) -> None:
        self.rate, self.per_day = rate, deliveries + reserved
        self.pace = PaceRules(requests_per_second=rate, deliveries_per_day=deliveries)
        self.ledger = Ledger(self.client)
        self.scripts = Scripts(self.client)
        # So long ago that they are due whenever the clock is set back.
        self.clock.us = day * DAY
        set_up(self.client, self.ledger, ACCOUNTS, signups=4)
        self.clock.us = (day + 2) * DAY - before_midnight * SECOND

    # --- who asks

    @rule(
        asks=st.lists(
            st.tuples(
                st.sampled_from((*ACCOUNTS, READ)),
                st.sampled_from(LANES),
                st.sampled_from((0, 0, 1, 1000, 50_000, 200_000, 256_250, SECOND)),  # wait before
                st.sampled_from((0, 2000, 20_000)),  # lead
                st.integers(0, LATEST_START),  # how late it starts
                st.booleans(),  # keep the claim, and ask for another slot with it
            ),
            min_size=1,
            max_size=16,
        )
    )
    def some_ask(self, asks: list[tuple[str, str, int, int, int, bool]]) -> None:
        for who, lane, wait, lead, late, keep in asks:
            self.time_passes(wait)
            if who == READ:
                self._read(late)
            else:
                self._claim(who, lane, lead, late, keep)

    def _claim(self, account: str, lane: str, lead: int, late: int, keep: bool) -> None:
        answer = self.ledger.claim(
            account,
            lane=lane,
            lease=timedelta(seconds=60),
            pace=self.pace,
            jitter=0.5,
            lead=timedelta(microseconds=lead),
        )
        spent = self.used[self._day()] >= self.pace.deliveries_per_day
        held = self._now_ms() < self.quota_hold_until
        match answer:
            case Claim():
                assert not held
                assert not spent
                start_in = answer.start_in // timedelta(microseconds=1)
                assert lead <= start_in <= lead + LOOKAHEAD
                self._granted(start_in, late)
                if not keep:
                    self.ledger.release_claim(answer, None)
            case OnHold(reason):
                assert reason == HoldReason.QUOTA
                assert held or spent
                if not held:
                    midnight = (self.clock.us // DAY + 1) * DAY // 1000
                    self.quota_hold_until = midnight + 15_000
            case Wait(delay):
                assert not held
                assert timedelta() < delay <= timedelta(hours=1, seconds=10)

    def _read(self, late: int) -> None:
        key = keys.api_key(CLIENT_ID)
        answer = self.scripts.run(
            "pace/grant", api_key=key, requests_per_second=self.rate, requests_per_day=self.per_day
        )
        spent = self.used[self._day()] >= self.per_day
        match answer:
            case ["slot", start_in]:
                assert not spent, "more than the day allows"
                assert 0 <= start_in <= LONGEST_GRANT
                self._granted(start_in, late)
            case ["spent"]:
                assert spent
            case ["resting", ms]:
                assert not spent
                assert ms * 1000 > LONGEST_GRANT
        assert answer[0] in ("slot", "spent", "resting")

    def _granted(self, start_in: int, late: int) -> None:
        now = self.clock.us
        slowed = now < self.slow_until <= now + 2 * LONGEST_REST
        grant = Grant(
            self._day(),
            now + start_in,
            self.unset + start_in + late,
            self.era,
            SECOND / self.rate * MARGIN * (SLOWED if slowed else 1),
        )
        if self.rest_until <= now + LONGEST_REST:
            assert grant.slot >= self.rest_until, "no slot begins while the key rests"
        if self.grants and self.grants[-1].era == self.era:
            before = self.grants[-1]
            assert grant.slot - before.slot >= before.spacing
        self.grants.append(grant)
        self.returnable.append((self.unset, grant))
        self.used[grant.day] += 1

    # --- what else happens

    @rule(us=st.sampled_from((1000, SECOND, 20 * SECOND, MINUTE, 60 * MINUTE, DAY // 2)))
    def much_time_passes(self, us: int) -> None:
        self.time_passes(us)

    def time_passes(self, us: int) -> None:
        self.clock.us += us
        self.unset += us

    @rule(us=st.sampled_from((10_000, 250_000, SECOND, 60 * MINUTE)))
    def the_clock_is_set_forward(self, us: int) -> None:
        self._set_clock(us)
        self.era += 1

    @rule(us=st.sampled_from((10_000, 250_000, SECOND, 9 * SECOND, 11 * SECOND, 60 * MINUTE)))
    def the_clock_is_set_back(self, us: int) -> None:
        self._set_clock(-us)
        latest = max((each.slot for each in self.grants), default=0)
        if latest + 2 * SECOND / self.rate > self.clock.us + LONGEST_GRANT:
            self.era += 1

    def _set_clock(self, us: int) -> None:
        self.clock.us += us
        self.returnable.clear()

    @rule(
        ms=st.sampled_from((1, 1000, 5000, 3_600_000)),
        slower_ms=st.sampled_from((0, 10_000, 60_000)),
    )
    def the_api_says_429(self, ms: int, slower_ms: int) -> None:
        self.ledger.pace.rest(
            ACCOUNTS[0],
            timedelta(milliseconds=ms),
            slower_for=timedelta(milliseconds=slower_ms),
        )
        until = self.clock.us + ms * 1000
        standing = self.rest_until <= self.clock.us + LONGEST_REST
        self.rest_until = max(until, self.rest_until if standing else 0)
        if slower_ms:
            self.slow_until = until + slower_ms * 1000

    @precondition(lambda self: bool(self.returnable))
    @rule(data=st.data())
    def a_slot_goes_by_unused(self, data: st.DataObject) -> None:
        """Its request is not counted, as a lane does within seconds."""
        entry = data.draw(st.sampled_from(self.returnable))
        self.returnable.remove(entry)
        granted_at, grant = entry
        if self.unset - granted_at > MINUTE:
            return
        self.scripts.run("pace/uncount_request", api_key=keys.api_key(CLIENT_ID))
        self.returned.append(grant)
        # In a day's first minute nobody knows for which day it was counted.
        if self.used[self._day()] and self.clock.us % DAY >= MINUTE + 1000:
            self.used[self._day()] -= 1

    # --- what must hold

    @invariant()
    def no_second_sees_more_calls_than_allowed(self) -> None:
        """Checks every rolling second, and so every fixed one, in each era by itself."""
        calls = [each for each in self.grants if each not in self.returned]
        for era in {each.era for each in calls}:
            starts = sorted(each.starts_at for each in calls if each.era == era)
            for first, one_too_many in zip(starts, starts[self.rate :], strict=False):
                assert one_too_many - first >= SECOND

    @invariant()
    def no_day_sees_more_calls_than_allowed(self) -> None:
        calls = Counter(each.day for each in self.grants)
        calls.subtract(Counter(each.day for each in self.returned))
        for day, number in calls.items():
            assert number <= self.used[day] <= self.per_day

    @invariant()
    def the_day_is_counted_as_the_calendar_has_it(self) -> None:
        assert self.ledger.pace.used_today(CLIENT_ID) == self.used[self._day()]

    def _day(self) -> str:
        return datetime.fromtimestamp(self.clock.us // SECOND, UTC).date().isoformat()

    def _now_ms(self) -> int:
        return self.clock.us // 1000


def set_up(
    client: "redis.Redis", ledger: Ledger, accounts: tuple[str, ...], *, signups: int
) -> None:
    """Give each of the accounts of one key so many sign-ups of different people."""
    for name in accounts:
        Registry(client).save_account(builders.account(name, client_id=CLIENT_ID))
        for number in range(signups):
            accept(ledger, f"{number}@example.com", account=name)


@pytest.mark.timeout(0 if EXAMPLES else 120)
@pytest.mark.parametrize("examples", [15, pytest.param(60, marks=pytest.mark.slow)])
def test_no_second_and_no_day_sees_more_calls_than_allowed(
    monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    clock = Clock(0)
    client = turnable_server(monkeypatch, clock)
    run_state_machine_as_test(
        cast(Any, lambda: PaceMachine(client, clock)),
        settings=profile(RULES, max_examples=EXAMPLES or examples, stateful_step_count=20),
    )


@given(
    rate=st.sampled_from((2, 4, 10)),
    lanes=st.lists(st.integers(1, 5), min_size=2, max_size=3),
    lateness=st.lists(st.integers(0, 5000), min_size=1, max_size=7),
    # The only lane of an account that sends for longer comes too late for some of its turns.
    sending=st.lists(st.integers(0, 50_000), min_size=1, max_size=7),
)
@profile(RULES, max_examples=EXAMPLES or 25)
@pytest.mark.slow
def test_no_account_is_starved_and_no_slot_is_wasted(
    rate: int, lanes: list[int], lateness: list[int], sending: list[int]
) -> None:
    """Accounts with one lane and with many get the same number of slots, and the rate is used.
    Each asks again when the answer said, or a little later."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock = Clock(DAY)
        client = turnable_server(monkeypatch, clock)
        ledger = Ledger(client)
        accounts = ACCOUNTS[: len(lanes)]
        set_up(client, ledger, accounts, signups=max(lanes))
        begun = clock.us = clock.us + SECOND
        pace = PaceRules(requests_per_second=rate, deliveries_per_day=1000)
        waiting = [
            (begun, f"{account}-{number}", account)
            for account, number_of_lanes in zip(accounts, lanes, strict=True)
            for number in range(number_of_lanes)
        ]
        late, send = cycle(lateness), cycle(sending)
        slots: list[str] = []
        while len(slots) < SLOTS:
            clock.us, lane, account = heapq.heappop(waiting)
            answer = ledger.claim(
                account, lane=lane, lease=timedelta(seconds=60), pace=pace, jitter=0.0
            )
            assert isinstance(answer, Claim | Wait)
            if isinstance(answer, Claim):
                slots.append(account)
                ledger.release_claim(answer, None)
                wait = answer.start_in // timedelta(microseconds=1) + next(send)
            else:
                wait = answer.delay // timedelta(microseconds=1)
            heapq.heappush(waiting, (clock.us + wait + next(late), lane, account))

    counts = Counter(slots)
    fair = SLOTS / len(accounts)
    assert all(abs(counts[account] - fair) <= 2 for account in accounts), counts
    assert (clock.us - begun) / SECOND <= SLOTS / rate * 1.1
