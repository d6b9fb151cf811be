"""Which rights signup-relay needs in Redis, and which of them the user in use lacks.

docs/redis.md shows them as one ACL SETUSER. tests/chaos/redis/test_least_rights.py runs the whole
product with exactly these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import redis

from shared.infrastructure import queues
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.redis_problems import lacking_right

_BROKER_KEYS = (*queues.ALL_QUEUES, "_kombu.binding*")
_EVENT_CHANNELS = ("/*.celeryev/*",)


@dataclass(frozen=True, slots=True)
class CheckedCommand:
    """A command as ACL SETUSER names it, and arguments that it would take: KEY is any key."""

    name: str
    arguments: tuple[str, ...] = ()

    def words(self, key: str) -> tuple[str, ...]:
        """Return the command as it is sent, about `key`."""
        arguments = (key if word == "KEY" else word for word in self.arguments)
        return (*self.name.upper().split("|"), *arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The right to run `commands`, on keys and channels of these patterns."""

    commands: tuple[CheckedCommand, ...] = ()
    keys: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def as_rules(self) -> str:
        """Return them as ACL SETUSER takes them; empty if there are none."""
        names = sorted({command.name for command in self.commands})
        rules = (
            *(f"~{pattern}" for pattern in self.keys),
            *(f"&{pattern}" for pattern in self.channels),
            *(f"+{name}" for name in names),
        )
        return " ".join(rules)

    def in_words(self) -> str:
        """Return what somebody may not do who lacks these, as the end of a sentence."""
        commands = ", ".join(command.name.upper() for command in self.commands)
        lacks = (
            ("run", commands),
            ("use the keys", ", ".join(self.keys)),
            ("use the channels", ", ".join(self.channels)),
        )
        return " and ".join(f"may not {verb} {what}" for verb, what in lacks if what)


def _commands(text: str) -> tuple[CheckedCommand, ...]:
    return tuple(
        CheckedCommand(name, tuple(arguments))
        for name, *arguments in map(str.split, text.split(","))
    )


# Outside of a transaction these change nothing; the last one begins one.
_TRANSACTION = _commands("watch KEY, unwatch, exec, multi")
_LEDGER = _commands("""
    decr KEY, del KEY, evalsha digest 0, exists KEY, get KEY, getdel KEY, hdel KEY f, hexists KEY f,
    hget KEY f, hgetall KEY, hincrby KEY f 1, hkeys KEY, hlen KEY, hmget KEY f, hset KEY f v,
    hsetnx KEY f v, incr KEY, lpush KEY v, lrange KEY 0 0, ltrim KEY 0 0, persist KEY,
    pexpire KEY 1, ping, pttl KEY, sadd KEY m, scan 0, scard KEY, script|load text,
    select 0, set KEY v, smembers KEY, srem KEY m, time, unlink KEY, waitaof 0 0 1,
    zadd KEY 1 m, zcard KEY, zcount KEY 0 1, zpopmin KEY, zrange KEY 0 0, zrem KEY m,
    zremrangebyrank KEY 0 0, zremrangebyscore KEY 0 0, zrevrange KEY 0 0, zscore KEY m
""")
_BROKER = _commands("""
    brpop KEY 1, llen KEY, lpush KEY v, ping, rpush KEY v, sadd KEY m, select 0
""")
_TASK_EVENTS = _commands("publish /0.celeryev/task.multi event")

# What the user of REDIS_URL needs. A server that does not know WAITAOF does not miss it.
LEDGER_RIGHTS = Rights(commands=_TRANSACTION + _LEDGER, keys=(f"{keys.PREFIX}*",))


def broker_rights(*, task_events: bool) -> Rights:
    """Return what RELAY_BROKER_URL's user needs; `task_events` is RELAY_TASK_EVENTS."""
    commands = _TRANSACTION + _BROKER
    if not task_events:
        return Rights(commands=commands, keys=_BROKER_KEYS)
    return Rights(commands=commands + _TASK_EVENTS, keys=_BROKER_KEYS, channels=_EVENT_CHANNELS)


def user_of(client: "redis.Redis") -> str:
    """Return the name of the Redis user that `client` is."""
    return client.connection_pool.connection_kwargs.get("username") or "default"


def missing_rights(client: "redis.Redis", needed: Rights) -> Rights:
    """Return which of the needed rights the client's user lacks. Raises `LedgerUnavailable`.

    It changes nothing: Redis looks at the rights when it takes a command into a transaction, and
    this transaction is never executed.
    """
    with redis_errors_translated():
        connection = client.connection_pool.get_connection()
        try:
            return _missing(connection, needed)
        finally:
            connection.disconnect()  # type: ignore[no-untyped-call]  # ends the transaction, too
            client.connection_pool.release(connection)


def _missing(connection: Any, needed: Rights) -> Rights:
    any_key = _example(needed.keys[0])
    begun = _ask(connection, [command.words(any_key) for command in _TRANSACTION])
    if begun[-1]:  # without a transaction, the others would be run
        return Rights(commands=_TRANSACTION[-1:])
    others = [command for command in needed.commands if command not in _TRANSACTION]
    about = list(product(others, needed.keys))
    asked = [command.words(_example(pattern)) for command, pattern in about]
    lacks = list(zip(about, _ask(connection, asked), strict=True))
    lacking = {command for (command, _), lack in lacks if lack == "command"}
    lacking |= {each for each, lack in zip(_TRANSACTION, begun, strict=True) if lack == "command"}
    patterns = {pattern for (_, pattern), lack in lacks if lack == "key"}
    return Rights(
        commands=tuple(command for command in needed.commands if command in lacking),
        keys=tuple(pattern for pattern in needed.keys if pattern in patterns),
        channels=needed.channels if any(lack == "channel" for _, lack in lacks) else (),
    )


def _example(pattern: str) -> str:
    """Return a key of this pattern; for the ledger it is `keys.DOCTOR`."""
    return pattern.replace("*", "doctor")


def _ask(connection: Any, commands: Sequence[tuple[str, ...]]) -> list[str]:
    """Send the commands; return what right each one lacks: command, key, channel, or empty."""
    connection.send_packed_command(connection.pack_commands(commands))
    return [_lack(connection) for _ in commands]


def _lack(connection: Any) -> str:
    try:
        connection.read_response()
    except redis.ResponseError as error:
        return lacking_right(error)  # none, if Redis does not run it for another reason
    return ""
