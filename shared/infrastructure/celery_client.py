"""The Celery app that web and worker share: how messages look and where they go.

Celery carries only wake-ups. The ledger holds the truth. So a message may be lost, doubled or
late, and every setting here prefers an early failure to waiting.
"""

from typing import Any

from celery import Celery

from shared.infrastructure import queues
from shared.infrastructure.redis_urls import celery_broker, connect
from shared.infrastructure.settings import Settings

# Limits the messages that pile up while no worker runs. Messages do not expire as well: that would
# depend on the clocks of two hosts, and a worker with a fast clock would discard all messages.
LONGEST_QUEUE = 50


def make_celery(settings: Settings, *, publishing: bool) -> Celery:
    """Return an app for `settings`; nothing is connected yet.

    `publishing` is for processes that only send messages. They must never hang; a worker instead
    waits until its broker is back.
    """
    broker, transport_options = celery_broker(settings.broker_url)
    app = Celery("signup-relay", broker=broker, set_as_current=not publishing)
    app.conf.update(
        # A message has the name of a task and of an account; reading JSON runs no code.
        task_serializer="json",
        accept_content=["json"],
        # Nobody reads results: the ledger has what became of a sign-up.
        result_backend=None,
        task_ignore_result=True,
        task_routes=queues.ROUTES,
        broker_transport_options={
            **transport_options,
            # A message that was taken is not kept in Redis until its task began. It is a wake-up,
            # and one that is lost with its worker costs a second. An acknowledgement would be
            # sent to Redis, and fail when Redis has just ended; kombu fails to recover from that.
            "ack_emulation": False,
            # One list for each queue. By default there are four, for priorities that nobody uses.
            "priority_steps": [0],
            # By default, kombu switches redis-py's timeouts off. Then a frozen Redis would hang a
            # process for ever.
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
    # The retries of redis-py and kombu turn a timeout of one second into 13 seconds.
    "retry_on_timeout": False,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
_PUBLISHING: dict[str, Any] = {
    # The next notification, or beat's message, is a second away.
    "task_publish_retry": False,
    "broker_connection_timeout": 0.5,
    # Without this, a pool whose connections all hang blocks for ever.
    "broker_pool_acquire_timeout": 1.0,
}


class Publisher:
    """Sends wake-ups. It never waits long, and sends only while the queue is short."""

    def __init__(self, settings: Settings) -> None:
        self._app = make_celery(settings, publishing=True)
        self._broker = connect(settings.broker_url, socket_timeout=1, socket_connect_timeout=0.5)

    def notify_workers(self, account: str) -> None:
        """Ask the workers for a lane of `account`; raises whatever the broker's client does."""
        if not self.queue_is_long(queues.DELIVER_QUEUE):
            self._app.send_task(queues.DELIVER, args=[account])

    def queue_is_long(self, queue: str) -> bool:
        """Whether so many messages wait that one more would make no difference."""
        return self._broker.llen(queue) >= LONGEST_QUEUE
