"""Notes how much memory Redis uses. Status, doctor and alerts tell from it when it is full."""

import contextlib
from dataclasses import dataclass

from shared.domain.errors import LedgerUnavailable
from shared.ledger.redis_server.memory import ServerMemory


@dataclass(frozen=True, slots=True)
class MemoryNotes:
    """Runs in every worker; one note in five minutes is kept, whoever writes it."""

    memory: ServerMemory

    def note(self) -> None:
        with contextlib.suppress(LedgerUnavailable):  # the poller logs it
            self.memory.note()
