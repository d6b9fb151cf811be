"""Takes messages from the broker, and discards those that are not ours.

An error in a message's form would reach Celery's event loop and end the worker. The message
would be put back then, and end every other worker, too.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker import consumer

log = logging.getLogger(__name__)

# Reading a message of an unexpected form raises these. Errors of the connection to the broker
# are others, and must pass.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError)


class Consumer(consumer.Consumer):
    """Celery's consumer, which no message can end."""

    def on_ready(self) -> None:
        """Discard what is not even JSON while it is read."""
        handlers = self.task_consumer.channel.handlers  # type: ignore[attr-defined]
        handlers["BRPOP"] = _discarding(handlers["BRPOP"])
        super().on_ready()

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Return the function that takes each message."""
        take = super().create_task_handler(*args, **options)

        def take_or_discard(message: Any) -> None:
            try:
                take(message)
            except _MALFORMED as error:
                _discarded(error)
                message.ack()

        return take_or_discard


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
