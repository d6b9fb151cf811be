"""Texts under keys of their own, most of which expire by themselves."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import redis

from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated


class StoredText:
    """The text under one key. Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", key: str) -> None:
        self._client = client
        self._key = key

    def read(self) -> str | None:
        with redis_errors_translated():
            stored = self._client.get(self._key)
        return str(stored) if stored else None

    def write(self, text: str, life: timedelta | None = None) -> None:
        """Write it, for `life` or for ever."""
        with redis_errors_translated():
            self._client.set(self._key, text, ex=life)

    def take(self) -> str | None:
        """Read and remove it in one step, so that one caller alone gets it."""
        with redis_errors_translated():
            stored = self._client.getdel(self._key)
        return str(stored) if stored else None

    def remove(self) -> None:
        with redis_errors_translated():
            self._client.delete(self._key)


def contact_lists(client: "redis.Redis", account: str) -> StoredText:
    return StoredText(client, f"{keys.account(account)}lists")


def test_signup(client: "redis.Redis", account: str, id: str) -> StoredText:
    return StoredText(client, f"{keys.account(account)}trial:{id}")


def forwarding(client: "redis.Redis") -> StoredText:
    """Return the note about proxies that do not fit the settings."""
    return StoredText(client, keys.FORWARDING)


def second_factor_setup(client: "redis.Redis", digest: str) -> StoredText:
    """Return the secret, sealed, that a session sets up."""
    return StoredText(client, keys.SECOND_FACTOR_SETUPS + digest)


def second_step(client: "redis.Redis", digest: str) -> StoredText:
    """Return whose sign-in waits for a code."""
    return StoredText(client, keys.SECOND_STEPS + digest)


def connecting(client: "redis.Redis", name: str) -> StoredText:
    """Return what is kept while somebody connects an account; `name` begins with its kind."""
    return StoredText(client, keys.CONNECTING + name)


@contextlib.contextmanager
def connecting_lock(client: "redis.Redis", name: str, life: timedelta) -> Iterator[bool]:
    """Hold the lock `name` for `life` at most; gives False while another process has it."""
    lock = client.lock(keys.CONNECTING + name, timeout=life.total_seconds(), blocking=False)
    with redis_errors_translated():
        mine = lock.acquire()
    try:
        yield mine
    finally:
        if mine:
            # It expires by itself when Redis is away now, or has expired already.
            with contextlib.suppress(redis.RedisError):
                lock.release()
