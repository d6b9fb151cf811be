"""Small documents kept by name: operators and what belongs to them, clients' links, secrets."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import redis

from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated

T = TypeVar("T")

# The changed documents by name; None is one to remove.
Changes = Mapping[str, str | None]


class Documents:
    """Texts by name, all in one hash. Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", key: str, life: timedelta | None = None) -> None:
        """All of them are gone `life` after the last `change`."""
        self._client = client
        self._key = key
        self._life = life

    def all(self) -> dict[str, str]:
        """Return all of them, sorted by name."""
        with redis_errors_translated():
            stored = self._client.hgetall(self._key)
        return {str(name): str(stored[name]) for name in sorted(stored)}

    def names(self) -> set[str]:
        with redis_errors_translated():
            return {str(name) for name in self._client.hkeys(self._key)}

    def find(self, name: str) -> str | None:
        with redis_errors_translated():
            stored = self._client.hget(self._key, name)
        return str(stored) if stored else None

    def exist(self) -> bool:
        """Whether there is any."""
        with redis_errors_translated():
            return bool(self._client.exists(self._key))

    def save(self, name: str, document: str) -> None:
        with redis_errors_translated():
            self._client.hset(self._key, name, document)

    def add(self, name: str, document: str) -> bool:
        """Save a new one; False when the name is taken."""
        with redis_errors_translated():
            return bool(self._client.hsetnx(self._key, name, document))

    def remove(self, *names: str) -> int:
        """Remove these; return how many there were."""
        with redis_errors_translated():
            return int(self._client.hdel(self._key, *names)) if names else 0

    def change(self, decide: Callable[[dict[str, str]], Changes]) -> bool:
        """Change some in one step; False when there was nothing to change.

        `decide` gets all of them and returns the changed ones, None for one to remove. It is
        called again when somebody else changes them in between.
        """

        def decide_and_tell(stored: dict[str, str]) -> tuple[Changes, bool]:
            changed = decide(stored)
            return changed, bool(changed)

        return self.change_and_tell(decide_and_tell)

    def change_and_tell(self, decide: Callable[[dict[str, str]], tuple[Changes, T]]) -> T:
        """Do as `change` does, and return what `decide` tells beside the changed ones."""

        def step(pipeline: Any) -> T:
            stored = pipeline.hgetall(self._key)
            changed, told = decide(stored)
            pipeline.multi()
            for name, document in changed.items():
                if document is None:
                    pipeline.hdel(self._key, name)
                else:
                    pipeline.hset(self._key, name, document)
            if changed and self._life:
                pipeline.pexpire(self._key, self._life)
            return told

        client: Any = self._client  # whose types know no step that returns something
        with redis_errors_translated():
            told: T = client.transaction(step, self._key, value_from_callable=True)
        return told


def operators(client: "redis.Redis") -> Documents:
    return Documents(client, keys.OPERATORS)


def operator_keys(client: "redis.Redis") -> Documents:
    """Return what is known of operators' keys for the API, by the operator's name."""
    return Documents(client, keys.OPERATOR_KEYS)


def sessions(client: "redis.Redis", operator: str, life: timedelta) -> Documents:
    """Return the operator's sessions in the console, by digest."""
    return Documents(client, keys.SESSIONS + operator, life)


def last_seen(client: "redis.Redis") -> Documents:
    """Return when each operator last used the console, by the operator's name."""
    return Documents(client, keys.LAST_SEEN)


def second_factors(client: "redis.Redis") -> Documents:
    """Return the operators' second factors, sealed, by the operator's name."""
    return Documents(client, keys.SECOND_FACTORS)


def links(client: "redis.Redis") -> Documents:
    """Return the links that clients get, by id."""
    return Documents(client, keys.LINKS)


def applications(client: "redis.Redis") -> Documents:
    """Return the sealed secrets, by API key."""
    return Documents(client, keys.APPLICATIONS)
