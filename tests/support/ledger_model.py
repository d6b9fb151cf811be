"""The ledger in plain Python, to compare the scripts with, and a server whose clock can be turned.

The model has one list of sign-ups for each account and nothing that is derived from it: no due
sets, lines or counters. Whoever changes what a script does changes it here, too.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

import fakeredis
import pytest
import redis

from shared.infrastructure.settings import RateLimit
from shared.ledger.format import version_guard

DAY_MS = 86_400_000
TEN_MINUTES_US = 600_000_000
ERASED = "erased"  # or its evidence was forgotten
CLEARED = "cleared"
MOST_CLEARED = 25  # in one step
WAITING = ("queued", "delivering", "retrying")
MOST_LOST = 3  # claims; whatever loses them is poison
# Different sign-ups of a person within an hour, less a millisecond: no sign-up is that old exactly.
PERSON_LIMIT = RateLimit(6, timedelta(milliseconds=3_599_999))
IN_A_ROW = 3  # sign-ups for which the API fails; then it is an outage
FIRST_OUTAGE_PROBE_MS = 15_000
LONGEST_OUTAGE_PROBE_MS = 600_000


# fakeredis has none. No two causes in tests have the same sum.
_SHA1HEX = """\
redis.sha1hex = function(text)
  local sum = 0
  for place = 1, #text do
    sum = (sum * 31 + string.byte(text, place)) % 4294967291
  end
  return string.format("%010x", sum)
