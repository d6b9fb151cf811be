"""Hundreds of thousands of dead letters within seconds: copies of one."""

import uuid

import redis

from shared.ledger import keys
from shared.ledger.script_library import batches


def copy_dead_letter(client: "redis.Redis", id: str, count: int) -> None:
    """Make copies of the dead letter, each a millisecond earlier than the one before."""
    prefix = keys.account("acme")
    record = str(client.get(f"{prefix}signup:{id}"))
    (group,) = client.keys(f"{prefix}dead-group:*")
    indexes = [f"{prefix}dead", f"{prefix}dead:rejected", str(group)]
    first = {index: client.zscore(index, id) or 0.0 for index in indexes}
    for some in batches(range(1, count + 1), 5_000):
        ids = {str(uuid.uuid4()): number for number in some}
        client.mset({f"{prefix}signup:{each}": record for each in ids})
        for index, at in first.items():
            client.zadd(index, {each: at - number for each, number in ids.items()})
        for name in ("accepted", "dead"):
            client.hincrby(f"{prefix}totals", name, len(ids))
