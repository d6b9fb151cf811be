"""Holds as the ledger has them, for tests that let the time of a probe come."""

import json

import redis

from shared.ledger import keys


def let_probe_come(client: "redis.Redis", account: str = "acme") -> None:
    """Let time pass until the next probe of each of the account's holds is due."""
    key = f"{keys.account(account)}holds"
    for reason, stored in client.hgetall(key).items():
        hold = json.loads(stored)
        assert "probe_at" in hold, f"nothing probes {reason!r}"
        client.hset(key, reason, json.dumps({**hold, "probe_at": 1}))
