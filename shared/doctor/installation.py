"""All checks of the installation, with the readers that they need."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import redis
from redis import Redis

from shared.accounts.connecting import APPLICATION_CHECK_DEADLINE, Connecting
from shared.doctor import (
    network_checks,
    operator_checks,
    redis_checks,
    retention_checks,
    settings_checks,
    stored_record_checks,
)
from shared.doctor.check_runner import CheckTask, task
from shared.doctor.deploy.visit import HEADER, proof
from shared.doctor.instance_header import instance_digest
from shared.doctor.stored_record_checks import StoredRecordChecks
from shared.domain.check import Check, CheckResult, CheckSubject
from shared.domain.errors import LedgerUnavailable
from shared.domain.retention import KeptRecords
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.rights import (
    LEDGER_RIGHTS,
    broker_rights,
    missing_rights,
    user_of,
)
from shared.ledger.redis_server.server_id import server_id
from shared.ledger.redis_server.server_inspection import clock_ahead, inspect_server, round_trip
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from shared.ledger.stores.stored_texts import forwarding
from shared.operations import process_checks
from shared.operations.operators import Operators
from shared.operations.secret_rotation import Rotation

ACCOUNTS = CheckSubject("accounts", "Accounts")
_AUTHORIZATION_URL = CheckSubject("authorization_url", "Constant Contact knows the application")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`client` is of the ledger, `broker` of the broker's Redis; both have short timeouts. Those
    of `brief_client` and `brief_broker` are shorter, to find out whether they answer at all.
    `take_slot` waits for a turn in the pace of the API key."""

    settings: Settings
    client: "redis.Redis"
    broker: "redis.Redis"
    brief_client: "redis.Redis"
    brief_broker: "redis.Redis"
    ledger: Ledger
    registry: Registry
    connecting: Connecting
    rotation: Rotation
    keeping: RecordKeeping
    records: StoredRecordChecks
    take_slot: Callable[[], None]
    now: Callable[[], datetime]

    def redis(self) -> Check:
        """Check whether Redis answers, which all checks `in_redis` need."""
        measure = partial(round_trip, self.brief_client, time.monotonic)
        return redis_checks.answers(measure, self.redis_failing)

    def redis_failing(self, error: LedgerUnavailable) -> Check:
        """Return the problem that Redis does not answer; or all rights that its user lacks, when
        it refused one."""
        if isinstance(error.__cause__, redis.exceptions.NoPermissionError):
            with contextlib.suppress(LedgerUnavailable):
                return self._ledger_rights(redis_checks.REDIS)
        return redis_checks.silent(error)

    def in_redis(self) -> list[CheckTask]:
        """Return the checks that read from Redis."""
        return [
            task(
                redis_checks.SERVER,
                redis_checks.server,
                partial(inspect_server, self.client),
                accept_fsync=self.settings.accept_fsync,
            ),
            task(redis_checks.RIGHTS, self._ledger_rights, redis_checks.RIGHTS),
            task(
                redis_checks.CLOCK, redis_checks.clock, partial(clock_ahead, self.client, self.now)
            ),
            task(
                settings_checks.SECRET_KEY,
                settings_checks.secret_key,
                self.rotation.survey,
                several=len(self.settings.secret_keys) > 1,
            ),
            task(
                process_checks.WORKERS, process_checks.workers, self.ledger.processes.workers_seen
            ),
            task(process_checks.BEAT, process_checks.beat, self.ledger.processes.beats_seen),
            task(operator_checks.SECOND_FACTOR, self._second_factor),
            task(ACCOUNTS, self._accounts),
            task(network_checks.PROXIES, network_checks.proxies, forwarding(self.client).read),
            task(retention_checks.RETENTION, retention_checks.retention, self._records, self.now),
            task(stored_record_checks.RECORDS, self.records.run),
            task(process_checks.SPOOLED, process_checks.spooled, self.ledger.spools.all),
        ]

    def elsewhere(self, away: timedelta | None = None) -> list[CheckTask]:
        """Return the checks that need nothing from the ledger.

        `away`: Redis is, and a request may take so long; None while Redis answers.
        """
        settings, asked = self.settings, away or network_checks.ANSWER_WITHIN
        visit = {HEADER: proof(settings.secret_keys[0], self.now())}
        return [
            task(redis_checks.BROKER, self._broker, self.brief_broker if away else self.broker),
            task(
                network_checks.PUBLIC_URL,
                network_checks.public_url,
                settings.public_url,
                instance_digest(settings.instance),
                partial(network_checks.read_health, headers=visit, within=asked),
            ),
            task(
                network_checks.API,
                network_checks.constant_contact,
                settings.api_url,
                partial(self._api_answer, asked, paced=not away),
            ),
            task(
                _AUTHORIZATION_URL,
                self.connecting.check_application,
                within=away or APPLICATION_CHECK_DEADLINE,
            ),
            task(settings_checks.SETTINGS, settings_checks.settings, settings.advice),
            task(settings_checks.ALERTS, settings_checks.alerts, len(settings.alerts)),
            task(
                settings_checks.SPOOL,
                settings_checks.spool,
                settings.spool_folder,
                wanted=settings.spool_bytes > 0,
            ),
        ]

    def _ledger_rights(self, subject: CheckSubject) -> Check:
        find_missing = partial(missing_rights, self.client, LEDGER_RIGHTS)
        return redis_checks.rights(subject, user_of(self.client), find_missing)

    def _broker(self, broker: "Redis") -> Iterator[Check]:
        ledger_id, broker_id = partial(server_id, self.client), partial(server_id, broker)
        check = redis_checks.broker(ledger_id, broker_id)
        yield check
        if check.verdict != CheckResult.PROBLEM:
            needed = broker_rights(task_events=self.settings.task_events)
            find_missing = partial(missing_rights, broker, needed)
            yield redis_checks.rights(redis_checks.BROKER_RIGHTS, user_of(broker), find_missing)

    def _records(self) -> list[KeptRecords]:
        return self.keeping.outlook(self.registry.owners_of_records())

    def _second_factor(self) -> Check:
        without = Operators(self.client).without_second_factor()
        return operator_checks.second_factor(self.settings.require_second_factor, without)

    def _accounts(self) -> Check:
        count = len(self.registry.account_names())
        if count:
            return ACCOUNTS.ok(f"{count} known.")
        return ACCOUNTS.unknown(
            "None is connected yet.",
            f"Start at {self.settings.public_url}/console/connect, or with: relay connect NAME",
        )

    def _api_answer(self, within: timedelta, *, paced: bool) -> network_checks.ApiPing:
        """Ask the API in a slot of its own, because the API may count refused requests too."""
        if paced:  # while Redis is away, nothing else is sent
            with contextlib.suppress(LedgerUnavailable):
                self.take_slot()
        return network_checks.read_api(self.settings.api_url, self.now, within)
