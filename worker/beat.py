"""Beat: wakes the workers every second and has tokens refreshed. Two side by side do no harm.

Nothing depends on it being exact, or on there being one: every message only asks to look
whether something is due, and each worker looks by itself, too.
"""

import logging
import os
import signal
import socket
import sys
from datetime import timedelta
from typing import Any

import redis
from celery import beat, signals

from shared import queues
from shared.celery_client import Publisher, make_celery
from shared.constant_contact.tokens import look_at_tokens_every
from shared.domain.errors import LedgerUnavailable
from shared.ledger.ledger import Ledger
from shared.logs import configure
from shared.redis_urls import connect
from shared.settings import Settings
from worker.watch import watch_every
from worker.watching import start_beside_beat

log = logging.getLogger(__name__)

WAKE_EVERY = timedelta(seconds=1)


def schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return what beat sends, and how often; a message expires before the next but one."""
    return {
        "wake lanes": _entry(queues.WAKE, WAKE_EVERY),
        "refresh tokens": _entry(
            queues.REFRESH_TOKENS, look_at_tokens_every(settings.token_refresh)
        ),
        "watch": _entry(queues.WATCH, watch_every(settings.alert_after)),
    }


def _entry(task: str, every: timedelta) -> dict[str, Any]:
    return {"task": task, "schedule": every, "options": {"expires": 2 * every.total_seconds()}}


class Scheduler(beat.Scheduler):
    """Celery's scheduler without its state file: what is due is told by the data, not by when
    beat was started. Says that it is alive at every tick, and spares queues that are long."""

    ledger: Ledger
    publisher: Publisher
    name: str
    away = False

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Send what is due; return the seconds until something will be.

        Nothing is sent while Redis is away: Celery would wait longer and longer for it.
        """
        try:
            self.ledger.beat_alive(self.name)
            self.publisher.queue_is_long(
                queues.UPKEEP_QUEUE
            )  # which tells that the broker is there
        except (LedgerUnavailable, redis.RedisError) as error:
            self._note_away(type(error).__name__)
            return WAKE_EVERY.total_seconds()
        self._note_back()
        return super().tick(*args, **kwargs)

    def _note_away(self, cause: str) -> None:
        if not self.away:
            log.warning("beat cannot reach Redis", extra={"cause": cause})
        self.away = True

    def _note_back(self) -> None:
        if self.away:
            log.info("beat reaches Redis again")
        self.away = False

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Send the entry's message, unless its queue is long already."""
        if self.publisher.queue_is_long(queues.ROUTES[entry.task]["queue"]):
            return None
        return super().apply_async(entry, *args, **kwargs)


def run(settings: Settings) -> None:
    """Run beat in this process until it is told to stop."""
    configure("beat")
    signals.setup_logging.connect(lambda **_: None, weak=False)  # Celery would set up its own
    logging.getLogger("celery.beat").setLevel(logging.WARNING)  # a line for every message
    app = make_celery(settings, publishing=True)
    app.conf.update(beat_schedule=schedule(settings), beat_max_loop_interval=1)
    client = connect(settings.redis_url, socket_timeout=2, socket_connect_timeout=1)
    scheduler = type(
        "RelayScheduler",
        (Scheduler,),
        {
            "ledger": Ledger(client),
            "publisher": Publisher(settings),
            "name": f"beat-{os.getpid()}@{socket.gethostname()}",
        },
    )
    log.info("beat wakes the workers", extra={"every": str(WAKE_EVERY)})
    start_beside_beat(settings)
    service = beat.Service(app, scheduler_cls=scheduler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    service.start()
