"""Takes messages from the broker, and outlives what the broker and its messages do.

An error in a message's form would reach Celery's event loop and end the worker. Celery would also
log whole messages, with their content and a traceback. So each message that is not exactly one of
ours is discarded here, with one line in the log. No message of ours is compressed, as a few bytes
may become gigabytes.

When the connection is lost, Celery closes it, and closes it again. What kombu raises then ended
the worker: its channels ask a connection that is already gone. And when the broker refuses a
command, Celery connects again at once, several times a second. Both are done here instead.
"""

import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker import consumer
from celery.worker.state import maybe_shutdown
from kombu import compression
from kombu.exceptions import ContentDisallowed, DecodeError, SerializerNotInstalled

from shared.infrastructure import queues
from shared.ledger.redis_server.redis_problems import explain
from worker.broker_refusals import BrokerRefusals

log = logging.getLogger(__name__)

# Reading a message of an unexpected form raises these. Errors of the connection to the broker
# are others, and must pass.
_MALFORMED = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(ContentDisallowed, DecodeError, SerializerNotInstalled, InvalidTaskError),
)
# How many arguments each task has; all of them are texts.
_ARGUMENTS = {queues.DELIVER: 1, queues.WAKE: 0, queues.REFRESH_TOKENS: 0, queues.WATCH: 0}
_LONGEST_ARGUMENT = 100
# How often a worker that waits looks whether it has to end.
_LOOK_EVERY_SECONDS = 0.5


class Consumer(consumer.Consumer):
    """Celery's consumer, which neither a message nor the death of the broker can end."""

    connection: Any
    channel_errors: tuple[type[Exception], ...]
    task_consumer: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refusals = BrokerRefusals(time.monotonic, random.random)

    def on_ready(self) -> None:
        """Discard what is not even JSON while it is read, and put no message back at the end.

        A message that is lost with its worker costs a second. To put it back, kombu would need
        the broker, which may be gone.
        """
        channel = self.task_consumer.channel
        channel.do_restore = False
        channel.handlers["BRPOP"] = _discarding(channel.handlers["BRPOP"])
        super().on_ready()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Leave the connection behind. Nothing of it is needed, so closing it may fail."""
        connection, self.connection = self.connection, None
        for close in (connection.collect, connection.close):
            with suppress(Exception):
                close()
        self._log_and_wait(exc)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Wait before the next try: the broker answers, but refuses."""
        self._log_and_wait(exc)

    def _log_and_wait(self, error: Exception) -> None:
        """Wait after a refusal alone. For a lost connection, Celery waits while it connects."""
        cause = explain(error).of_the_broker().what
        if not isinstance(error, self.channel_errors):
            log.warning("the connection to the broker is lost", extra={"cause": cause})
            return
        refusal = self._refusals.note(cause)
        if refusal.is_news:
            log.error("the broker refuses a command", extra={"cause": cause})
        _wait(refusal.wait)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Return the function that takes each message."""
        take = super().create_task_handler(*args, **options)

        def take_or_discard(message: Any) -> None:
            try:
                check_message(message)
                take(message)
            except _MALFORMED as error:
                self.on_decode_error(message, error)

        return take_or_discard

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Discard the message, also for Celery, where it cannot read one."""
        _discarded(exc)
        message.ack()

    def on_unknown_message(self, body: Any, message: Any) -> None:
        self.on_decode_error(message, ValueError())

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        self.on_decode_error(message, exc)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        self.on_decode_error(message, exc)


def check_message(message: Any) -> None:
    """Raise an error of `_MALFORMED` unless web, beat or a worker can have sent the message."""
    count = _ARGUMENTS[message.headers["task"]]
    args, kwargs, embedded = message.payload
    texts = [each for each in args if isinstance(each, str) and len(each) <= _LONGEST_ARGUMENT]
    asks_for_more = kwargs or message.headers.get("eta") or any(embedded.values())
    if len(texts) != len(args) or len(args) != count or asks_for_more:
        raise ValueError("arguments that the task does not take")


def refuse_compressed_messages() -> None:
    """Have kombu unpack nothing, in the whole process."""
    for name in compression.encoders():
        compression.register(_refuse, _refuse, name)


def _refuse(packed: Any) -> Any:
    raise ValueError("a compressed message")


def _wait(span: timedelta) -> None:
    """Wait for `span`. Raise what ends the worker, if it has to end."""
    until = time.monotonic() + span.total_seconds()
    while time.monotonic() < until:
        maybe_shutdown()
        time.sleep(_LOOK_EVERY_SECONDS)


def _discarding(read: Callable[..., Any]) -> Callable[..., Any]:
    """Return `read`, which reads one message from the broker, so that it skips malformed ones."""

    def read_or_discard(**options: Any) -> Any:
        try:
            return read(**options)
        except _MALFORMED as error:
            _discarded(error)
            return True

    return read_or_discard


def _discarded(error: Exception) -> None:
    # Without its content, as nobody knows whose it is.
    log.warning("malformed message discarded", extra={"cause": type(error).__name__})
