"""The ledger's scripts against a model in plain Python, in any order of events.

Hypothesis chooses what visitors, lanes, operators and the clock do next; after every step the
scripts must have answered as the model does, and everything in Redis must be where the model
says. The scripts run in fakeredis, whose clock can be turned. `MODEL_EXAMPLES=5000` runs so many
random examples instead of a few that are the same each time.
"""

import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import HealthCheck, Phase
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
from shared.domain.errors import KeyReused
from shared.domain.job import JobAction, JobPace
from shared.domain.signup import Contact, DeathReason, State
from shared.ledger import keys, limits
from shared.ledger.busy_accounts import BusyAccounts
from shared.ledger.format import open_ledger
from shared.ledger.jobs import JobLedger, JobStep, NewJob
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.signup_index import IndexPlace, SignupIndex, WantedSignups
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import SETTLED, RecordKeeping
from shared.ledger.time_units import to_milliseconds
from shared.ledger.values import Claim, Figures, NothingDue, OnHold, Wait
from tests.support import builders
from tests.support.builders import NO_PACE, attempt
from tests.support.ledger_model import (
    ERASED,
    PERSON_LIMIT,
    WAITING,
    Clock,
    LedgerModel,
    ModelJob,
    ModelSignup,
    turnable_server,
)
from tests.support.records import read_record
from tests.support.retention import retention

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))

# The clock goes in 64ths of a second: whole in microseconds and exact as a float, so that the
# model and the server agree on what is over at its very last moment.
TICK_US = 15_625
SECOND = 64
HOUR = 3600 * SECOND
# 2026-03-01, 23:40 UTC: a day ends within reach, and the last quarter of an hour is still ahead.
BEGIN_US = 1_772_408_400_000_000
LEASES = (2, 60)  # seconds
MOST_STEPPED = 2  # of a job, so that it takes some steps
# Settled ones are kept for less than some repeats come later, and some are cleared with evidence.
KEPT, EVIDENCE_KEPT = timedelta(seconds=30), timedelta(hours=1)

ACCOUNTS = ("acme", "blue")
LANES = ("one", "two", "three")
PEOPLE = ("ada", "bob", "cy")
# Messages of dead letters, and what those of a group have in common.
POISON = "3 workers ended, hung or failed while they had it; the last: "
CAUSES = {
    None: None,
    "list 7 is gone": "list … is gone",
    "list 8 is gone": "list … is gone",
    "refused": "refused",
    "HTTP 400": "HTTP 400",
    POISON + "broke": "…" + POISON[1:] + "broke",
    POISON + "it ended or hung while it sent the sign-up": (
        "…" + POISON[1:] + "it ended or hung while it sent the sign-up"
    ),
}
ACCOUNT_HOLDS = tuple(reason for reason in HoldReason if reason != HoldReason.QUOTA)

accounts = st.sampled_from(ACCOUNTS)
lanes = st.sampled_from(LANES)
people = st.sampled_from(PEOPLE)
reasons = st.sampled_from(ACCOUNT_HOLDS)
# How often a step is taken: more than once where its answer was lost.
times = st.sampled_from((1, 1, 2))


@dataclass
class Found:
    """What Redis has of an account's sign-ups, as plain values. `listed` has the indexes that go by
    when a sign-up was received, in milliseconds."""

    records: dict[str, tuple[Any, ...]]
    sets: dict[str, set[str]]
    lines: dict[str, list[str]]
    lanes: dict[str, str]
    listed: dict[str, dict[str, float]]


def find(client: Any, account: str) -> Found:
    """Read all keys of the account that tell the state of a sign-up."""
    found = Found({}, {}, {}, {}, {})
    prefix = keys.account(account)
    for key in client.keys(prefix + "*"):
        kind, _, name = str(key).removeprefix(prefix).partition(":")
        match kind:
            case "signup":
                found.records[name] = _record(read_record(client, key))
            case "person":
                found.sets[f"person:{name}"] = set(client.zrange(key, 0, -1))
                line = client.zrange(key, "(0", "+inf", byscore=True)
                found.lines |= {name: line} if line else {}
            case "lane":
                found.lanes[name] = client.get(key)
            case "received":
                found.listed[name] = scores(client, str(key))
            case "due" | "unsettled" | "dead" | "quarantined" | "discarded" | "cleared":
                found.sets[f"{kind}:{name}" if name else kind] = set(client.zrange(key, 0, -1))
    # What nobody has claimed yet is in due:fresh alone.
    known = found.sets.get("unsettled", set()) | found.sets.get("due:fresh", set())
    found.sets |= {"unsettled": known} if known else {}
    return found


