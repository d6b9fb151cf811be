"""Ends a worker in which sending a sign-up hangs.

A thread that hangs cannot be ended. Only the end of the process frees its place, and the lanes
that wait to be alone.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from worker.delivery.in_flight import InFlight

log = logging.getLogger(__name__)

# Together, all deadlines (token, claim, send) are shorter than the lease and this.
LONGEST_ROUND = timedelta(minutes=5)
EXIT_STATUS = 1


@dataclass(frozen=True, slots=True)
class HangDetector:
    """Ends the process once a sign-up has been in flight for longer than anything takes."""

    in_flight: InFlight
    lease: timedelta
    stop_lanes: Callable[[], None]
    longest_round: timedelta = LONGEST_ROUND
    end: Callable[[int], None] = os._exit

    def check(self) -> None:
        """End the process if a sign-up hangs in it.

        The other lanes get a lease's time to end what they are sending. The supervisor starts a
        new worker. The sign-up's claim is lost, and the third lost claim makes it `poison`.
        """
        hung = self.in_flight.longer_than((self.lease + self.longest_round).total_seconds())
        if not hung:
            return
        log.critical("sending hangs, so this worker ends", extra={"signups": hung})
        self.stop_lanes()
        self.in_flight.wait_for_the_others(hung, timeout=self.lease.total_seconds())
        self.end(EXIT_STATUS)
