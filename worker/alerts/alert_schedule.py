"""Who watches: beat, by itself, and each worker where no beat is alive.

Beat also sends `relay.watch` to the workers, so that an alert gets out even if beat's host
reaches no alert service. Any of them may be missing, and any number may look at once.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis
from celery import bootsteps

from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.alert_services import make_services
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from worker.alerts.alert_dispatcher import (
    AlertDispatcher,
    RedisOutageAlert,
    alert_interval,
    make_alert_dispatcher,
)
from worker.runtime import WorkerRuntime
from worker.upkeep import heartbeat
from worker.upkeep.heartbeat import Heartbeat
from worker.upkeep.periodic import Periodic

log = logging.getLogger(__name__)

# After so long without a beat workers look by themselves.
BEAT_SILENT_AFTER = timedelta(minutes=1)
# A process that ends does not wait longer for the alert that it is sending.
END_WITHIN = timedelta(seconds=3)


def start_beside_beat(settings: Settings) -> None:
    """Look for troubles and send the heartbeat, on threads of their own: nothing that takes its
    time there holds a tick up."""
    client = connect(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
    if settings.alerts:
        look = _beats_look(settings, client)
        Periodic("watch", look, every=alert_interval(settings.alert_after)).start()
    if settings.heartbeat_url:
        beat = Heartbeat(settings.heartbeat_url, Ledger(client)).beat
        Periodic("heartbeat", beat, every=heartbeat.EVERY).start()


def _beats_look(settings: Settings, client: "redis.Redis") -> Callable[[], None]:
    watch = make_alert_dispatcher(settings, client)
    redis_outage = RedisOutageAlert(
        make_services(settings.alerts), settings.alert_after, time.monotonic
    )

    def look() -> None:
        check_alerts_and_redis(watch, redis_outage)

    return look


def check_alerts_and_redis(watch: AlertDispatcher, redis_outage: RedisOutageAlert) -> None:
    """Look once; where Redis does not answer, tell of that."""
    try:
        watch.look()
    except LedgerUnavailable:
        redis_outage.away()
    else:
        redis_outage.answers()


class AlertsWithoutBeat(bootsteps.StartStopStep):
    """Has the worker look for troubles by itself while no beat is alive."""

    runtime: WorkerRuntime

    @classmethod
    def of(cls, runtime: WorkerRuntime) -> "type[AlertsWithoutBeat]":
        """Return the step for Celery, which makes an instance of it by itself."""
        return type("WorkerAlerts", (cls,), {"runtime": runtime})

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._began = time.monotonic()
        every = alert_interval(self.runtime.settings.alert_after)
        self._periodic = Periodic("watch", self.look, every=every)

    def start(self, parent: Any) -> None:
        if self.runtime.settings.alerts:
            self._periodic.start()

    def stop(self, parent: Any) -> None:
        self._periodic.stop(within=END_WITHIN)

    terminate = stop

    def look(self) -> None:
        """Look for troubles, unless a beat was seen, or may just not have started, of late."""
        here = timedelta(seconds=time.monotonic() - self._began)
        try:
            silent = min((here, *self.runtime.ledger.beats_seen().values()))
        except LedgerUnavailable as error:
            log.warning("could not look for beats", extra={"cause": str(error)})
            return
        if silent > BEAT_SILENT_AFTER:
            self.runtime.check_alerts()
