"""Puts a worker process together: the only place where its parts meet."""

import contextlib
import random
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from shared.constant_contact.client import ConstantContact
from shared.constant_contact.factory import make_constant_contact, make_vault
from shared.constant_contact.pacing import Pacer, job_pace, pace_rules
from shared.domain.account import Account
from shared.domain.retry import RetryPolicy
from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.busy_accounts import BusyAccounts
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.delivery_checks import DeliveryChecks
from shared.operations.field_edits import FieldEdits
from shared.operations.job_feeder import JobFeeder
from shared.operations.job_steps import JobSteps
from worker.alerts.dispatcher import make_alert_dispatcher
from worker.alerts.schedule import WorkerAlerts
from worker.delivery.connection_pool import ConnectionPool
from worker.delivery.delivery import DeliveryTools, Reporter
from worker.delivery.hang_detector import LONGEST_ROUND, HangDetector
from worker.delivery.holds import FIRST_PROBE, LONGEST_PROBE, AccountHolds
from worker.delivery.in_flight import InFlight
from worker.delivery.lane import Lane, LaneRules
from worker.delivery.lane_places import LanePlaces, lane_count
from worker.delivery.lane_runner import LaneRunner
from worker.delivery.poller import DueWork, Poller
from worker.delivery.settler import UNFORESEEN_WAIT, Settler
from worker.delivery.timing import Clock, RoundTrip
from worker.upkeep.job_runner import JobRunner
from worker.upkeep.token_refresher import TokenRefresher

# A lane makes room for other accounts after this long; the next one goes on where it stopped.
SLICE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimes:
    """How long a worker waits for what; tests wait less."""

    slice: timedelta = SLICE
    first_probe: timedelta = FIRST_PROBE
    longest_probe: timedelta = LONGEST_PROBE
    unforeseen_wait: timedelta = UNFORESEEN_WAIT
    longest_round: timedelta = LONGEST_ROUND


class WorkerRuntime:
    """The parts of one worker process, put together, and what its lanes share."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        reporter: Reporter,
        *,
        delivers: bool = True,
        times: WorkerTimes = WorkerTimes(),
    ) -> None:
        """`name` is the worker's own; `delivers`: whether lanes may run in this process."""
        self.settings = settings
        self.client = connect(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
        self.ledger = Ledger(self.client)
        self.registry = Registry(self.client)
        self.vault = make_vault(settings, self.client)
        self.stopping = threading.Event()
        self.holds = AccountHolds(
            self.ledger, first_probe=times.first_probe, longest_probe=times.longest_probe
        )
        self._times = times
        self._reporter = reporter
        self._rules = LaneRules(pace=pace_rules(settings), lease=settings.lease, slice=times.slice)
        self._policy = RetryPolicy(max_attempts=settings.max_attempts, base=settings.retry_base)
        self._clock = Clock(
            now=utc_now, monotonic=time.monotonic, sleep=time.sleep, jitter=random.random
        )
        self._in_flight = InFlight(time.monotonic)
        self._claim_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._round_trip = RoundTrip()

        self.connections = ConnectionPool(partial(make_constant_contact, settings, self.client))
        self.lanes = self._make_lane_runner(delivers)
        job_ledger = JobLedger(self.client, job_pace(settings))
        edits = FieldEdits(self.registry, check_email)
        steps = JobSteps(self.ledger, job_ledger, DeliveryChecks(self.registry, check_email), edits)
        self.job_runner = JobRunner(steps, self.stopping)
        self.due = DueWork(
            self.registry,
            BusyAccounts(self.client),
            JobFeeder(self.ledger, job_ledger, edits),
            self.job_runner.note,
        )
        self.poller = Poller(self.due, self.lanes, partial(self._say_alive, name))
        self.token_refresher = TokenRefresher(
            self.registry, self.vault, self.holds, self._try_token
        )
        self.hang_detector = HangDetector(
            self._in_flight,
            lease=settings.lease,
            stop_lanes=self.stopping.set,
            longest_round=times.longest_round,
        )
        self.alerts = WorkerAlerts(
            make_alert_dispatcher(settings, self.client, stopping=self.stopping.is_set),
            self.ledger,
        )

    def _say_alive(self, name: str) -> None:
        self.ledger.processes.worker_alive(name, self._in_flight.sent())

    def _try_token(self, client_id: str, access_token: str) -> None:
        with contextlib.closing(
            make_constant_contact(self.settings, self.client, client_id)
        ) as api:
            api.privileges(access_token)

    def _make_lane_runner(self, delivers: bool) -> LaneRunner:
        return LaneRunner(
            registry=self.registry,
            places=LanePlaces(lane_count(self.settings)),
            connections=self.connections,
            make_lane=self._make_lane,
            publish=Publisher(self.settings).notify_workers,
            stopping=self.stopping,
            delivers=delivers,
        )

    def _make_lane(self, account: Account, contacts: ConstantContact) -> Lane:
        return Lane(
            name=str(uuid.uuid4()),
            account=account.name,
            rules=self._rules,
            ledger=self.ledger,
            holds=self.holds,
            tools=self._delivery_tools(account.client_id, contacts),
            claim_lock=self._claim_locks[account.name],
            in_flight=self._in_flight,
            stopping=self.stopping,
            round_trip=self._round_trip,
            start_another=partial(self.lanes.notify_workers, account.name),
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
                unforeseen_wait=self._times.unforeseen_wait,
            ),
            reporter=self._reporter,
            policy=self._policy,
            uncount_request=Pacer(self.client, self.settings, client_id).uncount_request,
            clock=self._clock,
        )
