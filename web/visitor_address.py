"""The visitor's network address: of the socket, or as the trusted proxies in front name it.

The limits of visitors and of sign-ins count by it, and evidence of consent keeps it.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from shared.doctor.deploy.visit import HEADER as DOCTOR_HEADER
from shared.domain.errors import LedgerUnavailable
from shared.domain.forwarding import FORWARDING_HEADERS, Misfit
from shared.infrastructure.addresses import is_local, plain_address
from shared.ledger.stores.stored_texts import StoredText

log = logging.getLogger(__name__)

NOTE_EVERY = timedelta(minutes=10)
NOTE_LIVES = timedelta(days=1)
_NEVER = float("-inf")

_NAMES = {name.lower() for name in FORWARDING_HEADERS}
_DOCTOR = DOCTOR_HEADER.lower()


class MisfitNotes:
    """Tells the log once, and the doctor through Redis, of proxies that do not fit the settings.

    Anybody can send a header that looks like a proxy's. So what is certain is told all the same
    after that, and nothing else after what is certain. `clock` is monotonic, in seconds. Notes are
    written on a thread of their own.
    """

    def __init__(
        self, stored: StoredText, *, clock: Callable[[], float], now: Callable[[], datetime]
    ) -> None:
        self._stored = stored
        self._clock = clock
        self._now = now
        self._noting = threading.Lock()
        # By whether the misfit is certain.
        self._next_at = {True: _NEVER, False: _NEVER}

    def note(self, make: Callable[[], Misfit]) -> None:
        """Note the misfit unless one was noted just now. Returns at once and never fails."""
        if self._clock() < min(self._next_at.values()) or not self._noting.acquire(blocking=False):
            return
        try:
            self._note(make())
        finally:
            self._noting.release()

    def forget(self) -> None:
        """Remove the note of earlier processes, which may have had other settings."""
        with contextlib.suppress(LedgerUnavailable):
            self._stored.remove()

    def _note(self, misfit: Misfit) -> None:
        next_at, known = self._next_at[misfit.certain], self._next_at[True] != _NEVER
        if self._clock() < next_at or (known and not misfit.certain):
            return
        self._next_at[misfit.certain] = self._clock() + NOTE_EVERY.total_seconds()
        if next_at == _NEVER:
            log.warning("%s %s", misfit.found, misfit.fix)
        threading.Thread(target=self._write, args=(misfit,), daemon=True).start()

    def _write(self, misfit: Misfit) -> None:
        with contextlib.suppress(LedgerUnavailable):
            self._stored.write(misfit.to_json(self._now().isoformat()), NOTE_LIVES)


class VisitorAddress:
    """Finds the plain address of the visitor who sent a request.

    The last `trusted` addresses of X-Forwarded-For are from our own proxies; a visitor may have
    made up the others. What is no address leaves that of the socket.
    """

    def __init__(self, trusted: int, misfits: MisfitNotes) -> None:
        self._trusted = trusted
        self._misfits = misfits

    def find(self, peer: str, headers: Mapping[str, str], *, method: str) -> str:
        """Return the visitor's address; `headers` have their names in lower case."""
        forwarded = headers.get("x-forwarded-for", "")
        # An empty one has a place, too. Else a visitor's own could get that of a proxy's.
        addresses = forwarded.split(",") if forwarded.strip() else []
        named = None
        if 0 < self._trusted <= len(addresses):
            named = plain_address(addresses[-self._trusted])
        if named is None and self._is_misfit(headers, method):
            self._misfits.note(lambda: self._misfit(headers, peer, len(addresses)))
        return named or plain_address(peer) or peer

    def _is_misfit(self, headers: Mapping[str, str], method: str) -> bool:
        """Whether a proxy should have named the visitor, or tried to, and is not trusted.

        Programs on this host ask for our health without any proxy, but sign nobody up. The doctor
        makes addresses up, and sees itself what becomes of them.
        """
        if _DOCTOR in headers:
            return False
        return (self._trusted > 0 and method == "POST") or not _NAMES.isdisjoint(headers)

    def _misfit(self, headers: Mapping[str, str], peer: str, addresses: int) -> Misfit:
        return Misfit(
            headers=tuple(name for name in FORWARDING_HEADERS if name.lower() in headers),
            addresses=addresses,
            trusted=self._trusted,
            private=is_local(peer),
        )
