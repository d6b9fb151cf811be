"""What a Redis keeps, by kind of key."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import redis

_PREFIX = re.compile(r"relay:(\{[^}]*\}:)?")


def sizes_by_kind(client: "redis.Redis") -> Mapping[str, Sequence[int]]:
    """Return how many bytes each key of a kind takes."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    names = list(client.scan_iter(count=1000))
    for start in range(0, len(names), 1000):
        some = names[start : start + 1000]
        with client.pipeline(transaction=False) as reads:
            for name in some:
                reads.memory_usage(name, samples=0)
            for name, size in zip(some, reads.execute(), strict=True):
                found[kind_of(name)].append(size or 0)  # a visitor may just have been forgotten
    return found


def kind_of(name: str) -> str:
    """Return what a key holds, without whose it is: `relay:{bakery}:signup:<id>` is a `signup`."""
    return _PREFIX.sub("", name, count=1).partition(":")[0]
