"""Ends a worker in which sending a sign-up hangs: nothing else frees its thread, its lane's place,
and the process for whatever waits to be alone in it.
"""

import logging
import os
from collections.abc import Callable
from datetime import timedelta

from celery.platforms import EX_FAILURE

from worker.delivery.in_flight import InFlight

log = logging.getLogger(__name__)

# Waiting for a token, asking, sending and settling have deadlines, which make less than this
# together, besides the lease.
LONGEST_ROUND = timedelta(minutes=5)


def end_if_hung(
    in_flight: InFlight,
    *,
    lease: timedelta,
    stop_lanes: Callable[[], None],
    longest_round: timedelta = LONGEST_ROUND,
    end: Callable[[int], None] = os._exit,
) -> None:
    """End the process if a sign-up has been in hand for longer than anything takes.

    The other lanes get a lease's time to end what they are sending. Whoever supervises the
    worker starts a new one; the sign-up's claim is lost, and of three such it dies as `poison`.
    """
    hung = in_flight.longer_than((lease + longest_round).total_seconds())
    if not hung:
        return
    log.critical("sending hangs, so this worker ends", extra={"signups": hung})
    stop_lanes()
    in_flight.wait_for_the_others(hung, timeout=lease.total_seconds())
    end(EX_FAILURE)