def scores(client: Any, key: str) -> dict[str, float]:
    return dict(client.zrange(key, 0, -1, withscores=True))


def _record(fields: dict[str, Any]) -> tuple[Any, ...]:
    numbers = (fields[name] for name in ("attempts", "lost"))
    return (
        fields["state"],
        fields["person"],
        fields.get("claim", ""),
        fields.get("reason"),
        *numbers,
    )


def expect(model: LedgerModel, account: str) -> Found:
    """Return what Redis should have, by the model."""
    at = model.accounts[account]
    sets: dict[str, set[str]] = defaultdict(set)
    listed: dict[str, dict[str, float]] = defaultdict(dict)
    lines = {}
    for head in model.heads(account):
        sets[f"due:{head.queue}"].add(head.id)
        lines[head.person] = [each.id for each in model.line(head)]
    for signup in at.signups.values():
        if signup.state == ERASED:
            continue
        sets[f"person:{signup.person}"].add(signup.id)
        if signup.state != "delivered":
            sets["unsettled" if signup.unsettled else signup.state].add(signup.id)
        if signup.state == "dead":
            sets[f"dead:{signup.reason}"].add(signup.id)
        elif signup.state in SETTLED:
            listed[signup.state][signup.id] = signup.received_at / 1000
    return Found(
        {id: _expected_record(each) for id, each in at.signups.items() if each.state != ERASED},
        dict(sets),
        lines,
        {lane: id for lane, (id, _) in at.lanes.items()},
        dict(listed),
    )


def groups_of(client: Any, account: str) -> dict[str, dict[str, float]]:
    """Return the dead letters of each group, and when they were received."""
    prefix = f"{keys.account(account)}dead-group:"
    return {
        str(key).removeprefix(prefix): scores(client, str(key)) for key in client.keys(prefix + "*")
    }


def _expected_record(signup: ModelSignup) -> tuple[Any, ...]:
    return (signup.state, signup.person, signup.claim, signup.reason, signup.attempts, signup.lost)


