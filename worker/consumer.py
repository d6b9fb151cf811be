"""Takes messages from the broker; what is no message of ours is discarded, never fatal.

Celery passes an error in a message's form on to its event loop, where it ends the worker. The
message is then put back, and ends every other worker, too.
"""

import logging
from collections.abc import Callable
from typing import Any

from celery.worker import consumer

log = logging.getLogger(__name__)

# What reading a message of another form than expected raises. Errors of the connection to the
# broker are none of these, and must pass.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError)


class Consumer(consumer.Consumer):
    """Celery's consumer, which no message can end."""

    def on_ready(self) -> None:
        """Have what is not even JSON discarded, as it is read."""
        handlers = self.task_consumer.channel.handlers  # type: ignore[attr-defined]
        handlers["BRPOP"] = _discarding(handlers["BRPOP"])
        super().on_ready()

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:
        """Return what takes each message."""
        take = super().create_task_handler(*args, **options)

        def take_or_discard(message: Any) -> None:
            try:
                take(message)
            except _MALFORMED as error:
                _discarded(error)
                message.ack()

        return take_or_discard


def _discarding(read: Callable[..., Any]) -> Callable[..., Any]:
    """Return `read`, which reads one message from the broker, without what it fails at."""

    def read_or_discard(**options: Any) -> Any:
        try:
            return read(**options)
        except _MALFORMED as error:
            _discarded(error)
            return True

    return read_or_discard


def _discarded(error: Exception) -> None:
    # Nothing of its content: it is not known whose it is.
    log.warning("malformed message discarded", extra={"cause": type(error).__name__})
