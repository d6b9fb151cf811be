"""A worker as `relay worker` runs it, for which some addresses are poison.

What a sign-up does to its worker is in its address, and nothing but that is different: the
process is killed, hangs for good, or raises something that nobody foresaw.
"""

import os
import signal
import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from relay.cli import main
from shared.constant_contact.client import ConstantContact
from shared.domain.outcome import ApiAnswer
from shared.ledger import limits
from worker import app
from worker.runtime import WorkerRuntime, WorkerTimes
from worker.upkeep import record_clearing

# So that a round of the soak is not mostly waiting.
SOON = timedelta(seconds=1)
LONGEST_ROUND = timedelta(seconds=10)

_sign_up = ConstantContact.sign_up


def sign_up(self: ConstantContact, access_token: str, body: Mapping[str, Any]) -> ApiAnswer:
    match str(body["email_address"]).split("-")[0]:
        case "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs":
            threading.Event().wait()
        case "raises":
            raise RuntimeError("nobody foresaw this")
    return _sign_up(self, access_token, body)


if __name__ == "__main__":
    ConstantContact.sign_up = sign_up  # type: ignore[method-assign]
    times = WorkerTimes(first_probe=SOON, unforeseen_wait=SOON, longest_round=LONGEST_ROUND)
    app.WorkerRuntime = partial(WorkerRuntime, times=times)  # type: ignore[assignment,attr-defined]
    limits.FIRST_OUTAGE_PROBE = SOON
    record_clearing.CLEAR_EVERY = SOON
    app.CLEAR_EVERY = SOON  # type: ignore[attr-defined]
    main(["worker"])
