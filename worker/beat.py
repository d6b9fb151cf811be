"""Beat: wakes the workers every second, and has tokens refreshed and alerts looked for.

Nothing depends on it being exact, or on there being one, and two side by side do no harm. Every
message only asks to look whether something is due, and each worker looks by itself, too.
"""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from celery import beat, signals
from celery.schedules import schedule as every

from shared.constant_contact.token_vault import look_at_tokens_every
from shared.domain.errors import LedgerUnavailable
from shared.infrastructure import queues
from shared.infrastructure.celery_client import Publisher, make_celery
from shared.infrastructure.logs import configure
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.format import open_if_there
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.redis_problems import explain
from worker.alerts.dispatcher import alert_interval
from worker.alerts.schedule import start_beside_beat

log = logging.getLogger(__name__)

WAKE_EVERY = timedelta(seconds=1)


Now = Callable[[], datetime]


def steady_clock(
    now: Now = lambda: datetime.now(UTC), monotonic: Callable[[], float] = time.monotonic
) -> Now:
    """Return a clock that does not move when somebody sets this host's clock.

    Otherwise, a host's clock set back by an hour would stop beat for an hour.
    """
    began, at = monotonic(), now()
    return lambda: at + timedelta(seconds=monotonic() - began)


def schedule(settings: Settings, now: Now) -> dict[str, dict[str, Any]]:
    """Return what beat sends, and how often by the clock `now`.

    Messages do not expire: a worker whose clock is ahead would take each for too old. Instead,
    beat sends none to a queue that is long.
    """
    refresh = look_at_tokens_every(settings.token_refresh)
    watch = alert_interval(settings.alert_after)
    return {
        "wake lanes": {"task": queues.WAKE, "schedule": every(WAKE_EVERY, nowfun=now)},
        "refresh tokens": {"task": queues.REFRESH_TOKENS, "schedule": every(refresh, nowfun=now)},
        "watch": {"task": queues.WATCH, "schedule": every(watch, nowfun=now)},
    }


class Scheduler(beat.Scheduler):
    """Celery's scheduler without its state file: the data says what is due, not the time at which
    beat was started.

    The scheduler reports that it is alive at every tick, and sends nothing to a long queue.
    """

    ledger: Ledger
    publisher: Publisher
    name: str
    away = False

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; return the seconds until something will be.

        Nothing is sent while Redis is away: Celery would wait longer and longer for it.
        """
        try:
            self.ledger.processes.beat_alive(self.name)
            self.publisher.queue_is_long(queues.UPKEEP_QUEUE)  # fails without a broker
        except (LedgerUnavailable, redis.RedisError) as error:
            self._note_away(str(error if isinstance(error, LedgerUnavailable) else explain(error)))
            return WAKE_EVERY.total_seconds()
        self._note_back()
        return super().tick(*args, **kwargs)

    def _note_away(self, cause: str) -> None:
        if not self.away:
            log.warning("beat cannot use Redis", extra={"cause": cause})
        self.away = True

    def _note_back(self) -> None:
        if self.away:
            log.info("beat can use Redis again")
        self.away = False

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Send the entry's message, unless its queue is long already."""
        if self.publisher.queue_is_long(queues.ROUTES[entry.task]["queue"]):
            return None
        return super().apply_async(entry, *args, **kwargs)


def make_service(settings: Settings, now: Now) -> beat.Service:
    """Return Celery's beat with our schedule, by the clock `now`."""
    app = make_celery(settings, publishing=True)
    app.conf.update(beat_schedule=schedule(settings, now), beat_max_loop_interval=1)
    client = connect(settings.redis_url, socket_timeout=2, socket_connect_timeout=1)
    open_if_there(client)
    scheduler = type(
        "RelayScheduler",
        (Scheduler,),
        {
            "ledger": Ledger(client),
            "publisher": Publisher(settings),
            "name": f"beat-{os.getpid()}@{socket.gethostname()}",
        },
    )
    return beat.Service(app, scheduler_cls=scheduler)


def run(settings: Settings) -> None:
    """Run beat in this process until it is told to stop."""
    configure("beat", settings.log_format)
    signals.setup_logging.connect(lambda **_: None, weak=False)  # Celery would set up its own
    logging.getLogger("celery.beat").setLevel(logging.WARNING)  # a line for every message
    log.info("beat wakes the workers", extra={"every": str(WAKE_EVERY)})
    service = make_service(settings, steady_clock())
    start_beside_beat(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    service.start()
