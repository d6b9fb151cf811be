"""What an operator can do: the one place that the command line, and later the console, call."""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

from shared.domain.account import HoldReason, unknown_account
from shared.domain.errors import Refused
from shared.domain.field_checks import CheckEmail, edit_contact
from shared.domain.replay import for_replays, time_to_send
from shared.domain.signup import DeathReason, Signup, State
from shared.infrastructure.timestamps import timestamp
from shared.ledger.fingerprints import Fingerprints
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.ledger.replays import Replays
from shared.ledger.spools import SpoolReport
from shared.ledger.values import Figures
from shared.operations.replay_jobs import Replay, RetryPlan, joined

# Workers say that they are alive every few seconds, beat every second.
LIVE_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which dead letters: those with these `ids`, or all that match every filter given."""

    ids: tuple[str, ...] = ()
    account: str | None = None
    reason: DeathReason | None = None
    email: str | None = None
    since: datetime | None = None
    all: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen at all, which must not mean everything."""
        chosen = (self.ids, self.account, self.reason, self.email, self.since, self.all)
        return not any(chosen)

    def to_json(self) -> str:
        """Return what was chosen, without any person's address."""
        chosen = {
            "ids": len(self.ids) or None,
            "account": self.account,
            "reason": self.reason,
            "email": "one person" if self.email else None,
            "since": timestamp(self.since),
            "all": self.all or None,
        }
        return json.dumps({name: value for name, value in chosen.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Pulse:
    """Which processes live: workers seen of late, and when the last beat ticked."""

    workers: int
    beat_age: timedelta | None


class Operations:
    """Looks and changes. Raises `Refused` for what cannot be done, `LedgerUnavailable` when
    Redis does not answer."""

    def __init__(
        self,
        ledger: Ledger,
        registry: Registry,
        replays: Replays,
        *,
        fingerprints: Callable[[], Fingerprints],
        check_email: CheckEmail,
        now: Callable[[], datetime],
        notify_workers: Callable[[str], None],
    ) -> None:
        """`notify_workers` asks the workers to look after an account, and may fail silently."""
        self._ledger = ledger
        self._registry = registry
        self._replays = replays
        self._fingerprints = fingerprints
        self._check_email = check_email
        self._now = now
        self._notify_workers = notify_workers

    # --- looking

    def figures(self) -> dict[str, Figures]:
        """Return every account's figures by its name."""
        return {name: self._ledger.figures(name) for name in self._account_names()}

    def pulse(self) -> Pulse:
        live = [age for age in self._ledger.processes.workers_seen().values() if age <= LIVE_WITHIN]
        return Pulse(len(live), min(self._ledger.processes.beats_seen().values(), default=None))

    def spools(self) -> list[SpoolReport]:
        """Return what waits on the disks of web hosts, as they last told it."""
        return self._ledger.spools.all()

    def failed(self, selection: Selection, limit: int | None = None) -> list[Signup]:
        """Return the chosen dead letters, the latest first; all of them when nothing is chosen."""
        dead = (signup for signup in self._chosen(selection) if signup.state == State.DEAD)
        return list(islice(dead, limit))

    def show(self, id: str) -> tuple[Signup, list[dict[str, Any]]]:
        """Return the sign-up `id`, whatever its state, and all that happened to it."""
        signup = self._ledger.find(id, self._account_names())
        if signup is None:
            raise Refused(f"there is no sign-up {id}; `relay failed list` shows the dead letters")
        return signup, self._ledger.history(signup)

    def replays(self) -> list[Replay]:
        """Return all replays that have not ended, or did so within 30 days, the latest first."""
        return joined(part for name in self._account_names() for part in self._replays.parts(name))

    def replay(self, id: str) -> Replay:
        found = [replay for replay in self.replays() if replay.id == id]
        if not found:
            raise _no_replay(id)
        return found[0]

    # --- changing

    def plan_retry(self, selection: Selection) -> RetryPlan:
        """Return what retrying the chosen dead letters would take. Changes nothing."""
        chosen = self._chosen_for_change(selection)
        for signup in chosen:
            if signup.state != State.DEAD:
                raise Refused(f"{signup.id} is {signup.state}; only dead letters can be retried")
        # Oldest first, so that one person's sign-ups keep their order.
        chosen.sort(key=lambda signup: signup.received_at)
        left, takes = self._cost(Counter(signup.account for signup in chosen))
        return RetryPlan(
            signups=tuple(chosen), quota_left=left, takes=takes, chosen=selection.to_json()
        )

    def retry(self, plan: RetryPlan) -> list[str]:
        """Make the dead letters due again at once; return the ids of those that were dead."""
        done = [s for s in plan.signups if self._ledger.requeue(s.account, s.id)]
        for account in sorted({signup.account for signup in done}):
            self._notify_workers(account)
        return [signup.id for signup in done]

    def start_replay(self, plan: RetryPlan, by: str) -> Replay | None:
        """Have the dead letters sent again some at a time; workers do so from now on.

        Return the replay; None when all of them wait in another one, or are dead no longer.
        """
        id = str(uuid.uuid4())
        ids: dict[str, list[str]] = defaultdict(list)
        for signup in plan.signups:
            ids[signup.account].append(signup.id)
        added = [
            self._replays.add(account, id, those, by=by, chosen=plan.chosen)
            for account, those in sorted(ids.items())
        ]
        return self.replay(id) if any(added) else None

    def cancel_replay(self, id: str, by: str) -> int:
        """Keep dead what waits in the replay, and return how many; what is due flows on."""
        kept = [self._replays.cancel(name, id, by=by) for name in self._account_names()]
        if all(count is None for count in kept):
            raise _no_replay(id)
        return sum(count or 0 for count in kept)

    def discard(self, selection: Selection) -> list[str]:
        """Discard the chosen dead letters, and quarantined sign-ups named by id; return the ids."""
        chosen = self._chosen_for_change(selection)
        for signup in chosen:
            if signup.state not in (State.DEAD, State.QUARANTINED):
                raise Refused(
                    f"{signup.id} is {signup.state}; only dead letters and quarantined sign-ups"
                    " can be discarded"
                )
        return [s.id for s in chosen if self._ledger.discard(s.account, s.id)]

    def edit(self, id: str, changes: Mapping[str, str]) -> Signup:
        """Correct fields of a dead letter. Raises `InvalidSignup` when they are wrong."""
        signup, _ = self.show(id)
        if signup.state != State.DEAD:
            raise Refused(f"{id} is {signup.state}; only dead letters can be edited")
        contact = edit_contact(signup.contact, changes, check_email=self._check_email)
        person = self._fingerprints().person(self._check_email(contact.email))
        change = {
            "at": round(self._now().timestamp() * 1000),
            "event": "edited",
            "fields": sorted(changes),
            "counted": False,
        }
        if not self._ledger.edit(signup, contact, person=person, change=json.dumps(change)):
            raise Refused(f"{id} was changed by somebody else just now; look at it again")
        return self.show(id)[0]

    def hold(self, account: str, note: str, by: str) -> None:
        """Pause an account: its sign-ups are accepted and wait."""
        self._require_account(account)
        self._ledger.hold(account, HoldReason.PAUSED, by=by, note=note)

    def release(self, account: str) -> list[HoldReason]:
        """End the pause, probe every other hold now; return what stood."""
        self._require_account(account)
        stood = self._ledger.release(account)
        self._notify_workers(account)
        return stood

    # --- what a retry costs

    def _cost(self, counts: Mapping[str, int]) -> tuple[int, timedelta]:
        """Return how many requests are left today for so many dead letters of each account, and
        how long a replay of them takes."""
        by_key: Counter[str] = Counter()
        for name, count in counts.items():
            if account := self._registry.account(name):
                by_key[account.client_id] += count
        left = {key: self._left_today(key) for key in by_key}
        pace, now = self._replays.pace, self._now()
        times = (
            time_to_send(count, pace, today=for_replays(left[key]), now=now)
            for key, count in by_key.items()
        )
        return sum(left.values()), max(times, default=timedelta())

    def _left_today(self, client_id: str) -> int:
        return max(0, self._replays.pace.per_day - self._ledger.pace.used_today(client_id))

    # --- choosing

    def _chosen_for_change(self, selection: Selection) -> list[Signup]:
        if selection.is_empty:
            raise Refused("nothing was chosen")
        return list(self._chosen(selection))

    def _chosen(self, selection: Selection) -> Iterator[Signup]:
        if selection.account:
            self._require_account(selection.account)
        found = self._by_id(selection.ids) if selection.ids else self._dead(selection)
        email = self._comparable(selection.email) if selection.email else None
        return (signup for signup in found if self._matches(signup, selection, email))

    def _matches(self, signup: Signup, selection: Selection, email: str | None) -> bool:
        """Whether the sign-up passes every filter that was given, whatever else chose it."""
        ended_at = signup.settled_at or signup.received_at
        return (
            selection.account in (None, signup.account)
            and selection.reason in (None, signup.reason)
            and (selection.since is None or ended_at >= selection.since)
            and (email is None or self._compared(signup) == email)
        )

    def _by_id(self, ids: Iterable[str]) -> Iterator[Signup]:
        return (self.show(id)[0] for id in ids)

    def _dead(self, selection: Selection) -> Iterator[Signup]:
        names = [selection.account] if selection.account else self._account_names()
        found = chain.from_iterable(
            self._ledger.dead_letters(name, selection.reason) for name in names
        )
        if len(names) == 1:
            return found
        oldest = datetime.min.replace(tzinfo=UTC)
        return iter(sorted(found, key=lambda s: s.settled_at or oldest, reverse=True))

    def _comparable(self, email: str) -> str:
        try:
            return self._check_email(email)
        except ValueError as error:
            raise Refused(f"that is no e-mail address: {error}") from error

    def _compared(self, signup: Signup) -> str | None:
        try:
            return self._check_email(signup.contact.email)
        except ValueError:
            return None

    def _account_names(self) -> list[str]:
        return [account.name for account in self._registry.accounts()]

    def _require_account(self, name: str) -> None:
        if self._registry.account(name) is None:
            raise unknown_account(name, self._account_names())


def _no_replay(id: str) -> Refused:
    return Refused(f"there is no replay {id}; `relay failed replays` lists them")
