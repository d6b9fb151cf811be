"""Puts a worker process together: one ledger, one vault, and the lanes that use them."""

import logging
import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from shared.constant_contact.client import ConstantContact
from shared.constant_contact.pacing import Pacer, pace_rules
from shared.domain.account import Account
from shared.domain.errors import LedgerUnavailable, Refused, Revoked, TokenError
from shared.domain.retry import RetryPolicy
from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.operations.assembly import make_constant_contact, make_replays, make_vault, utc_now
from worker.alerts.alert_dispatcher import make_alert_dispatcher
from worker.delivery.delivery import DeliveryTools, Reporter
from worker.delivery.holds import FIRST_PROBE, LONGEST_PROBE, AccountHolds
from worker.delivery.in_flight import InFlight
from worker.delivery.lane import Lane, LaneReport, LaneRules
from worker.delivery.settler import UNFORESEEN_WAIT, Settler
from worker.delivery.timing import Clock, RoundTrip
from worker.hang_detector import end_if_hung

log = logging.getLogger(__name__)

# A lane makes room for other accounts after this long; the next one goes on where it stopped.
SLICE = timedelta(seconds=20)
MOST_LANES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimes:
    """How long a worker waits for what; tests wait less."""

    slice: timedelta = SLICE
    first_probe: timedelta = FIRST_PROBE
    longest_probe: timedelta = LONGEST_PROBE
    unforeseen_wait: timedelta = UNFORESEEN_WAIT


def lane_count(settings: Settings) -> int:
    """Return how many lanes one process runs: enough to use the pace although each waits for
    answers of up to two seconds, and a couple to spare."""
    return min(MOST_LANES, int(2 * settings.requests_per_second) + 2)


