"""Changes a setting of a Redis server that other tests use, too."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis


@contextmanager
def configured(client: "redis.Redis", name: str, value: str | int) -> Iterator[None]:
    """Change a setting, and change it back to what it was."""
    before = str(client.config_get(name)[name])
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)
