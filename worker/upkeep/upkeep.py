"""Puts together what every worker does beside delivering."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from threading import Event

import redis

from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.format import all_upgraded
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.memory import NOTE_EVERY, ServerMemory
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from worker.upkeep.record_clearing import CLEAR_EVERY, RecordClearing
from worker.upkeep.roll_up import ROLL_UP_EVERY, make_roll_up
from worker.upkeep.upgrade import UPGRADE_EVERY, LedgerUpgrade


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to do again and again, in every worker. `name` is for the log."""

    name: str
    do: Callable[[], object]
    every: timedelta


def duties(settings: Settings, client: "redis.Redis", stopping: Event) -> Iterator[Duty]:
    """Yield what a worker does beside delivering. It stops early once `stopping` is set."""
    yield Duty("Upgrade", LedgerUpgrade(client, stopping).look, UPGRADE_EVERY)
    clearing = RecordClearing(
        Ledger(client),
        RecordKeeping(client, settings.retention),
        Registry(client),
        cache(partial(load_fingerprints, client, Sealer(settings.secret_keys))),
        partial(all_upgraded, client),
        stopping,
    )
    yield Duty("RecordClearing", clearing.look, CLEAR_EVERY)
    if settings.retain_audit:
        trim = partial(AuditTrail(client).trim, settings.retain_audit)
        yield Duty("AuditTrimming", trim, CLEAR_EVERY)
    yield Duty("MemoryNotes", ServerMemory(client).note, NOTE_EVERY)
    yield Duty("RollUp", make_roll_up(client).look, ROLL_UP_EVERY)