end
"""


class Clock:
    """The time of `turnable_server`, in microseconds since 1970."""

    def __init__(self, us: int) -> None:
        self.us = us

    def time(self) -> float:
        return self.us / 1_000_000


def turnable_server(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> "redis.Redis":
    """Return a client of a server in this process that runs the real scripts by `clock`."""
    reads_the_time = SimpleNamespace(**{**vars(time), "time": clock.time})
    monkeypatch.setattr("fakeredis._socket._base.time", reads_the_time)
    monkeypatch.setattr("fakeredis.commands_mixins.server_mixin.time", reads_the_time)
    guard = version_guard() + _SHA1HEX
    monkeypatch.setattr("shared.ledger.script_library.version_guard", lambda: guard)
    client = fakeredis.FakeRedis(decode_responses=True)
    # fakeredis has Lua collect all garbage after every script. Lua does so by itself, when it must.
    client.eval("collectgarbage = function() end", 0)
    return client


@dataclass(eq=False, kw_only=True)
class ModelSignup:
    """`due_at`, `received_at` and `requeued_at` are in microseconds, `place` orders its person's
    line, `probes` names the holds that its claim is to probe."""

    id: str
    account: str
    person: str
    state: str
    received_at: int
    held_mark: int
    place: float = 0
    queue: str = ""
    due_at: int = 0
    state_before: str = ""
    due_before: int = 0
    requeued_at: int | None = None
    claim: str = ""
    lane: str = ""
    probes: frozenset[tuple[str, int]] = frozenset()
    attempts: int = 0
    lost: int = 0
    events: int = 0
    reason: str | None = None
    erase: bool = False  # somebody wants it erased once it is settled
    counted_as: str = ""  # of an erased or cleared one
    cleared_reason: str | None = None  # of a dead letter that was cleared
    settled_at: int = 0  # in milliseconds
    content: str | None = None  # of one that came without a reason for quarantine
    never_sent: bool = False  # it was quarantined, and nobody had it delivered
    before_discard: tuple[str, int] | None = None  # its state then, and when it got into that
    job: str | None = None  # that discarded it

    @property
    def unsettled(self) -> bool:
        return self.state in WAITING


@dataclass(kw_only=True)
class ModelHold:
    """Times are in milliseconds, and None where there is no such time. `planned_at` is when the
    next probe was due before an operator asked for one at once."""

    since: int
    until: int | None = None
    probe_at: int | None = None
    planned_at: int | None = None
    probes: int = 0


@dataclass(kw_only=True)
class ModelJob:
    """A job that discards what is `state`, or undoes that of the job `undone`. Times are in
    milliseconds. `cursor` is what the ledger calls the place where its next step begins."""

    id: str
    account: str
    state: str
    first: int
    up_to: int
    undone: "ModelJob | None" = None
    seen_to: int = -1  # when what it looked at last was settled
    cursor: str = ""  # once it has done a step
    ended_at: int = 0

    @property
    def started_at(self) -> int:
        return self.up_to


@dataclass(kw_only=True)
class HeldClock:
    """How long an account has been on hold in its life, in milliseconds."""

    held: int = 0
    since: int | None = None


@dataclass(frozen=True)
class Taken:
    """A claim by the model: whose it is, and what the lane learns with it."""

    id: str
    again: bool
    age_ms: int
    attempts: int
    more: bool


@dataclass
class ModelAccount:
    signups: dict[str, ModelSignup] = field(default_factory=dict)
    holds: dict[str, ModelHold] = field(default_factory=dict)
    clock: HeldClock = field(default_factory=HeldClock)
    claims: int = 0
    nudged_until: int = -1
    lanes: dict[str, tuple[str, int]] = field(default_factory=dict)  # lane -> id, end of lease
    keys: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # key -> content, id, until
    failing: set[str] = field(default_factory=set)  # for which the API failed in a row
    deaths: Counter[str] = field(default_factory=Counter)  # ever, by reason
    quarantined_ever: int = 0
    discarded_ever: int = 0


class LedgerModel:
    """The steps of a sign-up's life for accounts of one API key, by a clock that is set with
    `turn`. Answers are what `Ledger` answers."""

    def __init__(self, accounts: tuple[str, ...], now_us: int) -> None:
        self.accounts = {name: ModelAccount() for name in accounts}
        self.key_holds: dict[str, ModelHold] = {}
        self.now_us = now_us
        self.began_ms = self.now

    # --- time

    @property
    def now(self) -> int:
        """This moment in whole milliseconds."""
        return self.now_us // 1000

    def turn(self, now_us: int) -> None:
        """Set the clock; what is over by then is gone, and does not come back with the clock."""
        self.now_us = now_us
        for account in self.accounts.values():
            account.lanes = {k: v for k, v in account.lanes.items() if v[1] >= now_us}
            account.keys = {k: v for k, v in account.keys.items() if v[2] >= now_us}
            if account.nudged_until < now_us:
                account.nudged_until = -1
        for holds in (self.key_holds, *(each.holds for each in self.accounts.values())):
            for reason in [r for r, h in holds.items() if h.until and h.until <= self.now]:
                self._end(holds, reason)

    def _mind_clocks(self) -> None:
        for account in self.accounts.values():
            held, clock = bool(account.holds or self.key_holds), account.clock
            if held and clock.since is None:
                clock.since = self.now
            elif not held and clock.since is not None:
                clock.held += max(0, self.now - clock.since)
                clock.since = None

    def _held_time(self, account: str) -> int:
        clock = self.accounts[account].clock
        return clock.held + (0 if clock.since is None else max(0, self.now - clock.since))

    # --- lines

    def line(self, signup: ModelSignup) -> list[ModelSignup]:
        """Return the person's unsettled sign-ups in their order."""
        others = self.accounts[signup.account].signups.values()
        waiting = (each for each in others if each.unsettled and each.person == signup.person)
        return sorted(waiting, key=lambda each: (each.place, each.id))

    def heads(self, account: str) -> Iterator[ModelSignup]:
        """Yield the first of every person's line."""
        for signup in self.accounts[account].signups.values():
            if signup.unsettled and self.line(signup)[0] is signup:
                yield signup

    def _join(self, signup: ModelSignup, queue: str) -> None:
        line = self.line(signup)
        signup.place = max(self.now_us, line[-1].place + 1 if line else 0)
        signup.state, signup.queue = "queued", queue
        signup.due_at = self.now_us

    def _leave(self, signup: ModelSignup, state: str) -> None:
        signup.state, signup.settled_at = state, self.now
        following = self.line(signup)
        if following:
            following[0].due_at = following[0].received_at

    # --- intake

    def accept(
        self, account: str, id: str, person: str, content: str, key: str | None, quarantined: bool
    ) -> tuple[str, str, bool]:
        """Return "accepted", "duplicate" or "key_reused", the id that counts, and whether to
        notify the workers."""
        at = self.accounts[account]
        first = self._first(at, id, person, content, key)
        if first == "key_reused":
            return "key_reused", "", False
        if first:
            if key and key not in at.keys and at.signups[first].content:
                at.keys[key] = (content, first, self.now_us + DAY_MS * 1000)
            return "duplicate", first, False

        at.signups[id] = signup = ModelSignup(
            id=id,
            account=account,
            person=person,
            state="quarantined",
            received_at=self.now_us,
            held_mark=self._held_time(account),
        )
        if not quarantined:
            signup.content = content
        if key:
            at.keys[key] = (content, id, self.now_us + DAY_MS * 1000)
        if quarantined or self._sent_by(at, person, besides=id) >= PERSON_LIMIT.count:
            signup.reason = "honeypot" if quarantined else "repeated_address"
            signup.settled_at, signup.never_sent = self.now, True
            at.quarantined_ever += 1
            return "accepted", id, False
        self._join(signup, "fresh")
        notify_workers = at.nudged_until < 0
        if notify_workers:
            at.nudged_until = self.now_us + 1_000_000
        return "accepted", id, notify_workers

    def _sent_by(self, at: ModelAccount, person: str, besides: str) -> int:
        since = self.now_us - PERSON_LIMIT.window / timedelta(microseconds=1)
        return sum(
            (each.place if each.unsettled else each.received_at) >= since
            for each in at.signups.values()
            if each.person == person and each.id != besides and not each.never_sent
            if each.state != ERASED
        )

    def _first(
        self, at: ModelAccount, id: str, person: str, content: str, key: str | None
    ) -> str | None:
        if id in at.signups and at.signups[id].state != ERASED:
            return id
        if key in at.keys:
            known, first, _ = at.keys[key]
            return first if known == content else "key_reused"
        alike = [
            each
            for each in at.signups.values()
            if (each.person, each.content) == (person, content)
            and each.state != ERASED
            and abs(each.received_at - self.now_us) <= TEN_MINUTES_US
        ]
        latest = max(
            alike,
            key=lambda each: (
                each.unsettled,
                not each.never_sent,
                each.place if each.unsettled else each.received_at,
            ),
            default=None,
        )
        return latest.id if latest else None

    # --- delivery

    def claim(self, account: str, lane: str, lease_ms: int, number: str) -> Taken | set[str] | None:
        """Return what the lane gets, the holds that forbid it, or None when nothing is due.

        `number` is what the ledger calls the claim, if it is one.
        """
        at = self.accounts[account]
        mine = self._open(at, lane)
        probed, standing = self._probed_and_standing(account, mine)
        if standing:
            return standing
        signup = mine or self._next_healthy(account)
        if signup is None:
            at.nudged_until = -1
            return None

        if mine is None:
            self._take(at, signup, number)
            signup.lane = lane
            signup.probes = frozenset((reason, hold.since) for reason, hold in probed)
            for _, hold in probed:
                hold.probes += hold.planned_at is None
                hold.probe_at = self.now + lease_ms
        signup.due_at = (self.now + lease_ms) * 1000
        at.lanes[lane] = (signup.id, self.now_us + lease_ms * 1000)
        return Taken(
            signup.id,
            again=mine is not None,
            age_ms=self._age_ms(signup),
            attempts=signup.attempts,
            more=self._next(account) is not None,
        )

    @staticmethod
    def _open(at: ModelAccount, lane: str) -> ModelSignup | None:
        id, _ = at.lanes.get(lane, ("", 0))
        return at.signups[id] if id and at.signups[id].lane == lane else None

    @staticmethod
    def _take(at: ModelAccount, signup: ModelSignup, number: str) -> None:
        if signup.state == "delivering":
            signup.lost += 1
            signup.events += 1
        else:
            signup.state_before, signup.due_before = signup.state, signup.due_at
        at.claims += 1
        signup.state, signup.claim = "delivering", number

    def _next(self, account: str) -> ModelSignup | None:
        """Return what is due first: every fourth claim prefers a retry, every fiftieth a job,
        which comes last otherwise."""
        number = self.accounts[account].claims + 1
        order = ("retry", "fresh", "replay") if number % 4 == 0 else ("fresh", "retry", "replay")
        if number % 50 == 0:
            order = ("replay", "fresh", "retry")
        due = [each for each in self.heads(account) if each.due_at <= self.now_us]
        return min(
            due, key=lambda each: (order.index(each.queue), each.due_at, each.id), default=None
        )

    def _next_healthy(self, account: str) -> ModelSignup | None:
        """Return the next due sign-up, after those that lost their last claim have died."""
        signup = self._next(account)
        while signup and (signup.erase or self._is_poison(signup)):
            if signup.erase:
                self._erase(signup)
            else:
                self._close(signup, attempt=True, counted=False)
                signup.lost += 1
                self._die(signup, "poison")
            signup = self._next(account)
        return signup

    @staticmethod
    def _is_poison(signup: ModelSignup) -> bool:
        return signup.state == "delivering" and signup.lost + 1 >= MOST_LOST

    def _age_ms(self, signup: ModelSignup) -> int:
        since = signup.received_at if signup.requeued_at is None else signup.requeued_at
        held = self._held_time(signup.account) - signup.held_mark
        return int((self.now * 1000 - since - held * 1000) / 1000)

    def anything_due(self, account: str) -> bool:
        _, standing = self._probed_and_standing(account, None)
        return not standing and self._next(account) is not None

    def deliver(self, account: str, id: str, number: str) -> bool:
        signup = self.accounts[account].signups[id]
        newest = signup.claim == number
        if self._may_write(signup, number):
            self._close(signup, attempt=True, counted=True)
            self._leave(signup, "delivered")
            self._erase_if_wanted(signup)
            self.accounts[account].failing.clear()
            self._end_probed(signup)
        return newest

    def retry(
        self, account: str, id: str, number: str, wait_ms: int, *, counted: bool, api_failed: bool
    ) -> bool:
        signup = self.accounts[account].signups[id]
        newest = signup.claim == number
        if self._may_write(signup, number):
            self._close(signup, attempt=True, counted=counted)
            signup.state, signup.queue = "retrying", "retry"
            signup.due_at = (self.now + wait_ms) * 1000
            self._erase_if_wanted(signup)
            if api_failed:
                self._note_failure(signup)
        return newest

    def lose(self, account: str, id: str, number: str, wait_ms: int) -> bool:
        signup = self.accounts[account].signups[id]
        newest = signup.claim == number
        if self._may_write(signup, number):
            self._close(signup, attempt=True, counted=False)
            self._free_probed(signup)
            signup.lost += 1
            if signup.lost >= MOST_LOST:
                self._die(signup, "poison")
            else:
                signup.state = signup.state_before
                signup.due_at = (self.now + wait_ms) * 1000
            self._erase_if_wanted(signup)
        return newest

    def bury(
        self,
        account: str,
        id: str,
        number: str,
        *,
        attempt: bool,
        reason: str,
        well: bool,
        api_failed: bool,
    ) -> bool:
        signup = self.accounts[account].signups[id]
        newest = signup.claim == number
        if self._may_write(signup, number):
            self._close(signup, attempt=attempt, counted=attempt)
            self._die(signup, reason)
            self._erase_if_wanted(signup)
            if well:
                self.accounts[account].failing.clear()
                self._end_probed(signup)
            elif api_failed:
                self._note_failure(signup)
            elif not attempt:
                self._free_probed(signup)
        return newest

    def release_claim(self, account: str, id: str, number: str, *, attempt: bool) -> bool:
        signup = self.accounts[account].signups[id]
        newest = signup.claim == number
        if self._may_write(signup, number):
            self._close(signup, attempt=attempt, counted=False)
            signup.state, signup.due_at = signup.state_before, signup.due_before
            if not attempt:
                self._free_probed(signup)
            self._erase_if_wanted(signup)
        return newest

    def _die(self, signup: ModelSignup, reason: str) -> None:
        signup.reason = reason
        self.accounts[signup.account].deaths[reason] += 1
        self._leave(signup, "dead")

    def _note_failure(self, signup: ModelSignup) -> None:
        at = self.accounts[signup.account]
        if "outage" not in at.holds:
            at.failing.add(signup.id)
            if len(at.failing) < IN_A_ROW:
                return
            at.failing.clear()
        self._begin(at.holds, "outage", None, FIRST_OUTAGE_PROBE_MS, LONGEST_OUTAGE_PROBE_MS)

    @staticmethod
    def _may_write(signup: ModelSignup, number: str) -> bool:
        return signup.claim == number and signup.state == "delivering"

    def _close(self, signup: ModelSignup, *, attempt: bool, counted: bool) -> None:
        """End the claim. A later claim of its lane stays."""
        lanes = self.accounts[signup.account].lanes
        if lanes.get(signup.lane, ("", 0))[0] == signup.id:
            del lanes[signup.lane]
        signup.events += attempt
        signup.attempts += counted

    # --- holds

    def holds(self, account: str) -> dict[str, ModelHold]:
        """Return the active holds of the account and its API key."""
        return {**self.accounts[account].holds, **self.key_holds}

    def _probed_and_standing(
        self, account: str, mine: ModelSignup | None
    ) -> tuple[list[tuple[str, ModelHold]], set[str]]:
        probed, standing = [], set()
        for reason, hold in self.holds(account).items():
            if mine and (reason, hold.since) in mine.probes:
                continue
            if hold.probe_at is not None and hold.probe_at <= self.now:
                probed.append((reason, hold))
            else:
                standing.add(reason)
        return probed, standing

    def _probed_by(self, signup: ModelSignup) -> list[tuple[dict[str, ModelHold], str]]:
        return [
            (holds, reason)
            for holds in (self.accounts[signup.account].holds, self.key_holds)
            for reason, hold in holds.items()
            if (reason, hold.since) in signup.probes
        ]

    def _end_probed(self, signup: ModelSignup) -> None:
        for holds, reason in self._probed_by(signup):
            self._end(holds, reason)

    def _free_probed(self, signup: ModelSignup) -> None:
        for holds, reason in self._probed_by(signup):
            if holds[reason].probe_at is not None:
                holds[reason].probe_at = self.now

    def _end(self, holds: dict[str, ModelHold], reason: str) -> bool:
        ended = holds.pop(reason, None)
        self._mind_clocks()
        return ended is not None

    def hold(self, account: str, reason: str, first_ms: int | None, longest_ms: int) -> bool:
        return self._begin(self.accounts[account].holds, reason, None, first_ms, longest_ms)

    def hold_quota(self) -> bool:
        midnight = (self.now // DAY_MS + 1) * DAY_MS
        close = min(self.now % DAY_MS, DAY_MS - self.now % DAY_MS) < 900_000
        first = 300_000 if close and "quota" not in self.key_holds else 3_600_000
        return self._begin(self.key_holds, "quota", midnight, first, 3_600_000)

    def _begin(
        self,
        holds: dict[str, ModelHold],
        reason: str,
        until: int | None,
        first_ms: int | None,
        longest_ms: int,
    ) -> bool:
        new = reason not in holds
        hold = holds.setdefault(reason, ModelHold(since=self.now))
        asked = hold.planned_at is not None
        if not asked and hold.probe_at is not None and hold.probe_at <= self.now:
            hold.probes += 1
        hold.until, hold.probe_at = until, None
        if first_ms is not None:
            hold.probe_at = self.now + min(longest_ms, first_ms * 2**hold.probes)
            if hold.planned_at is not None and hold.planned_at > self.now:
                hold.probe_at = min(hold.probe_at, hold.planned_at)
        hold.planned_at = None
        self._mind_clocks()
        return new

    def lift(self, account: str, reason: str) -> bool:
        return self._end(self.accounts[account].holds, reason)

    def release(self, account: str) -> set[str]:
        stood = set(self.holds(account))
        self._end(self.accounts[account].holds, "paused")
        for hold in self.holds(account).values():
            if hold.planned_at is None:
                hold.planned_at = self.now if hold.probe_at is None else hold.probe_at
            hold.probe_at = self.now
        return stood

    # --- what an operator does

    def requeue(self, account: str, id: str) -> bool:
        signup = self.accounts[account].signups[id]
        if signup.state != "dead":
            return False
        signup.attempts = signup.lost = 0
        signup.reason = None
        signup.held_mark, signup.requeued_at = self._held_time(account), self.now * 1000
        self._join(signup, "replay")
        return True

    def discard(self, account: str, id: str) -> bool:
        signup = self.accounts[account].signups[id]
        if signup.state not in ("dead", "quarantined"):
            return False
        signup.before_discard, signup.job = (signup.state, signup.settled_at), None
        signup.state, signup.settled_at = "discarded", self.now
        signup.events += 1
        self.accounts[account].discarded_ever += 1
        return True

    def undo_discard(self, account: str, id: str) -> bool:
        signup = self.accounts[account].signups[id]
        if signup.state != "discarded" or signup.before_discard is None:
            return False
        signup.state, signup.settled_at = signup.before_discard
        signup.before_discard = None
        signup.events += 1
        return True

    def deliver_anyway(self, account: str, id: str) -> bool:
        """Make a quarantined sign-up due where it was received, but behind one that was claimed."""
        signup = self.accounts[account].signups[id]
        if signup.state != "quarantined":
            return False
        signup.place, signup.never_sent = signup.received_at, False
        line = self.line(signup)
        if line and line[0].place >= signup.place:
            untouched = line[0].state == "queued"
            ahead, behind = min(signup.place, line[0].place - 1), line[0].place + 0.5
            signup.place = ahead if untouched else behind
        signup.state, signup.queue, signup.due_at = "queued", "replay", self.now_us
        signup.reason = None
        signup.held_mark, signup.requeued_at = self._held_time(account), self.now * 1000
        signup.events += 1
        return True

    def edit(self, account: str, id: str, person: str) -> bool:
        signup = self.accounts[account].signups[id]
        if signup.state not in ("dead", "quarantined"):
            return False
        signup.person = person
        signup.events += 1
        return True

    def erase(self, account: str, id: str) -> str:
        signup = self.accounts[account].signups[id]
        if signup.state == ERASED:
            return "gone"
        if signup.state == "delivering" and signup.due_at > self.now * 1000:
            signup.erase = True
            return "sending"
        self._erase(signup)
        return "erased"

    def _erase_if_wanted(self, signup: ModelSignup) -> None:
        if signup.erase:
            self._erase(signup)

    def _erase(self, signup: ModelSignup) -> None:
        at_head = signup.unsettled and self.line(signup)[0] is signup
        if signup.state not in (CLEARED, "delivered", "discarded"):
            self.accounts[signup.account].discarded_ever += 1
        if signup.state != CLEARED:
            signup.counted_as = "delivered" if signup.state == "delivered" else "discarded"
        if at_head:
            self._leave(signup, ERASED)
        signup.state, signup.claim, signup.lane = ERASED, "", ""
        self.accounts[signup.account].failing.discard(signup.id)

    # --- jobs

    def begin_job(self, id: str, account: str, state: str) -> ModelJob | None:
        job = ModelJob(id=id, account=account, state=state, first=0, up_to=self.now)
        return job if self.job_step(job) else None

    def begin_undo(self, id: str, undone: ModelJob) -> ModelJob | None:
        job = ModelJob(
            id=id,
            account=undone.account,
            state="discarded",
            first=undone.started_at,
            up_to=undone.ended_at,
            undone=undone,
        )
        return job if self.job_step(job) else None

    def job_step(self, job: ModelJob) -> list[str]:
        """Return all that the job has yet to look at, in its order."""
        signups = self.accounts[job.account].signups.values()
        found = [
            (each.settled_at, each.id)
            for each in signups
            if each.state == job.state and job.first <= each.settled_at <= job.up_to
            if each.settled_at > job.seen_to
        ]
        return [id for _, id in sorted(found)]

    def do_job_step(self, job: ModelJob, ids: list[str], following: str) -> int:
        """Change those of the step's sign-ups that are as they were; return how many."""
        job.cursor = following
        if following:
            job.seen_to = int(float(following.removeprefix("(")))
        else:
            job.ended_at = self.now
        return sum(self._change(job, self.accounts[job.account].signups[id]) for id in ids)

    def _change(self, job: ModelJob, signup: ModelSignup) -> bool:
        if signup.state != job.state or not signup.settled_at <= job.up_to:
            return False
        if job.undone:
            return signup.job == job.undone.id and self.undo_discard(job.account, signup.id)
        self.discard(job.account, signup.id)
        signup.job = job.id
        return True

    # --- retention

    def clear(self, account: str, state: str, kept_ms: int, evidence_ms: int) -> int:
        """Clear what was settled so long ago, and forget it if its consent was given so long ago.
        Return how many."""
        settled = [each for each in self.accounts[account].signups.values() if each.state == state]
        settled.sort(key=lambda each: (each.settled_at, each.id))
        over = [each for each in settled if each.settled_at <= self._over(kept_ms)][:MOST_CLEARED]
        for signup in over:
            signup.counted_as, signup.state = state, CLEARED
            signup.cleared_reason = signup.reason
            signup.claim, signup.reason, signup.attempts, signup.lost = "", None, 0, 0
            if self.now * 1000 - signup.received_at >= TEN_MINUTES_US:
                signup.content = None
            if signup.received_at <= self._over(evidence_ms) * 1000:
                signup.state = ERASED
            self.accounts[account].failing.discard(signup.id)
        return len(over)

    def forget_evidence(self, account: str, evidence_ms: int) -> int:
        evidence = [
            each
            for each in self.accounts[account].signups.values()
            if each.state == CLEARED and each.received_at <= self._over(evidence_ms) * 1000
        ][:MOST_CLEARED]
        for signup in evidence:
            signup.state = ERASED
        return len(evidence)

    def _over(self, kept_ms: int) -> int:
        """Return up to when (ms) all is over. Retention counts from the model's beginning."""
        return self.now - kept_ms if self.began_ms + kept_ms <= self.now else 0

    # --- figures

    def count(self, account: str, *states: str) -> int:
        signups = self.accounts[account].signups.values()
        return sum(each.state in states or each.counted_as in states for each in signups)

    def dead_by_reason(self, account: str) -> Counter[str]:
        """Return how many dead letters are counted now, by reason, with the cleared ones."""
        return Counter(
            reason
            for each in self.accounts[account].signups.values()
            if "dead" in (each.state, each.counted_as)
            and (reason := each.reason or each.cleared_reason)
        )
