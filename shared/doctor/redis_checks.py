"""The checks of Redis: of the ledger's server and of the broker's."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

from shared.domain.check import Check, CheckSubject
from shared.domain.errors import LedgerUnavailable
from shared.domain.memory_forecast import MemoryForecast
from shared.ledger.redis_server.rights import Rights
from shared.ledger.redis_server.server_inspection import ServerFacts

# GETDEL, by which an OAuth state works once, and ZRANGE with REV and BYSCORE came with it.
OLDEST_VERSION = (6, 2)
# A visitor waits for two or three answers, and each delivery takes four.
SLOW = timedelta(milliseconds=20)
# Redis' clock dates tokens and holds, the host's clock dates JSON and logs.
CLOCKS_MAY_DIFFER = timedelta(seconds=2)

REDIS = CheckSubject("redis", "Redis answers")
SERVER = CheckSubject("redis_server", "The Redis server")
CLOCK = CheckSubject("redis_clock", "Redis' clock and this host's")
BROKER = CheckSubject("broker", "Celery's broker answers")
RIGHTS = CheckSubject("redis_rights", "The rights of the Redis user")
BROKER_RIGHTS = CheckSubject("broker_rights", "The rights of the broker's Redis user")

_VERSION = CheckSubject("redis_version", "The server's version")
_DURABILITY = CheckSubject("redis_durability", "Accepted sign-ups survive a crash")
_EVICTION = CheckSubject("redis_eviction", "A full server drops nothing")
_MEMORY = CheckSubject("redis_memory", "The server's memory")
_ROLE = CheckSubject("redis_role", "The server accepts writes")
_ACCEPT_FSYNC = CheckSubject("accept_fsync", "Answers wait for the disk")

_LOOK_IT_UP = "Look up the server's configuration. It needs"
_APPEND_ONLY = "Set appendonly yes in the server's configuration."


def answers(
    measure: Callable[[], timedelta], failing: Callable[[LedgerUnavailable], Check]
) -> Check:
    """Check how long Redis takes to answer; `measure` raises `LedgerUnavailable` if it does not.

    `failing` makes the check of that error.
    """
    try:
        took = measure()
    except LedgerUnavailable as error:
        return failing(error)
    found = f"Redis answers in {took / timedelta(milliseconds=1):.1f} ms."
    if took <= SLOW:
        return REDIS.ok(found)
    fix = "Move it nearer: visitors and deliveries wait for it several times each."
    return REDIS.advice(found, fix)


def silent(error: LedgerUnavailable) -> Check:
    """Return the problem that Redis does not answer, or refuses."""
    return REDIS.problem(
        f"{error.problem.what}. {error.problem.means} The checks that need Redis were not run.",
        error.problem.fix,
    )


def server(inspect: Callable[[], ServerFacts], *, accept_fsync: bool) -> Iterator[Check]:
    """Check the server's version and configuration; `accept_fsync` is RELAY_ACCEPT_FSYNC."""
    facts = inspect()
    yield version(facts)
    yield durability(facts)
    yield eviction(facts)
    yield memory(facts.memory)
    yield role(facts)
    if accept_fsync:
        yield waitaof(facts)


def rights(subject: CheckSubject, user: str, find_missing: Callable[[], Rights]) -> Check:
    """Check whether the Redis user may do all that signup-relay does."""
    missing = find_missing()
    if not (rules := missing.as_rules()):
        return subject.ok(f"The Redis user {user} has all that are needed.")
    return subject.problem(
        f"The Redis user {user} {missing.in_words()}. Whatever needs that fails: sign-ups wait on"
        " web's disk, or are delivered late or not at all.",
        f"Run `ACL SETUSER {user} {rules}` in Redis, then `ACL SAVE`.",
    )


def version(facts: ServerFacts) -> Check:
    needed = f"{_dotted(OLDEST_VERSION)} or newer."
    if facts.version is None:
        return _VERSION.unknown("The server does not report it.", f"{_LOOK_IT_UP} Redis {needed}")
    known_as = facts.software or f"Redis {_dotted(facts.version)}"
    if facts.version >= OLDEST_VERSION:
        return _VERSION.ok(f"{known_as}.")
    return _VERSION.problem(
        f"{known_as} is too old: it lacks commands that signup-relay needs.",
        f"Use Valkey, or Redis {needed}",
    )


def durability(facts: ServerFacts) -> Check:
    """Check whether a crash of the server can lose accepted sign-ups."""
    if facts.append_only is None:
        return _DURABILITY.unknown(
            "The server does not report whether its append-only file is on.",
            f"{_LOOK_IT_UP} appendonly yes, appendfsync everysec.",
        )
    if not facts.append_only:
        return _DURABILITY.problem(
            "The append-only file is off: a restart loses sign-ups and tokens.", _APPEND_ONLY
        )
    if facts.append_failed:
        return _DURABILITY.problem(
            "The server could not write its append-only file.",
            "Read its log, and check the free space on its disk.",
        )
    return _fsync(facts.fsync)


