"""Makes parts of ours start and stop with Celery's worker."""

from collections.abc import Callable
from typing import Any

from celery import bootsteps


def _nothing() -> None:
    pass


def step(
    name: str,
    *,
    start: Callable[[], None] = _nothing,
    close: Callable[[], None] = _nothing,
    stop: Callable[[], None] = _nothing,
) -> type[bootsteps.StartStopStep]:
    """Return a class for `app.steps["worker"]`. Celery makes one instance of it.

    Celery calls `close` when the worker begins to end, and `stop` when its tasks have ended.
    """

    def without_parent(call: Callable[[], None]) -> Callable[[Any, Any], None]:
        return lambda _step, _parent: call()

    methods = {"start": start, "close": close, "stop": stop, "terminate": stop}
    members = {method: without_parent(call) for method, call in methods.items()}
    return type(name, (bootsteps.StartStopStep,), members)
