"""Reports every sign-up to Celery's monitors as if it were a task of its own.

A lane delivers many sign-ups within one Celery task. With RELAY_TASK_EVENTS=1 each is
announced through Celery's event dispatcher, so that Flower lists it: its uuid is the
sign-up's id, and nothing personal is in it.
"""

import logging

from celery import Celery

from shared.domain.outcome import DeadLetter, Delivered, Settlement
from shared.ledger.values import Claim
from worker.delivery.delivery import Reporter

log = logging.getLogger(__name__)

NAME = "signup"


class Silent:
    """Reports nothing."""

    def started(self, claim: Claim) -> None:
        """Nobody listens."""

    def ended(self, claim: Claim, decision: Settlement, seconds: float) -> None:
        """Nobody listens."""


class ToMonitors:
    """Sends task events of the worker `name`."""

    def __init__(self, app: Celery, name: str) -> None:
        self._app = app
        self._name = name

    def started(self, claim: Claim) -> None:
        self._send(
            "task-received", claim, name=NAME, args="", kwargs="", retries=claim.attempts, eta=None
        )
        self._send("task-started", claim)

    def ended(self, claim: Claim, decision: Settlement, seconds: float) -> None:
        match decision:
            case Delivered():
                self._send("task-succeeded", claim, result="delivered", runtime=seconds)
            case DeadLetter(reason, message):
                self._send("task-failed", claim, exception=f"{reason}: {message}", traceback="")
            case _:
                self._send("task-retried", claim, exception=type(decision).__name__, traceback="")

    def _send(self, kind: str, claim: Claim, **fields: object) -> None:
        try:
            with self._app.events.default_dispatcher(hostname=self._name) as dispatcher:
                dispatcher.send(kind, uuid=claim.id, **fields)
        except Exception as error:  # noqa: BLE001 - monitoring must never disturb a delivery
            log.debug("event not sent", extra={"kind": kind, "cause": type(error).__name__})


def make_reporter(app: Celery, name: str, *, enabled: bool) -> Reporter:
    """Return what hears of every sign-up: Celery's monitors, or nothing."""
    return ToMonitors(app, name) if enabled else Silent()