def _fsync(how_often: str | None) -> Check:
    match how_often:
        case None:
            return _DURABILITY.unknown(
                "The append-only file is on. The server does not report when it reaches the disk.",
                f"{_LOOK_IT_UP} appendfsync everysec.",
            )
        case "no":
            return _DURABILITY.problem(
                "The append-only file is on, but the server does not control when it reaches the"
                " disk.",
                "Set appendfsync everysec in the server's configuration.",
            )
        case "always":
            return _DURABILITY.ok("The append-only file is on, and on disk with every change.")
        case _:
            return _DURABILITY.ok("The append-only file is on, and on disk every second.")


def eviction(facts: ServerFacts) -> Check:
    if facts.eviction is None:
        return _EVICTION.unknown(
            "The server does not report its policy.", f"{_LOOK_IT_UP} maxmemory-policy noeviction."
        )
    if facts.eviction != "noeviction":
        return _EVICTION.problem(
            f"The policy is {facts.eviction}, so a full server drops sign-ups and tokens.",
            "Set maxmemory-policy noeviction in the server's configuration.",
        )
    if facts.memory_limit == 0:
        return _EVICTION.advice(
            "The policy is noeviction, but the memory has no limit.",
            "Set maxmemory below the host's memory: the system kills a server that outgrows it.",
        )
    return _EVICTION.ok("The policy is noeviction.")


def memory(forecast: MemoryForecast | None) -> Check:
    """Check whether the server is full, or will be soon."""
    if forecast is None:
        return _MEMORY.unknown("The server does not report it.")
    if forecast.warning is None:
        return _MEMORY.ok(forecast.found)
    if not forecast.is_urgent:
        return _MEMORY.advice(f"{forecast.found} {forecast.warning}", forecast.to_do)
    return _MEMORY.problem(
        f"{forecast.found} {forecast.warning} Then web keeps new sign-ups on its own disk, and"
        " nothing is delivered.",
        forecast.to_do,
    )


def role(facts: ServerFacts) -> Check:
    if facts.is_replica:
        return _ROLE.problem(
            "It is a replica, which accepts no sign-ups.",
            "Set REDIS_URL to the primary, or to the sentinels that know the primary.",
        )
    if facts.refuses_writes is not None:
        refusal = facts.refuses_writes
        return _ROLE.problem(f"{refusal.what}. {refusal.means}", refusal.fix)
    return _ROLE.ok("It is the primary, and accepts writes.")


def waitaof(facts: ServerFacts) -> Check:
    """Check that the server can do what RELAY_ACCEPT_FSYNC=1 needs."""
    if facts.knows_waitaof is False:
        return _ACCEPT_FSYNC.problem(
            "RELAY_ACCEPT_FSYNC is 1, but the server does not know WAITAOF: web does not start.",
            "Use Valkey, or Redis 7.2 or newer; or set RELAY_ACCEPT_FSYNC=0.",
        )
    if facts.append_only is False:
        return _ACCEPT_FSYNC.problem(
            "RELAY_ACCEPT_FSYNC is 1, but the append-only file is off: web does not start.",
            _APPEND_ONLY,
        )
    if facts.knows_waitaof is None:
        return _ACCEPT_FSYNC.unknown("The server does not report whether it allows WAITAOF.")
    return _ACCEPT_FSYNC.ok("The server knows WAITAOF.")


def broker(ledger_id: Callable[[], str], broker_id: Callable[[], str]) -> Check:
    """Check that the broker answers and has a database of its own; ids as of `server_id`."""
    try:
        own_id = broker_id()
    except LedgerUnavailable as error:
        problem = error.problem.of_the_broker()
        return BROKER.problem(f"{problem.what}. {problem.means}", problem.fix)
    if not own_id:
        return BROKER.ok("It answers. It does not report which database it uses.")
    with contextlib.suppress(LedgerUnavailable):
        if own_id == ledger_id():
            return BROKER.problem(
                "It uses the ledger's database: clearing Celery's queues would delete sign-ups.",
                "Give RELAY_BROKER_URL another database number than REDIS_URL has.",
            )
    return BROKER.ok("It answers, and has a database of its own.")


def clock(read_ahead: Callable[[], timedelta]) -> Check:
    """Check by how much Redis' clock is ahead of this host's."""
    ahead = read_ahead()
    if abs(ahead) <= CLOCKS_MAY_DIFFER:
        return CLOCK.ok("They agree.")
    direction = "ahead of" if ahead > timedelta() else "behind"
    return CLOCK.problem(
        f"Redis' clock is {abs(ahead).total_seconds():.1f} s {direction} this host's.",
        "Set both by NTP: one dates tokens and holds, the other links and codes.",
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
