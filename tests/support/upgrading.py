"""Upgrading a ledger's records to the newest format, as workers do."""

import threading

import redis

from shared.ledger.format import upgrade_some
from tests.support.valkey_server import ValkeyServer


def upgrade(client: "redis.Redis") -> int:
    """Upgrade all records, and return in how many batches."""
    batches = 1
    while upgrade_some(client):
        batches += 1
    return batches


def upgrade_twice_at_once(valkey: ValkeyServer) -> None:
    """Have two workers upgrade all records at the same time."""

    def work() -> None:
        with valkey.client() as client:
            upgrade(client)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
