"""The ledger has every sign-up and its state. Each change of state is one Lua script.

An unsettled sign-up waits in its person's line. The head of the line is in one of the account's
three due sets, scored by when to look at it next. So one rule serves fresh sign-ups, retries and
dead workers alike: each sign-up that is due may be claimed. All keys are in
docs/internals/ledger-keys.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, NotRequired, TypedDict, Unpack

import redis

from shared.domain.account import Hold, HoldReason, Release
from shared.domain.call_times import CallTimes, from_counts, to_counts
from shared.domain.errors import LedgerUnavailable
from shared.domain.signup import Contact, DeathReason, Signup, Submission
from shared.domain.signup_outlook import Outlook
from shared.domain.totals import COUNTS
from shared.infrastructure.settings import RateLimit
from shared.infrastructure.stored_records import RecordKind, read_all, read_one
from shared.ledger import keys
from shared.ledger.index_pages import latest_first
from shared.ledger.pace import Pace
from shared.ledger.processes import Processes
from shared.ledger.reading import (
    pairs,
    read_accepted,
    read_claim,
    read_dead_by_reason,
    read_holds,
    read_release,
    read_signups,
    with_prefix,
)
from shared.ledger.records import (
    FirstLine,
    consent_json,
    read_history,
    sent_json,
    suspicion_json,
)
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import CommandWords, ScriptCall, Scripts
from shared.ledger.spools import Spools
from shared.ledger.time_units import duration, moment
from shared.ledger.unreadable_signups import UnreadableSignups
from shared.ledger.values import (
    Accepted,
    Attempt,
    Claim,
    Figures,
    NothingDue,
    OnHold,
    PaceRules,
    Wait,
)

# How long web waits for the disk when RELAY_ACCEPT_FSYNC asks it to.
FSYNC_WAIT_MS = 500
# Beside the counts, what the metrics need: what has left a count, and what was cleared of it.
_KNOWN = frozenset({*COUNTS, "left", "cleared"})

# Who does something with a sign-up: `by`, `via`, and perhaps `note`.
Who = Mapping[str, str]
NOBODY: Who = MappingProxyType({})

_NO_TIME = timedelta()


class AcceptDetails(TypedDict):
    """What `Ledger.accept` needs besides the submission.

    `person`, `digest` (of the content) and `idempotency_key` are fingerprints; `visitor` is what
    `Fingerprints.visitor_in` returns. `limit` is the visitor's, `person_limit` that of the person.
    `waited` is how long ago it was received, if it was kept elsewhere. `solution` names the
    captcha's challenge that was solved for it.
    """

    person: str
    digest: str
    idempotency_key: str | None
    visitor: str | None
    limit: RateLimit | None
    person_limit: NotRequired[RateLimit | None]
    solution: NotRequired[str | None]
    waited: NotRequired[timedelta]


class Ledger:
    """The steps of a sign-up's life. Every method raises `LedgerUnavailable` when Redis does not
    answer. It may have done its work even so; calling it again is safe."""

    def __init__(self, client: "redis.Redis", *, fsync: bool = False) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._fsync = fsync
        self.pace = Pace(client)
        self.processes = Processes(client)
        self.spools = Spools(client)
        self.unreadable = UnreadableSignups(client)

    # --- intake

    def accept(self, submission: Submission, **details: Unpack[AcceptDetails]) -> Accepted:
        """Store the submission durably, once.

        Raises `KeyReused` and `VisitorLimited`; nothing is stored then.
        """
        call = self.accept_call(submission, **details)
        return self.read_accepted(self._scripts.execute_all([call], *self.after_accept))

    def accept_call(self, submission: Submission, **details: Unpack[AcceptDetails]) -> ScriptCall:
        """Return the call that stores the submission, for who sends it on a connection of its own.

        The commands of `after_accept` follow on the same connection. `read_accepted` reads all
        answers.
        """
        limit = details["limit"] if details["visitor"] is not None else None
        network, _, place = (details["visitor"] or "").partition(":")
        of_person = details.get("person_limit")
        return self._scripts.call(
            "signups/accept",
            account=keys.account(submission.account),
            network=f"{keys.VISITORS}{network}" if limit else None,
            id=submission.id,
            erased=keys.ERASED,
            form=submission.form,
            sent=sent_json(submission, submission.contact),
            consent=consent_json(submission.consent),
            consent_version=submission.consent.version,
            consent_text=submission.consent.text,
            person=details["person"],
            content=details["digest"],
            idempotency_key=details["idempotency_key"],
            place=place,
            visitor_limit=limit.count if limit else 0,
            visitor_window=limit.window if limit else _NO_TIME,
            person_limit=of_person.count if of_person else 0,
            person_window=of_person.window if of_person else _NO_TIME,
            quarantine=submission.quarantine.reason if submission.quarantine else None,
            if_busy=suspicion_json(submission.if_busy) if submission.if_busy else None,
            solution=details.get("solution"),
            waited=max(_NO_TIME, details.get("waited", _NO_TIME)),
        )

    @property
    def after_accept(self) -> tuple[CommandWords, ...]:
        """Return what waits for Redis' disk, if that is asked for. On another connection than the
        call, it would wait for nothing."""
        return (("WAITAOF", 1, 0, FSYNC_WAIT_MS),) if self._fsync else ()

    def read_accepted(self, answers: list[Any]) -> Accepted:
        """Return what the answers to `accept_call` and `after_accept` say, in this order.

        Raises `KeyReused`, `VisitorLimited`, and `LedgerUnavailable` if it is not on the disk yet.
        """
        answer, *on_disk = answers
        if on_disk and on_disk[0][0] < 1:
            raise LedgerUnavailable("the sign-up did not reach the disk in time")
        return read_accepted(answer)

    # --- delivery

    def claim(
        self,
        account: str,
        *,
        lane: str,
        lease: timedelta,
        pace: PaceRules,
        jitter: float,
        lead: timedelta = timedelta(),
    ) -> Claim | Wait | OnHold | NothingDue:
        """Claim the account's next due sign-up for `lane`, whose name no other lane has.

        A lane that asks again while its claim is open gets the same one, with a new slot. No
        slot begins before `lead` is over: the time that the ledger's answer takes to arrive.
        """
        answer = self._scripts.run(
            "signups/claim",
            account=keys.account(account),
            lane=lane,
            lease=lease,
            requests_per_second=pace.requests_per_second,
            deliveries_per_day=pace.deliveries_per_day,
            lookahead=pace.lookahead,
            jitter=jitter,
            lead=lead,
        )
        match answer:
            case ["claimed", *details]:
                return self._readable_claim(account, details)
            case ["wait", ms]:
                return Wait(duration(ms))
            case ["hold", reason]:
                known = read_one(
                    RecordKind.HOLD, f"{account}: {reason}", lambda: HoldReason(reason)
                )
                return OnHold(known or HoldReason.PAUSED)
        return NothingDue()

    def _readable_claim(self, account: str, details: list[Any]) -> Claim | Wait:
        """Return the claim. A sign-up that cannot be read becomes a dead letter instead, so that
        the next one can be claimed."""
        id, number, *_ = details
        claim = read_one(RecordKind.SIGNUP, str(id), lambda: read_claim(account, details))
        if claim is not None:
            return claim
        self._scripts.run_for(
            account,
            "signups/bury",
            calls=keys.CALLS,
            id=id,
            number=number,
            took={},
            attempt=None,
            reason=DeathReason.UNREADABLE,
            error_key="",
            message="its record cannot be read",
            account_is_well=False,
            api_failed=False,
        )
        return Wait(timedelta())

    def deliver(self, claim: Claim, attempt: Attempt, *, contact_id: str, action: str) -> bool:
        """Settle the claim as delivered; False when another claim has superseded it."""
        return self._settle(
            "signups/deliver",
            claim,
            attempt=attempt.to_json(),
            contact_id=contact_id,
            action=action,
        )

    def retry(
        self,
        claim: Claim,
        attempt: Attempt,
        *,
        wait: timedelta,
        error_key: str,
        message: str,
        api_failed: bool = False,
    ) -> bool:
        """Settle the claim: due again after `wait`; False when superseded.

        `api_failed` says that the API itself failed: several such failures in a row are an outage.
        """
        return self._settle(
            "signups/retry",
            claim,
            attempt=attempt.to_json(),
            wait=wait,
            error_key=error_key,
            message=message,
            counted=int(attempt.counted),
            api_failed=api_failed,
        )

    def bury(
        self,
        claim: Claim,
        attempt: Attempt | None,
        *,
        reason: DeathReason,
        error_key: str,
        message: str,
        account_is_well: bool,
        api_failed: bool = False,
    ) -> bool:
        """Settle the claim as a dead letter; False when superseded.

        `account_is_well` says that the answer proves token, permission and quota to be in order,
        which ends the holds that this claim was a probe for; `api_failed` is as in `retry`.
        """
        return self._settle(
            "signups/bury",
            claim,
            attempt=attempt.to_json() if attempt else None,
            reason=reason,
            error_key=error_key,
            message=message,
            account_is_well=account_is_well,
            api_failed=api_failed,
        )

    def lose(self, claim: Claim, cause: str, *, wait: timedelta) -> bool:
        """Settle the claim: its worker met an unforeseen error. False when superseded.

        The sign-up is due again after `wait`, or `poison` when this was the last claim that it may
        lose.
        """
        return self._settle("signups/lose", claim, cause=cause, wait=wait)

    def release_claim(self, claim: Claim, attempt: Attempt | None) -> bool:
        """Settle the claim: due again at once in its old place. No attempt is counted. False when
        superseded."""
        sent = attempt.to_json() if attempt else None
        return self._settle("signups/release_claim", claim, attempt=sent)

    def _settle(self, script: str, claim: Claim, **args: Any) -> bool:
        fence = self._scripts.run_for(
            claim.account,
            script,
            calls=keys.CALLS,
            id=claim.id,
            number=claim.number,
            took=to_counts(claim.took),
            **args,
        )
        return bool(fence != "superseded")

    # --- holds

    def hold(
        self,
        account: str,
        reason: HoldReason,
        *,
        by: str,
        note: str = "",
        first_probe: timedelta | None = None,
        longest_probe: timedelta = timedelta(hours=1),
    ) -> bool:
        """Put the account on hold; True when it was not on hold for this reason before.

        The hold is probed after `first_probe`, then at growing intervals; never when None.
        """
        new = self._scripts.run_for(
            account,
            "holds/begin",
            reason=reason,
            first_probe=first_probe,
            longest_probe=longest_probe,
            by=by,
            note=note,
        )
        return bool(new)

    def hold_quota(self, account: str, *, jitter: float, note: str = "") -> bool:
        """Put the account's API key on hold until 00:00 UTC, as Constant Contact asks."""
        return bool(self._scripts.run_for(account, "holds/begin_quota", note=note, jitter=jitter))

    def lift(self, account: str, reason: HoldReason) -> bool:
        """End the account's hold for `reason`, whose cause is gone; False when there was none."""
        return bool(self._scripts.run_for(account, "holds/lift", reason=reason))

    def release(self, account: str, *, by: str = "") -> list[HoldReason]:
        """End `paused`, probe every other hold at once; return the holds before."""
        before = self._scripts.run_for(account, "holds/release", by=by)
        return [HoldReason(reason) for reason in before]

    def last_release(self, account: str) -> Release | None:
        """Return the account's last release; None if that was long ago."""
        with redis_errors_translated():
            stored = self._client.get(f"{keys.account(account)}released")
        if stored is None:
            return None
        return read_one(RecordKind.HOLD, f"{account}: released", lambda: read_release(str(stored)))

    def holds(self, account: str) -> tuple[Hold, ...]:
        """Return the account's own holds as they are stored, but for those of its API key."""
        with redis_errors_translated():
            stored = self._client.hgetall(f"{keys.account(account)}holds")
        return read_holds(account, [(str(reason), str(hold)) for reason, hold in stored.items()])

    # --- what an operator does and sees

    # `who` joins the sign-up's history: who did it, and what else is to be known.

    def requeue(self, account: str, id: str, who: Who = NOBODY) -> bool:
        """Make a dead letter due again; False when it is none."""
        event = event_by("retried", who)
        return bool(self._scripts.run_for(account, "signups/requeue", id=id, event=event))

    def deliver_anyway(self, signup: Signup, who: Who = NOBODY) -> bool:
        """Make a quarantined sign-up due; False when it is none, or has changed since it was
        read."""
        return bool(
            self._scripts.run_for(
                signup.account,
                "signups/deliver_anyway",
                id=signup.id,
                edits=signup.edits,
                event=event_by("delivered from quarantine", who),
            )
        )

    def discard(self, account: str, id: str, who: Who = NOBODY) -> bool:
        """Discard a dead letter or quarantined sign-up; False when it is neither."""
        event = event_by("discarded", who)
        return bool(self._scripts.run_for(account, "signups/discard", id=id, event=event))

    def undo_discard(self, account: str, id: str, who: Who = NOBODY) -> bool:
        """Make a discarded sign-up what it was before; False when it is not discarded, or an
        earlier version did that."""
        event = event_by("discard undone", who)
        return bool(self._scripts.run_for(account, "signups/undo_discard", id=id, event=event))

    def edit(self, signup: Signup, contact: Contact, *, person: str, change: str) -> bool:
        """Correct the contact of a dead letter or quarantined sign-up; False when it has changed
        since `signup` was read."""
        edited = self._scripts.run_for(
            signup.account,
            "signups/edit",
            id=signup.id,
            edits=signup.edits,
            sent=sent_json(signup, contact),
            person=person,
            change=change,
        )
        return bool(edited)

    def figures(self, account: str) -> Figures:
        """Return the account's figures, all read at the same moment."""
        return _figures(account, *self._scripts.run_for(account, "accounts/status"))

    def figures_of(self, accounts: Iterable[str]) -> Iterator[Figures]:
        """Yield the figures of each account; those of many are read in one round trip."""
        names = list(accounts)
        answers = self._scripts.run_for_each(names, "accounts/status")
        for account, answer in zip(names, answers, strict=True):
            yield _figures(account, *answer)

    def in_trouble(self, accounts: Iterable[str]) -> set[str]:
        """Return those of the accounts that an operator should look at first."""
        answers = self._scripts.run_for_all(accounts, "accounts/find_in_trouble")
        return {keys.account_of(prefix) for some in answers for prefix in some}

    def find(self, id: str, accounts: Iterable[str]) -> Signup | None:
        """Return the sign-up `id`, whichever of `accounts` it belongs to."""
        names = list(accounts)
        calls = [self._read_call(name, [id]) for name in names]
        for name, answer in zip(names, self._scripts.execute_all(calls), strict=True):
            for signup in read_signups(name, [id], answer):
                return signup
        return None

    def history(self, signup: Signup) -> list[dict[str, Any]]:
        """Return every attempt and other event of the sign-up, oldest first."""
        _, [record] = self._scripts.execute(self._read_call(signup.account, [signup.id]))
        return read_history(signup.id, record) if record else []

    def outlook(self, signup: Signup) -> Outlook:
        """Return when the sign-up is looked at next, and what it waits for."""
        [found] = self.outlooks([signup])
        return found

    def outlooks(self, signups: Sequence[Signup]) -> list[Outlook]:
        """Return the same for each, in one round trip."""
        calls = [
            self._scripts.call("signups/outlook", account=keys.account(each.account), id=each.id)
            for each in signups
        ]
        answers = self._scripts.execute_all(calls)
        return [
            _outlook(signup.id, *answer) for signup, answer in zip(signups, answers, strict=True)
        ]

    def counts_of_people(self, signups: Sequence[Signup]) -> list[int]:
        """Return of each sign-up's person how many its account has, with cleared ones whose
        evidence is kept."""
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for signup in signups:
                reads.zcard(f"{keys.account(signup.account)}person:{signup.person}")
            return [int(count) for count in reads.execute()]

    def dead_letters(
        self, *accounts: str, reason: DeathReason | None = None, since: datetime | None = None
    ) -> Iterator[Signup]:
        """Yield the accounts' dead letters, the latest first, read a page at a time."""
        return self._latest_first(accounts, f"dead:{reason}" if reason else "dead", since)

    def quarantined(self, *accounts: str, since: datetime | None = None) -> Iterator[Signup]:
        """Yield the accounts' quarantined sign-ups, the latest first, read a page at a time. Some
        that were received before `since` may be among them, if they waited on web's disk."""
        return self._latest_first(accounts, "quarantined", since)

    def delivered(self, *accounts: str) -> Iterator[Signup]:
        """Yield the accounts' delivered sign-ups, the last received first, read a page at a
        time."""
        return self._latest_first(accounts, "received:delivered", None)

    def signups(
        self, account: str, ids: list[str], may_match: Callable[[FirstLine], bool] | None = None
    ) -> Iterator[Signup]:
        """Yield those of the account's sign-ups that exist and can be read. Those that cannot match
        may be left out."""
        return self.signups_in_order([(account, id) for id in ids], may_match)

    def _latest_first(
        self, accounts: tuple[str, ...], index: str, since: datetime | None
    ) -> Iterator[Signup]:
        least = since.timestamp() * 1000 if since else None
        for page in latest_first(self._client, accounts, index, since=least):
            yield from self.signups_in_order([(account, id) for _, account, id in page])

    def signups_in_order(
        self,
        wanted: Sequence[tuple[str, str]],
        may_match: Callable[[FirstLine], bool] | None = None,
    ) -> Iterator[Signup]:
        """Return the sign-ups that exist, each wanted by its account and its id, in this order.
        Those that cannot match may be left out."""
        ids: dict[str, list[str]] = defaultdict(list)
        for account, id in wanted:
            ids[account].append(id)
        answers = self._scripts.execute_all([self._read_call(*each) for each in ids.items()])
        found = {
            (account, signup.id): signup
            for (account, its), answer in zip(ids.items(), answers, strict=True)
            for signup in read_signups(account, its, answer, may_match)
        }
        return (found[each] for each in wanted if each in found)

    def _read_call(self, account: str, ids: list[str]) -> ScriptCall:
        return self._scripts.call("signups/read", account=keys.account(account), ids=ids)

    def call_times(self) -> CallTimes:
        """Return how long the calls took by which sign-ups were delivered, of all time and all
        accounts. `stats:<minute>` has the number and the sum for each minute of an account."""
        with redis_errors_translated():
            stored: Any = self._client.hgetall(keys.CALLS)
        return from_counts(read_all(RecordKind.CALLS, stored, int))

    # --- whether the account's connection works

    def note_success(self, account: str) -> None:
        """Note that a call with the account's token succeeded just now. Deliveries do it
        themselves."""
        self._scripts.run_for(account, "accounts/note_success")

    def last_successes(self, accounts: Iterable[str]) -> list[datetime | None]:
        """Return when a call with each account's token last succeeded; None when none did yet."""
        names = list(accounts)
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in names:
                reads.get(f"{keys.account(account)}succeeded-at")
            found = reads.execute()
        return [
            read_one(RecordKind.SUCCESS, account, partial(moment, stored))
            for account, stored in zip(names, found, strict=True)
        ]


def event_by(name: str, who: Who) -> dict[str, Any]:
    """Return an event of a sign-up's history, but for its time."""
    return {"event": name, "counted": False, **who}


def _outlook(id: str, due_at: str, before: int, first: str, job: str) -> Outlook:
    return Outlook(
        due_at=read_one(RecordKind.SIGNUP, id, partial(moment, due_at or None)),
        before=before,
        first_in_line=first or None,
        job=job or None,
    )


def _figures(
    account: str, totals: list[Any], oldest_ms: int, holds: list[Any], dead: list[Any]
) -> Figures:
    known = {name: value for name, value in pairs(totals) if name.partition(":")[0] in _KNOWN}
    counts = read_all(RecordKind.TOTALS, known, int, of=account)
    return Figures(
        **{name: counts.get(name, 0) for name in COUNTS},
        oldest_due=None if oldest_ms < 0 else duration(oldest_ms),
        holds=read_holds(account, holds),
        dead_by_reason=read_dead_by_reason(counts, dict(pairs(dead))),
        left=with_prefix("left:", counts),
    )
