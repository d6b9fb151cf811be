"""The Celery app that web and worker share: how messages look and where they go.

Celery carries wake-ups only; the ledger holds the truth. So a message may be lost,
doubled or late, and every setting here prefers failing soon to waiting.
"""

from typing import Any

from celery import Celery

from shared.infrastructure import queues
from shared.infrastructure.redis_urls import celery_broker, connect
from shared.infrastructure.settings import Settings

# Bounds what piles up while nobody consumes. Messages do not expire besides: that goes by the
# clocks of two hosts, and a worker whose clock is ahead would discard all it gets.
LONGEST_QUEUE = 50


def make_celery(settings: Settings, *, publishing: bool) -> Celery:
    """Return an app for `settings`; nothing is connected yet.

    `publishing` is for processes that only send messages: they must never hang, while a
    worker had better wait for its broker to come back.
    """
    broker, transport_options = celery_broker(settings.broker_url)
    app = Celery("signup-relay", broker=broker, set_as_current=not publishing)
    app.conf.update(
        # Messages are a task's name and an account's; nothing that could run code when read.
        task_serializer="json",
        accept_content=["json"],
        # Nobody reads results: what became of a sign-up is in the ledger.
        result_backend=None,
        task_ignore_result=True,
        task_routes=queues.ROUTES,
        broker_transport_options={
            **transport_options,
            # Longer than any task runs. The shortest of all clients of a broker counts, so
            # all have the same.
            "visibility_timeout": 600,
            # kombu switches redis-py's timeouts off unless told: a frozen Redis then hangs
            # a process for ever.
            "socket_keepalive": True,
            "health_check_interval": 25,
            # Well above the second that a worker's read for messages blocks on purpose.
            "socket_timeout": 10.0,
            "socket_connect_timeout": 5.0,
            **(_PUBLISHING_TRANSPORT if publishing else {}),
        },
        **(_PUBLISHING if publishing else {}),
    )
    return app


_PUBLISHING_TRANSPORT: dict[str, Any] = {
    "socket_timeout": 1.0,
    "socket_connect_timeout": 0.5,
    # redis-py's and kombu's own retries turn a timeout of one second into 13.
    "retry_on_timeout": False,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
_PUBLISHING: dict[str, Any] = {
    # The next nudge, or beat's, is a second away.
    "task_publish_retry": False,
    "broker_connection_timeout": 0.5,
    # Without it, a pool whose connections all hang blocks for ever.
    "broker_pool_acquire_timeout": 1.0,
}


class Publisher:
    """Sends wake-ups without ever waiting long, and only while few wait already."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_celery(settings, publishing=True)
        self._broker = connect(settings.broker_url, socket_timeout=1, socket_connect_timeout=0.5)

    def notify_workers(self, account: str) -> None:
        """Ask the workers for a lane of `account`; raises whatever the broker's client does."""
        if not self.queue_is_long(queues.DELIVER_QUEUE):
            self._app.send_task(queues.DELIVER, args=[account])

    def queue_is_long(self, queue: str) -> bool:
        """Whether so many messages wait that one more would tell nobody anything."""
        return self._broker.llen(queue) >= LONGEST_QUEUE