class LanePlaces:
    """The places for lanes in this process, so many for all accounts together.

    Counted here and not in Redis, where a killed process would never give its places back;
    across processes the pace alone is the limit. An account's first lane may take any place,
    its further ones leave a quarter free, so that a large account cannot shut a small one out.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def runs(self, account: str) -> bool:
        """Whether the account has a lane here."""
        with self._lock:
            return self._taken[account] > 0

    @contextmanager
    def take(self, account: str) -> Iterator[bool]:
        """Take a place while the block runs; gives False when there is none."""
        with self._lock:
            keep_free = self._count // 4 if self._taken[account] else 0
            free = self._count - self._taken.total() - keep_free
            if free > 0:
                self._taken[account] += 1
        if free <= 0:
            yield False
            return
        try:
            yield True
        finally:
            with self._lock:
                self._taken[account] -= 1


class WorkerRuntime:
    """All that the tasks of one worker process share."""

    def __init__(
        self,
        settings: Settings,
        reporter: Reporter,
        *,
        delivers: bool = True,
        times: WorkerTimes = WorkerTimes(),
    ) -> None:
        """`delivers`: whether lanes may run in this process."""
        client = connect(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
        self.client = client
        self.settings = settings
        self.ledger = Ledger(client)
        self.registry = Registry(client)
        self.replays = make_replays(settings, client)
        self.stopping = threading.Event()
        self._delivers = delivers
        self._publisher = Publisher(settings)
        self._reporter = reporter
        self.vault = make_vault(settings, client)
        self._watch = make_alert_dispatcher(settings, client, stopping=self.stopping.is_set)
        self.places = LanePlaces(lane_count(settings))
        self._turnstiles: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.in_flight = InFlight(time.monotonic)
        self._not_refreshed: dict[str, str] = {}  # account -> why
        self._round_trip = RoundTrip()
        self._idle: defaultdict[str, list[ConstantContact]] = defaultdict(list)
        self._clock = Clock(
            now=utc_now,
            monotonic=time.monotonic,
            sleep=time.sleep,
            jitter=random.random,
        )
        self._rules = LaneRules(
            pace=pace_rules(settings),
            policy=RetryPolicy(max_attempts=settings.max_attempts, base=settings.retry_base),
            lease=settings.lease,
            slice=times.slice,
        )
        self._unforeseen_wait = times.unforeseen_wait
        self.holds = AccountHolds(
            self.ledger, first_probe=times.first_probe, longest_probe=times.longest_probe
        )

    def run_lane(self, account: str) -> LaneReport:
        """Run a lane for `account` and return what it did."""
        with self.places.take(account) as taken:
            if not taken:
                return {"stopped": "no place for another lane"}
            found = self.registry.account(account)
            if found is None:  # the message is none of ours, or old
                return {"stopped": "no such account"}
            with self._contacts(found.client_id) as contacts:
                return self._lane(found, contacts).run()

    def accounts_with_work(self) -> list[str]:
        """Return the accounts for which a lane would find something to do now.

        This is also what has replays go on, as every worker looks now and then.
        """
        names = [account.name for account in self.registry.accounts()]
        for name in names:
            self.replays.feed(name)
        return [name for name in names if self.ledger.anything_due(name)]

    def notify_workers(self, account: str) -> None:
        """Ask for a lane, from whichever worker is free. Never fails: should the message not get
        out, the lane runs here."""
        try:
            self._publisher.notify_workers(account)
        except Exception as error:  # noqa: BLE001 - whatever the broker's client raises
            log.warning("no lane asked for", extra={"cause": type(error).__name__})
            self._start_lane_here(account)

    def run_locally(self, account: str) -> bool:
        """Start a lane here, with no message; False when one runs here already, or none may."""
        if not self._delivers or self.places.runs(account):
            return False
        self._start_lane_here(account)
        return True

    def _start_lane_here(self, account: str) -> None:
        """Run a lane on a thread beside Celery's. No daemon: the process ends when it has."""
        if self._delivers and not self.stopping.is_set():
            threading.Thread(target=self._run_lane_here, args=(account,), name="lane").start()

    def _run_lane_here(self, account: str) -> None:
        try:
            done = self.run_lane(account)
        except Exception:  # the next look may do better
            log.exception("lane without a message failed")
        else:
            log.info("lane without a message", extra=done)

    def refresh_tokens(self) -> None:
        """Refresh every account's tokens that are due for it."""
        for account in self.registry.accounts():
            try:
                self.vault.refresh_due(account.name)
                if not self.vault.has_failed(account.name):
                    self.holds.end_hold_without_token(account.name)
                self._not_refreshed.pop(account.name, None)
            except (TokenError, Refused, LedgerUnavailable) as error:
                self._tell_not_refreshed(account.name, str(error))
                if isinstance(error, Revoked):
                    self.holds.hold_without_token(account.name, str(error), probed=False)

    def _tell_not_refreshed(self, account: str, cause: str) -> None:
        """Log it once, and not at every look for as long as nobody mends it."""
        if self._not_refreshed.get(account) != cause:
            self._not_refreshed[account] = cause
            log.warning("tokens not refreshed", extra={"account": account, "cause": cause})

    def end_if_hung(self) -> None:
        """End this process if sending a sign-up hangs in it."""
        end_if_hung(self.in_flight, lease=self.settings.lease, stop_lanes=self.stopping.set)

    def check_alerts(self) -> None:
        """Tell the alert services what has begun, stands or ended, as far as they do not know."""
        try:
            self._watch.look()
        except LedgerUnavailable as error:
            log.warning("could not look for trouble", extra={"cause": str(error)})

    def _lane(self, account: Account, contacts: ConstantContact) -> Lane:
        return Lane(
            name=str(uuid.uuid4()),
            account=account.name,
            rules=self._rules,
            ledger=self.ledger,
            holds=self.holds,
            tools=self._delivery_tools(account.client_id, contacts),
            turnstile=self._turnstiles[account.name],
            in_flight=self.in_flight,
            stopping=self.stopping,
            round_trip=self._round_trip,
            start_another=lambda: self.notify_workers(account.name),
        )

    def _delivery_tools(self, client_id: str, contacts: ConstantContact) -> DeliveryTools:
        return DeliveryTools(
            tokens=self.vault,
            contacts=contacts,
            settler=Settler(
                self.ledger,
                self.holds,
                patience=self._rules.lease,
                jitter=self._clock.jitter,
                unforeseen_wait=self._unforeseen_wait,
            ),
            reporter=self._reporter,
            policy=self._rules.policy,
            refund_slot=Pacer(self.client, self.settings, client_id).refund_slot,
            clock=self._clock,
        )

    @contextmanager
    def _contacts(self, client_id: str) -> Iterator[ConstantContact]:
        """Lend a client whose connection is kept alive from lane to lane."""
        idle = self._idle[client_id]
        try:
            contacts = idle.pop()
        except IndexError:
            contacts = make_constant_contact(self.settings, self.client, client_id)
        try:
            yield contacts
        finally:
            idle.append(contacts)