class LedgerMachine(RuleBasedStateMachine):
    """The rules say what can happen. The invariants say what must hold after each."""

    def __init__(self, client: "redis.Redis", clock: Clock) -> None:
        super().__init__()
        client.flushall()
        open_ledger(client)
        self.client = client
        self.clock = clock
        clock.us = BEGIN_US
        registry = Registry(client)
        for name in ACCOUNTS:
            registry.save_account(builders.account(name))
        self.ledger, self.busy, self.people = Ledger(client), BusyAccounts(client), People(client)
        self.job_ledger = JobLedger(client, JobPace(per_second=1_000_000, per_day=1_000_000))
        self.index = SignupIndex(client)
        self.keeping = RecordKeeping(
            client, retention(**dict.fromkeys(SETTLED, KEPT), consent=EVIDENCE_KEPT)
        )
        self.keeping.begin(timedelta())
        self.model = LedgerModel(ACCOUNTS, clock.us)
        self.claims: list[Claim] = []
        self.numbers: dict[tuple[str, str], tuple[str, str]] = {}
        self.accepted: list[tuple[str, str]] = []
        self.submitted: list[dict[str, Any]] = []
        self.jobs: list[ModelJob] = []
        self.late_steps: list[tuple[ModelJob, JobStep]] = []

    @initialize(held=st.booleans(), end=st.sampled_from(("lift", "release", "probe")))
    def begin(self, held: bool, end: str) -> None:
        """Begin with sign-ups, and perhaps with a hold before the first came."""
        self.last_holds_end = end
        if held:
            self.quota_is_spent("blue", 1)
        for account, person in (("acme", "ada"), ("acme", "ada"), ("acme", "bob"), ("blue", "cy")):
            self.accept(account, person, f"first-{len(self.accepted)}", None, False, 1)

    # --- visitors

    @rule(
        account=accounts,
        person=people,
        content=st.sampled_from(("a", "b", "c", "d")),
        key=st.sampled_from((None, None, "k", "l")),
        quarantined=st.sampled_from((False, False, False, True)),
        times=times,
    )
    def accept(
        self,
        account: str,
        person: str,
        content: str,
        key: str | None,
        quarantined: bool,
        times: int,
    ) -> None:
        self.submitted.append(
            {
                "account": account,
                "id": f"{len(self.submitted):04}",
                "person": person,
                "content": f"{person}-{content}",
                "key": key,
                "quarantined": quarantined,
            }
        )
        for _ in range(times):
            self._submit(**self.submitted[-1])

    @rule(data=st.data(), key=st.sampled_from((None, "k", "l")))
    def accept_a_known_one_again(self, data: st.DataObject, key: str | None) -> None:
        known = data.draw(st.sampled_from(self.submitted))
        stored = self.model.accounts[known["account"]].signups.get(known["id"])
        if stored and stored.state == ERASED:
            return  # nothing remembers it
        self._submit(**{**known, "key": known["key"] or key})

    def _submit(
        self,
        *,
        account: str,
        id: str,
        person: str,
        content: str,
        key: str | None,
        quarantined: bool,
    ) -> None:
        kind, first, notify_workers = self.model.accept(
            account, id, person, content, key, quarantined
        )
        if kind == "accepted":
            self.accepted.append((account, id))
        try:
            answer = self.ledger.accept(
                builders.submission(
                    f"{person}@example.com",
                    id=id,
                    account=account,
                    quarantine="honeypot" if quarantined else None,
                ),
                person=person,
                digest=content,
                idempotency_key=key,
                visitor=None,
                limit=None,
                person_limit=PERSON_LIMIT,
            )
        except KeyReused:
            assert kind == "key_reused"
        else:
            assert (answer.id, answer.duplicate) == (first, kind == "duplicate")
            assert answer.notify_workers == notify_workers

    # --- lanes

    @rule(account=accounts, lane=lanes, lease=st.sampled_from(LEASES), times=times)
    def claim(self, account: str, lane: str, lease: int, times: int) -> None:
        for _ in range(times):
            self._claim(account, lane, lease)

    @precondition(lambda self: bool(self.claims))
    @rule(data=st.data(), times=times)
    def deliver(self, data: st.DataObject, times: int) -> None:
        claim = self._choose_claim(data)
        for _ in range(times):
            self._deliver(claim)

    @precondition(lambda self: bool(self.claims))
    @rule(
        data=st.data(),
        wait=st.sampled_from((0, 1, 15, 3600)),
        counted=st.sampled_from((True, True, False)),
        api_failed=st.booleans(),
        times=times,
    )
    def retry(
        self, data: st.DataObject, wait: int, counted: bool, api_failed: bool, times: int
    ) -> None:
        claim = self._choose_claim(data)
        for _ in range(times):
            self._retry(claim, wait, counted=counted, api_failed=api_failed)

    @precondition(lambda self: bool(self.claims))
    @rule(data=st.data(), wait=st.sampled_from((0, 15)), times=times)
    def lose(self, data: st.DataObject, wait: int, times: int) -> None:
        claim = self._choose_claim(data)
        for _ in range(times):
            self._lose(claim, wait)

    @rule(
        account=accounts,
        lanes=st.permutations(LANES),
        wait=st.sampled_from((0, 3600)),
        count=st.sampled_from((3, 4)),
    )
    def api_fails(self, account: str, lanes: list[str], wait: int, count: int) -> None:
        """The API fails for one sign-up after the other."""
        for lane in (lanes * 2)[:count]:
            if claim := self._claim(account, lane, 60):
                self._retry(claim, wait, counted=True, api_failed=True)

    @rule(account=accounts, lane=lanes, ends=st.lists(st.booleans(), min_size=3, max_size=3))
    def workers_end_with_it(self, account: str, lane: str, ends: list[bool]) -> None:
        """A worker meets an unforeseen error, as many times as a sign-up may lose its claim."""
        for notified in ends:
            claim = self._claim(account, lane, 1)
            if claim and notified:
                self._lose(claim, 0)
            self._turn(2 * SECOND)

    @precondition(lambda self: bool(self.claims))
    @rule(
        data=st.data(),
        reason=st.sampled_from(DeathReason),
        message=st.sampled_from([message for message in CAUSES if message]),
        sent=st.booleans(),
        well=st.booleans(),
        api_failed=st.booleans(),
        times=times,
    )
    def bury(
        self,
        data: st.DataObject,
        reason: DeathReason,
        message: str,
        sent: bool,
        well: bool,
        api_failed: bool,
        times: int,
    ) -> None:
        claim = self._choose_claim(data)
        for _ in range(times):
            self._bury(claim, reason, message, sent=sent, well=well, api_failed=api_failed)

    @precondition(lambda self: bool(self.claims))
    @rule(data=st.data(), sent=st.booleans(), times=times)
    def release_claim(self, data: st.DataObject, sent: bool, times: int) -> None:
        claim = self._choose_claim(data)
        for _ in range(times):
            self._release_claim(claim, sent=sent)

    def _choose_claim(self, data: st.DataObject) -> Claim:
        """Return mostly one of the latest; it may be settled or superseded by now."""
        return data.draw(st.sampled_from(self.claims[-4:] + self.claims[-1:] * 2))

    def _deliver(self, claim: Claim) -> None:
        expected = self.model.deliver(claim.account, claim.id, claim.number)
        assert expected == self.ledger.deliver(claim, attempt(), contact_id="c", action="created")

    def _retry(self, claim: Claim, wait: int, *, counted: bool, api_failed: bool) -> None:
        tried = attempt(503, counted=counted)
        expected = self.model.retry(
            claim.account,
            claim.id,
            claim.number,
            wait * 1000,
            counted=counted,
            api_failed=api_failed,
        )
        assert expected == self.ledger.retry(
            claim,
            tried,
            wait=timedelta(seconds=wait),
            error_key="",
            message="",
            api_failed=api_failed,
        )

    def _lose(self, claim: Claim, wait: int) -> None:
        expected = self.model.lose(claim.account, claim.id, claim.number, wait * 1000)
        assert expected == self.ledger.lose(claim, "broke", wait=timedelta(seconds=wait))

    def _bury(
        self,
        claim: Claim,
        reason: DeathReason,
        message: str = "",
        *,
        sent: bool,
        well: bool,
        api_failed: bool = False,
    ) -> None:
        expected = self.model.bury(
            claim.account,
            claim.id,
            claim.number,
            attempt=sent,
            reason=reason,
            well=well,
            api_failed=api_failed,
        )
        assert expected == self.ledger.bury(
            claim,
            attempt(400) if sent else None,
            reason=reason,
            error_key="",
            message=message,
            account_is_well=well,
            api_failed=api_failed,
        )

    def _release_claim(self, claim: Claim, *, sent: bool) -> None:
        expected = self.model.release_claim(claim.account, claim.id, claim.number, attempt=sent)
        assert expected == self.ledger.release_claim(claim, attempt(401) if sent else None)

    def _claim(self, account: str, lane: str, lease: int) -> Claim | None:
        """Ask as a lane does: again, after the wait that the answer names."""
        answer = self._ask(account, lane, lease)
        for _ in range(50):
            if not isinstance(answer, Wait):
                break
            self._turn(-(-answer.delay // timedelta(microseconds=TICK_US)))
            answer = self._ask(account, lane, lease)
        number = answer.number if isinstance(answer, Claim) else ""
        expected = self.model.claim(account, lane, lease * 1000, number)
        match answer:
            case NothingDue():
                assert expected is None
            case OnHold(reason):
                assert isinstance(expected, set)
                assert reason in expected
            case Claim():
                self._check_claim(answer, lane, expected)
                return answer
            case _:
                raise AssertionError("still waiting for the pace")
        return None

    def _ask(self, account: str, lane: str, lease: int) -> Claim | Wait | OnHold | NothingDue:
        return self.ledger.claim(
            account, lane=lane, lease=timedelta(seconds=lease), pace=NO_PACE, jitter=0.0
        )

    def _check_claim(self, claim: Claim, lane: str, expected: Any) -> None:
        age_ms = claim.age // timedelta(milliseconds=1)
        assert (claim.id, age_ms, claim.attempts, claim.more) == (
            expected.id,
            expected.age_ms,
            expected.attempts,
            expected.more,
        )
        number, whose = (claim.account, claim.number), (claim.id, lane)
        assert expected.again == (number in self.numbers), "a claim number was used twice"
        assert self.numbers.setdefault(number, whose) == whose
        if not expected.again:
            self.claims.append(claim)

    # --- time

    @rule(ticks=st.sampled_from((1, SECOND, 2 * SECOND, 15 * SECOND, 61 * SECOND, HOUR, 23 * HOUR)))
    def time_passes(self, ticks: int) -> None:
        self._turn(ticks)

    @rule(ticks=st.sampled_from((1, 5 * SECOND, HOUR)))
    def the_clock_is_set_back(self, ticks: int) -> None:
        self._turn(-ticks)

    def _turn(self, ticks: int) -> None:
        self.clock.us += ticks * TICK_US
        self.model.turn(self.clock.us)

    # --- holds

    @rule(
        account=accounts,
        reason=reasons,
        first=st.sampled_from((None, 0, 15, 15)),
        longest=st.sampled_from((60, 3600)),
        times=times,
    )
    def hold(
        self, account: str, reason: HoldReason, first: int | None, longest: int, times: int
    ) -> None:
        for _ in range(times):
            first_ms = None if first is None else first * 1000
            new = self.model.hold(account, reason, first_ms, longest * 1000)
            assert new == self.ledger.hold(
                account,
                reason,
                by="test",
                first_probe=None if first is None else timedelta(seconds=first),
                longest_probe=timedelta(seconds=longest),
            )

    @rule(account=accounts, times=times)
    def quota_is_spent(self, account: str, times: int) -> None:
        for _ in range(times):
            assert self.model.hold_quota() == self.ledger.hold_quota(account, jitter=0.0)

    @rule(account=accounts)
    def quota_is_spent_on_the_next_day_too(self, account: str) -> None:
        """Nobody looked in between."""
        self._turn(24 * HOUR)
        self.quota_is_spent(account, 1)

    @rule(account=accounts, reason=reasons, times=times)
    def lift(self, account: str, reason: HoldReason, times: int) -> None:
        for _ in range(times):
            assert self.model.lift(account, reason) == self.ledger.lift(account, reason)

    @rule(account=accounts, times=times)
    def release(self, account: str, times: int) -> None:
        for _ in range(times):
            assert self.model.release(account) == set(self.ledger.release(account))

    @rule(
        account=accounts,
        lane=lanes,
        lease=st.sampled_from(LEASES),
        reason=reasons,
        ends=st.sampled_from(("deliver", "bury", "give back", "hold", "nothing")),
    )
    def probe(self, account: str, lane: str, lease: int, reason: HoldReason, ends: str) -> None:
        """Hold, wait for the time of the probe, claim one, and settle it in some way."""
        self.hold(account, reason, 15, 60, 1)
        self._turn(15 * SECOND)
        claim = self._claim(account, lane, lease)
        if claim is None:
            return
        match ends:
            case "deliver":
                self._deliver(claim)
            case "bury":
                self._bury(claim, DeathReason.REJECTED, sent=True, well=True)
            case "hold":
                self.hold(account, reason, 15, 60, 1)
                self._release_claim(claim, sent=True)
            case "give back":
                self._release_claim(claim, sent=False)

    # --- operators

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), times=times)
    def requeue(self, data: st.DataObject, times: int) -> None:
        account, id = self._choose_signup(data, "dead")
        for _ in range(times):
            assert self.model.requeue(account, id) == self.ledger.requeue(account, id)

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), times=times)
    def discard(self, data: st.DataObject, times: int) -> None:
        account, id = self._choose_signup(data, "dead", "quarantined")
        for _ in range(times):
            assert self.model.discard(account, id) == self.ledger.discard(account, id)

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), times=times)
    def undo_discard(self, data: st.DataObject, times: int) -> None:
        account, id = self._choose_signup(data, "discarded")
        for _ in range(times):
            assert self.model.undo_discard(account, id) == self.ledger.undo_discard(account, id)

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), stale=st.booleans(), times=times)
    def deliver_anyway(self, data: st.DataObject, stale: bool, times: int) -> None:
        account, id = self._choose_signup(data, "quarantined")
        signup = self.ledger.find(id, [account])
        if signup is None:
            return  # erased, or cleared
        if stale:
            signup = replace(signup, edits=signup.edits + 1)
        for _ in range(times):
            expected = not stale and self.model.deliver_anyway(account, id)
            assert expected == self.ledger.deliver_anyway(signup)

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), person=people, stale=st.booleans())
    def edit(self, data: st.DataObject, person: str, stale: bool) -> None:
        account, id = self._choose_signup(data, "dead", "quarantined")
        signup = self.ledger.find(id, [account])
        if signup is None:
            return  # erased, or cleared
        if stale:
            signup = replace(signup, edits=signup.edits + 1)
        contact = Contact(fields={"email_address": f"{person}@example.com"})
        change = '{"event": "edited", "counted": false}'
        expected = not stale and self.model.edit(account, id, person)
        assert expected == self.ledger.edit(signup, contact, person=person, change=change)

    @precondition(lambda self: bool(self.accepted))
    @rule(data=st.data(), times=times)
    def erase(self, data: st.DataObject, times: int) -> None:
        account, id = data.draw(st.sampled_from(self.accepted))
        for _ in range(times):
            assert self.people.erase(account, id, "") == self.model.erase(account, id)

    # --- jobs, of whose steps workers do some, twice or late

    @rule(account=accounts, state=st.sampled_from(("dead", "quarantined")), times=times)
    def begin_job(self, account: str, state: str, times: int) -> None:
        job = self.model.begin_job(f"job-{len(self.jobs)}", account, state)
        count = len(self.model.job_step(job)) if job else 0
        self._begin_job(job, account, JobAction.DISCARD, state, count, times)

    @precondition(lambda self: any(job.ended_at and not job.undone for job in self.jobs))
    @rule(data=st.data(), times=times)
    def undo_job(self, data: st.DataObject, times: int) -> None:
        done = data.draw(
            st.sampled_from([job for job in self.jobs if job.ended_at and not job.undone])
        )
        job = self.model.begin_undo(f"job-{len(self.jobs)}", done)
        count = len(self.model.job_step(job)) if job else 0
        self._begin_job(job, done.account, JobAction.UNDO, "discarded", count, times, done.id)

    def _begin_job(
        self,
        job: ModelJob | None,
        account: str,
        action: JobAction,
        index: str,
        count: int,
        times: int,
        undone: str | None = None,
    ) -> None:
        new = NewJob(
            id=f"job-{len(self.jobs)}",
            action=action,
            by="ada",
            chosen="{}",
            filter="{}",
            index=index,
            undone=undone,
        )
        for _ in range(times):
            assert self.job_ledger.begin([account], new) == [count]
        if job:
            self.jobs.append(job)

    @precondition(lambda self: any(not job.ended_at for job in self.jobs))
    @rule(data=st.data(), keep=st.booleans(), times=times)
    def go_on_with_a_job(self, data: st.DataObject, keep: bool, times: int) -> None:
        job = data.draw(st.sampled_from([job for job in self.jobs if not job.ended_at]))
        step = self.job_ledger.next_step(job.account, job.id)
        assert step
        expected = self.model.job_step(job)
        assert step.ids == expected[: len(step.ids)]
        assert len(step.ids) >= min(MOST_STEPPED, len(expected))
        if keep:  # a worker that is slow
            self.late_steps.append((job, step))
        for _ in range(0 if keep else times):
            self._do_step(job, step)

    @precondition(lambda self: bool(self.late_steps))
    @rule(data=st.data())
    def do_a_late_step(self, data: st.DataObject) -> None:
        self._do_step(*data.draw(st.sampled_from(self.late_steps)))

    def _do_step(self, job: ModelJob, step: JobStep) -> None:
        is_next = not job.ended_at and step.cursor == (job.cursor or step.cursor)
        expected = self.model.do_job_step(job, step.ids, step.following) if is_next else None
        assert self.job_ledger.do_step(job.account, job.id, step, step.ids) == expected

    @precondition(lambda self: any(not job.ended_at for job in self.jobs))
    @rule(data=st.data(), times=times)
    def cancel_job(self, data: st.DataObject, times: int) -> None:
        job = data.draw(st.sampled_from([job for job in self.jobs if not job.ended_at]))
        left = len(self.model.job_step(job))
        for _ in range(times):
            assert self.job_ledger.cancel(job.account, job.id, by="bob") == left
        job.ended_at = self.model.now

    # --- retention

    @rule(
        state=st.sampled_from(SETTLED),
        wait=st.sampled_from((0, 31 * SECOND, 31 * SECOND, 2 * HOUR)),
        times=times,
    )
    def clear(self, state: str, wait: int, times: int) -> None:
        """Settle one more sign-up, and clear those of its state some time later."""
        self._settle_as(state)
        self._turn(wait)
        for account in ACCOUNTS * times:
            while self.keeping.sort_delivered(account):
                pass
            expected = self.model.clear(account, state, _in_ms(KEPT), _in_ms(EVIDENCE_KEPT))
            assert expected == self.keeping.clear(account, state)

    @rule(wait=st.sampled_from((0, HOUR)), times=times)
    def forget_evidence(self, wait: int, times: int) -> None:
        self._turn(wait)
        for account in ACCOUNTS * times:
            expected = self.model.forget_evidence(account, _in_ms(EVIDENCE_KEPT))
            assert expected == self.keeping.forget_evidence(account)

    def _settle_as(self, state: str) -> None:
        """Have one more sign-up be in the state, unless holds forbid it."""
        caught = state in ("quarantined", "discarded")
        self.accept("acme", "ada", f"more-{len(self.submitted)}", None, caught, 1)
        account, id = self.accepted[-1]
        if state == "discarded":
            assert self.model.discard(account, id) == self.ledger.discard(account, id)
        elif state in ("delivered", "dead") and (claim := self._claim("acme", "one", 60)):
            if state == "dead":
                self._bury(claim, DeathReason.REJECTED, sent=True, well=False, api_failed=True)
            else:
                self._deliver(claim)

    def _choose_signup(self, data: st.DataObject, *states: str) -> tuple[str, str]:
        """Return one that the step is for, if there is any."""
        fit = [
            (account, id)
            for account, id in self.accepted
            if self.model.accounts[account].signups[id].state in states
        ]
        return data.draw(st.sampled_from(fit or self.accepted))

    # --- what must hold

    @invariant()
    def everything_is_where_the_model_says(self) -> None:
        for account in ACCOUNTS:
            found, expected = find(self.client, account), expect(self.model, account)
            assert found == expected
            self._check_lines(found)

    @invariant()
    def every_dead_letter_is_in_the_group_of_its_cause(self) -> None:
        for account in ACCOUNTS:
            groups = groups_of(self.client, account)
            stored = self.client.hgetall(f"{keys.account(account)}dead-groups")
            assert groups.keys() == stored.keys()
            members = [member for group in groups.values() for member in group.items()]
            dead = [each for each in self._signups(account) if each.state == "dead"]
            assert sorted(members) == sorted(
                (each.id, each.received_at / 1000) for each in dead if not _is_unreadable(each)
            )
            for name, ids in groups.items():
                for id in ids:
                    self._check_group(name, json.loads(stored[name]), account, id)

    def _check_group(self, name: str, common: dict[str, Any], account: str, id: str) -> None:
        record = read_record(self.client, f"{keys.account(account)}signup:{id}")
        assert common["reason"] == record["reason"]
        if not name.startswith("other-"):
            assert common["form"] == record["form"]
            assert common.get("message") == CAUSES[record.get("message")]

    def _signups(self, *accounts: str) -> Iterator[ModelSignup]:
        return (each for a in accounts for each in self.model.accounts[a].signups.values())

    @invariant()
    def retention_knows_when_those_were_settled_that_may_be_over(self) -> None:
        for account in ACCOUNTS:
            prefix = keys.account(account)
            up_to = float(self.client.get(f"{prefix}delivered-sorted") or 0)
            found = scores(self.client, f"{prefix}delivered")
            delivered = [each for each in self._signups(account) if each.state == "delivered"]
            assert found.items() <= {(each.id, each.settled_at) for each in delivered}
            assert found.keys() >= {e.id for e in delivered if e.received_at / 1000 <= up_to}

    @invariant()
    def lists_have_every_sign_up_in_its_place(self) -> None:
        listed = [each for each in self._signups(*ACCOUNTS) if each.state in (*WAITING, *SETTLED)]
        unreadable = {each.id for each in listed if each.state == "dead" and _is_unreadable(each)}
        wanted = WantedSignups(states=frozenset(State))
        found = list(self.index.places(ACCOUNTS, wanted, below=None, most=5))
        assert {place.id for place in found} == {each.id for each in listed}
        # Nobody knows when those were received that nobody can read.
        assert [place for place in found if place.id not in unreadable] == sorted(
            (
                IndexPlace(each.received_at / 1000, each.account, each.id)
                for each in listed
                if each.id not in unreadable
            ),
            reverse=True,
        )

    @invariant()
    def workers_look_at_every_account_that_is_busy(self) -> None:
        due = {work.account for work in self.busy.find_work() if work.due}
        assert due == {account for account in ACCOUNTS if self.model.anything_due(account)}
        stepping = {job for work in self.busy.find_work() for job in work.stepping}
        assert stepping == {job.id for job in self.jobs if not job.ended_at}
        noted = self.client.smembers(keys.BUSY)
        assert noted >= {keys.account(name) for name in ACCOUNTS if list(self.model.heads(name))}

    @invariant()
    def every_accepted_signup_is_accounted_for(self) -> None:
        for account in ACCOUNTS:
            figures = self.ledger.figures(account)
            ends = (figures.delivered, figures.dead, figures.discarded, figures.quarantined)
            assert figures.accepted == figures.due + sum(ends)
            assert figures.accepted == sum(each == account for each, _ in self.accepted)
            assert figures.due == self.model.count(account, *WAITING)
            names = ("delivered", "dead", "discarded", "quarantined")
            assert ends == tuple(self.model.count(account, name) for name in names)
            self._check_ever_counts(account, figures)
            of_forms = self.client.hgetall(keys.account(account) + "forms")
            assert int(of_forms.get("accepted:news", 0)) == figures.accepted
            assert int(of_forms.get("quarantined:news", 0)) == figures.quarantined
            assert {
                hold.reason: (_ms(hold.since), _ms(hold.until), _ms(hold.probe_at))
                for hold in figures.holds
            } == {
                reason: (hold.since, hold.until, hold.probe_at)
                for reason, hold in self.model.holds(account).items()
            }

    def _check_ever_counts(self, account: str, figures: Figures) -> None:
        """The model counts what becomes dead or quarantined, the scripts what leaves that state."""
        assert Counter(figures.dead_by_reason) == self.model.dead_by_reason(account)
        assert Counter(figures.ever_dead) == self.model.accounts[account].deaths
        assert figures.ever_quarantined == self.model.accounts[account].quarantined_ever
        assert figures.ever_discarded == self.model.accounts[account].discarded_ever

    @staticmethod
    def _check_lines(found: Found) -> None:
        """Each of these follows from the model's lines, but does not rely on them."""
        waiting = [id for line in found.lines.values() for id in line]
        assert sorted(waiting) == sorted(found.sets.get("unsettled", set()))
        due = [id for name, ids in found.sets.items() if name.startswith("due:") for id in ids]
        assert sorted(due) == sorted(line[0] for line in found.lines.values())
        for _, *behind in found.lines.values():
            assert all(found.records[id][0] == "queued" for id in behind)

    def teardown(self) -> None:
        """Nothing is stuck: the holds end in one way or another, time passes, and then a lane that
        delivers every claim leaves nothing behind."""
        if sys.exc_info()[0] is not None:
            return  # the run has failed already
        for account in ACCOUNTS:
            self._end_holds(account)
        self._turn(7 * 24 * HOUR)
        for account in ACCOUNTS:
            while claim := self._claim(account, "last", 60):
                self._deliver(claim)
            found = find(self.client, account)
            assert not found.lines
            assert not found.lanes
            assert not [name for name in found.sets if name.startswith(("due", "unsettled"))]
        self.every_accepted_signup_is_accounted_for()

    def _end_holds(self, account: str) -> None:
        if self.last_holds_end == "release":
            self.release(account, 1)
        for reason, hold in list(self.model.holds(account).items()):
            probed = hold.probe_at is not None and self.last_holds_end == "probe"
            if reason != HoldReason.QUOTA and self.last_holds_end != "release" and not probed:
                self.lift(account, HoldReason(reason), 1)


def _is_unreadable(signup: ModelSignup) -> bool:
    return signup.reason == DeathReason.UNREADABLE


def _in_ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else to_milliseconds(moment)


@pytest.mark.timeout(0 if EXAMPLES else 900)
@pytest.mark.parametrize("examples", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_no_order_of_events_makes_the_ledger_differ_from_its_model(
    monkeypatch: pytest.MonkeyPatch, examples: int
) -> None:
    monkeypatch.setattr(limits, "MOST_GROUPS", 3)
    clock = Clock(BEGIN_US)
    client = turnable_server(monkeypatch, clock)
    monkeypatch.setattr("shared.ledger.limits.MOST_STEPPED", MOST_STEPPED)
    run_state_machine_as_test(
        cast(Any, lambda: LedgerMachine(client, clock)),
        settings=profile(
            max_examples=EXAMPLES or examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=not EXAMPLES,
            database=None,
            # Of a failure all steps are shown: to find the fewest takes minutes.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
