"""Celery tasks: thin, like views. Each turns a message into one call."""

from celery import Celery

from shared.domain.errors import LedgerUnavailable
from shared.infrastructure import queues
from worker.delivery.lane import LaneReport
from worker.runtime import WorkerRuntime


def register(app: Celery, runtime: WorkerRuntime) -> None:
    """Define the tasks on `app`. Their names never change: queues.py says why."""

    @app.task(name=queues.DELIVER)
    def deliver(account: str) -> LaneReport:
        """Run a lane for the account; Celery logs what it did.

        Safe to run twice, late, or not at all: the ledger has what must be delivered.
        """
        return runtime.lanes.run(account)

    @app.task(name=queues.WAKE)
    def wake() -> list[str]:
        """Start a lane for every account with something due, in case its message was lost."""
        try:
            accounts = runtime.due.accounts()
        except LedgerUnavailable:  # the poller logs it, once
            return []
        for account in accounts:
            runtime.lanes.notify_workers(account)
        return accounts

    @app.task(name=queues.REFRESH_TOKENS)
    def refresh_tokens() -> None:
        """Refresh the tokens that are due for it."""
        runtime.token_refresher.refresh_all()

    @app.task(name=queues.WATCH)
    def watch() -> None:
        """Look for alerts, and send those that the alert services do not know yet."""
        runtime.alerts.look()
