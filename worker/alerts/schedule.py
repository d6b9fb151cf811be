"""Who looks for alerts: beat, by itself, and each worker while no beat is alive.

Beat also sends `relay.watch` to the workers, so that an alert gets out even if beat's host
reaches no alert service. Any of them may be missing, and any number may look at once.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.alert_services import make_services
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from worker.alerts.dispatcher import AlertDispatcher, alert_interval, make_alert_dispatcher
from worker.alerts.redis_outage import RedisOutageAlert
from worker.upkeep import heartbeat
from worker.upkeep.heartbeat import Heartbeat
from worker.upkeep.periodic import Periodic
from worker.upkeep.roll_up import ROLL_UP_EVERY, make_roll_up

log = logging.getLogger(__name__)

# After so long without a beat workers look by themselves.
BEAT_SILENT_AFTER = timedelta(minutes=1)


def start_beside_beat(settings: Settings) -> None:
    """Look for alerts, send the heartbeat and roll figures up, on threads of their own. So they
    delay no tick of beat."""
    client = connect(settings.redis_url, socket_timeout=5, socket_connect_timeout=2)
    Periodic("roll-up", make_roll_up(client).look, every=ROLL_UP_EVERY).start()
    if settings.alerts:
        dispatcher = make_alert_dispatcher(settings, client)
        redis_outage = RedisOutageAlert(
            make_services(settings.alerts), settings.alert_after, time.monotonic
        )
        alerts = BeatAlerts(dispatcher, redis_outage)
        Periodic("alerts", alerts.look, every=alert_interval(settings.alert_after)).start()
    if settings.heartbeat_url:
        ping = Heartbeat(settings.heartbeat_url, Ledger(client)).ping
        Periodic("heartbeat", ping, every=heartbeat.EVERY).start()


@dataclass(frozen=True, slots=True)
class BeatAlerts:
    """The alerts of beat, which also says that Redis does not answer."""

    dispatcher: AlertDispatcher
    redis_outage: RedisOutageAlert

    def look(self) -> None:
        try:
            self.dispatcher.dispatch()
        except LedgerUnavailable as error:
            self.redis_outage.away(error.problem)
        else:
            self.redis_outage.answers()


class WorkerAlerts:
    """The alerts of a worker, which looks when beat asks, and by itself while no beat is alive."""

    def __init__(
        self,
        dispatcher: AlertDispatcher,
        ledger: Ledger,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._monotonic = monotonic
        self._began = monotonic()

    def look(self) -> None:
        """Look now; say in the log when Redis does not answer."""
        try:
            self._dispatcher.dispatch()
        except LedgerUnavailable as error:
            log.warning("could not look for alerts", extra={"cause": str(error)})

    def look_without_beat(self) -> None:
        """Look, unless a beat was seen lately or this worker has just started."""
        here = timedelta(seconds=self._monotonic() - self._began)
        try:
            silent = min((here, *self._ledger.processes.beats_seen().values()))
        except LedgerUnavailable as error:
            log.warning("could not look for beats", extra={"cause": str(error)})
            return
        if silent > BEAT_SILENT_AFTER:
            self.look()
