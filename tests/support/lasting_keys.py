"""Which keys of a ledger can be compared with those of a moment before."""

import redis

_SOON = 60_000


def lasting_keys(client: "redis.Redis") -> set[str]:
    """Return the keys but for those that end within a minute: on a busy machine they end between
    one look and the next."""
    lives = {str(key): client.pttl(key) for key in client.scan_iter()}
    return {key for key, life in lives.items() if life == -1 or life > _SOON}
