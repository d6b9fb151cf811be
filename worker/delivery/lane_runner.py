"""Runs lanes in this process: those that Celery's messages ask for, and those without one."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from shared.constant_contact.client import ConstantContact
from shared.domain.account import Account
from shared.ledger.stores.registry import Registry
from worker.delivery.connection_pool import ConnectionPool
from worker.delivery.lane import Lane, LaneReport
from worker.delivery.lane_places import LanePlaces

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRunner:
    """Runs the lanes of one process.

    `make_lane` returns a new lane for an account, over the given connection. `publish` sends the
    message that asks for a lane. `delivers`: whether lanes may run in this process.
    """

    registry: Registry
    places: LanePlaces
    connections: ConnectionPool
    make_lane: Callable[[Account, ConstantContact], Lane]
    publish: Callable[[str], None]
    stopping: threading.Event
    delivers: bool

    def run(self, account: str) -> LaneReport:
        """Run a lane for `account` and return what it did."""
        with self.places.take(account) as taken:
            if not taken:
                return {"stopped": "no place for another lane"}
            found = self.registry.account(account)
            if found is None:  # the message is not ours, or old
                return {"stopped": "no such account"}
            with self.connections.lend(found.client_id) as contacts:
                return self.make_lane(found, contacts).run()

    def notify_workers(self, account: str) -> None:
        """Ask the workers for a lane. Never fails: if the message does not get out, the lane runs
        here."""
        try:
            self.publish(account)
        except Exception as error:  # noqa: BLE001 - whatever the broker's client raises
            log.warning("no lane asked for", extra={"cause": type(error).__name__})
            self._start(account)

    def run_locally(self, account: str) -> bool:
        """Start a lane here, without a message. False when one runs here already, or none may."""
        if not self.delivers or self.places.runs(account):
            return False
        self._start(account)
        return True

    def _start(self, account: str) -> None:
        """Run a lane on a thread beside Celery's. No daemon: the process ends when it has."""
        if self.delivers and not self.stopping.is_set():
            threading.Thread(target=self._run_logged, args=(account,), name="lane").start()

    def _run_logged(self, account: str) -> None:
        try:
            done = self.run(account)
        except Exception:  # the next look may do better
            log.exception("lane without a message failed")
        else:
            log.info("lane without a message", extra=done)
