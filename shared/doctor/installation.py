"""Looks at the installation: Redis, the broker, what runs, our own address, Constant Contact."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import redis
import requests

from shared.accounts import checks
from shared.accounts.connecting import Connecting
from shared.constant_contact.answers import read_body
from shared.constant_contact.client import clock_ahead_in
from shared.constant_contact.connection import Connection, ConnectionFailed
from shared.doctor import engine_checks, outside_checks, redis_checks
from shared.doctor.identity import HEADER, mark_of
from shared.doctor.looking import Look
from shared.domain.check import Check
from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.redis_errors import redis_errors_translated
from shared.ledger.registry import Registry
from shared.ledger.server_id import server_id
from shared.ledger.server_inspection import clock_ahead, inspect_server, round_trip
from shared.ledger.spools import damaged_ones
from shared.operations.secret_rotation import Rotation

ANSWER_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`client` is of the ledger, `broker` of the broker's Redis; neither may wait for long.
    `take_slot` waits for a turn in the pace of the API key."""

    settings: Settings
    client: "redis.Redis"
    broker: "redis.Redis"
    ledger: Ledger
    registry: Registry
    connecting: Connecting
    rotation: Rotation
    take_slot: Callable[[], None]
    now: Callable[[], datetime]

    def redis(self) -> Check:
        """Look whether Redis answers, before all that needs it."""
        try:
            return redis_checks.answers(round_trip(self.client, time.monotonic))
        except LedgerUnavailable as error:
            return redis_checks.silent(str(error))

    def in_redis(self) -> list[Look]:
        """Return the looks for which Redis has to answer."""
        return [
            Look("redis_server", "The Redis server", self._server),
            Look("redis_clock", "Redis' clock and this host's", self._redis_clock),
            Look("secret_key", "RELAY_SECRET_KEY opens what is stored", self._secret_key),
            Look("workers", "Workers are alive", self._workers),
            Look("beat", "Beat is alive", self._beat),
            Look("accounts", "Accounts", self._accounts),
            Look("spooled", "Nothing waits on web's disks", self._spooled),
        ]

    def elsewhere(self) -> list[Look]:
        """Return the looks that Redis has no part in."""
        return [
            Look("broker", "Celery's broker answers", self._broker),
            Look("public_url", "The public address leads here", self._public_url),
            Look("constant_contact", "Constant Contact's API answers", self._constant_contact),
            Look("authorization_url", "Constant Contact knows the application", self._preflight),
            Look("settings", "The settings", self._settings),
            Look("alerts", "Alerts", self._alerts),
            Look("spool", "Web's disk stands in for Redis", self._spool),
        ]

    # --- in Redis

    def _server(self) -> Iterator[Check]:
        facts = inspect_server(self.client)
        yield redis_checks.version(facts)
        yield redis_checks.durability(facts)
        yield redis_checks.eviction(facts)
        yield redis_checks.memory(facts)
        yield redis_checks.role(facts)
        if self.settings.accept_fsync:
            yield redis_checks.accept_fsync(facts)

    def _redis_clock(self) -> Iterator[Check]:
        yield redis_checks.clock(clock_ahead(self.client, self.now))

    def _secret_key(self) -> Iterator[Check]:
        several = len(self.settings.secret_keys) > 1
        yield engine_checks.secret_key(self.rotation.survey(), several=several)

    def _workers(self) -> Iterator[Check]:
        yield engine_checks.workers(self.ledger.workers_seen().values())

    def _beat(self) -> Iterator[Check]:
        yield engine_checks.beat(self.ledger.beats_seen().values())

    def _accounts(self) -> Iterator[Check]:
        yield engine_checks.accounts(len(self.registry.accounts()))

    def _spooled(self) -> Iterator[Check]:
        yield engine_checks.spooled(self.ledger.spools())

    # --- elsewhere

    def _broker(self) -> Iterator[Check]:
        try:
            with redis_errors_translated():
                self.broker.ping()
            its_own = server_id(self.broker)
        except LedgerUnavailable as error:
            yield redis_checks.broker_silent(str(error))
            return
        yield redis_checks.broker(self._ledger_id(), its_own)

    def _ledger_id(self) -> str:
        """Return which database the ledger is; empty where that is not told."""
        try:
            return server_id(self.client)
        except LedgerUnavailable:
            return ""

    def _public_url(self) -> Iterator[Check]:
        url = self.settings.public_url
        try:
            response = _get(f"{url}/healthz")
        except ConnectionFailed as error:
            yield outside_checks.public_url_silent(url, str(error))
            return
        answer = outside_checks.HealthAnswer(
            response.status_code,
            response.headers.get("Location"),
            read_body(response),
            response.headers.get(HEADER),
        )
        yield outside_checks.public_url(url, answer, mark_of(self.settings.instance))

    def _constant_contact(self) -> Iterator[Check]:
        """Any answer will do, even a refusal, as no token is sent. It takes a slot all the same:
        what the API counts is not known."""
        url = self.settings.api_url
        with contextlib.suppress(LedgerUnavailable):  # then nothing else is sent either
            self.take_slot()
        try:
            response = _get(f"{url}/account/summary")
        except ConnectionFailed as error:
            yield outside_checks.constant_contact_silent(url, str(error))
            return
        yield outside_checks.constant_contact(url, response.status_code)
        yield checks.clock(clock_ahead_in(response, self.now()))

    def _preflight(self) -> Iterator[Check]:
        yield self.connecting.preflight()

    def _settings(self) -> Iterator[Check]:
        yield engine_checks.settings(self.settings.advice())

    def _alerts(self) -> Iterator[Check]:
        yield engine_checks.alerts(len(self.settings.alerts))

    def _spool(self) -> Iterator[Check]:
        folder = self.settings.spool_folder
        yield engine_checks.spool(
            folder,
            wanted=self.settings.spool_bytes > 0,
            writable=_may_write(folder),
            damaged=damaged_ones(folder),
        )


def _may_write(folder: Path) -> bool:
    """Whether this process could write to `folder`, or make it."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _get(url: str) -> requests.Response:
    with Connection() as connection:
        return connection.send("GET", url, deadline=ANSWER_WITHIN)
