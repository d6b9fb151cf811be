"""The checks of Redis: what each thing that the server tells means for the sign-ups in it.

Pure: what was seen in, a `Check` out. shared/doctor/installation.py looks.
"""

from datetime import timedelta

from shared.domain.check import Check, advice, ok, problem, unknown
from shared.ledger.server_inspection import ServerFacts

# GETDEL, by which an OAuth state works once, and ZRANGE with REV and BYSCORE came with it.
OLDEST_VERSION = (6, 2)
# A visitor waits for two or three answers, and each delivery takes four.
SLOW = timedelta(milliseconds=20)
# What is left then lasts for some ten thousand sign-ups of 2 KiB in 256 MiB.
NEARLY_FULL = 0.9
# Tokens and holds go by Redis' clock, JSON and logs by the host's.
CLOCKS_MAY_DIFFER = timedelta(seconds=2)

_ASK_THE_PROVIDER = "This server does not let it be asked; look it up where the server is set up:"


def answers(took: timedelta) -> Check:
    name, title = "redis", "Redis answers"
    milliseconds = took / timedelta(milliseconds=1)
    found = f"It takes {milliseconds:.1f} ms."
    if took <= SLOW:
        return ok(name, title, found)
    return advice(
        name,
        title,
        found,
        "Move it nearer: visitors and deliveries wait for it several times each.",
    )


def silent(cause: str) -> Check:
    """Judge a server that does not answer; `cause` is our own error's text."""
    return problem(
        "redis",
        "Redis answers",
        f"It does not ({cause}), so no sign-up can be stored, and what needs it was not looked at.",
        "Start it, or correct REDIS_URL. Nothing that it has stored is lost by this.",
    )


def version(facts: ServerFacts) -> Check:
    name, title = "redis_version", "The server's version"
    if facts.version is None:
        needed = ".".join(map(str, OLDEST_VERSION))
        return unknown(name, title, "It is not told.", f"{_ASK_THE_PROVIDER} {needed} or newer.")
    known_as = facts.software or f"Redis {_dotted(facts.version)}"
    if facts.version >= OLDEST_VERSION:
        return ok(name, title, f"{known_as}.")
    return problem(
        name,
        title,
        f"{known_as} is too old: it lacks commands that are needed.",
        f"Use Valkey, or Redis {_dotted(OLDEST_VERSION)} or newer.",
    )


def durability(facts: ServerFacts) -> Check:
    """Judge whether a crash of the server can take accepted sign-ups with it."""
    name, title = "redis_durability", "What is accepted survives a crash"
    if facts.append_only is None:
        return unknown(
            name,
            title,
            "The append-only file could not be looked at.",
            f"{_ASK_THE_PROVIDER} appendonly yes, appendfsync everysec.",
        )
    if not facts.append_only:
        return problem(
            name,
            title,
            "The append-only file is off: a restart loses sign-ups and tokens.",
            "Set appendonly yes in the server's configuration.",
        )
    if facts.append_failed:
        return problem(
            name,
            title,
            "The server could not write its append-only file.",
            "Look at its log and at the space left on its disk.",
        )
    return _written_to_disk(name, title, facts.fsync)


def _written_to_disk(name: str, title: str, fsync: str | None) -> Check:
    match fsync:
        case None:
            return unknown(
                name,
                title,
                "The append-only file is on; how often it is written to disk is not told.",
                f"{_ASK_THE_PROVIDER} appendfsync everysec.",
            )
        case "no":
            return problem(
                name,
                title,
                "The append-only file is on, but when it reaches the disk is left to chance.",
                "Set appendfsync everysec in the server's configuration.",
            )
        case "always":
            return ok(name, title, "The append-only file is on, on disk with every change.")
        case _:
            return ok(name, title, "The append-only file is on, on disk every second.")


def eviction(facts: ServerFacts) -> Check:
    name, title = "redis_eviction", "A full server drops nothing"
    if facts.eviction is None:
        return unknown(
            name, title, "It is not told.", f"{_ASK_THE_PROVIDER} maxmemory-policy noeviction."
        )
    if facts.eviction != "noeviction":
        return problem(
            name,
            title,
            f"The policy is {facts.eviction}, so a full server drops sign-ups and tokens.",
            "Set maxmemory-policy noeviction in the server's configuration.",
        )
    if facts.memory_limit == 0:
        return advice(
            name,
            title,
            "The policy is noeviction, but there is no limit to the memory.",
            "Set maxmemory below what the host has: a server that outgrows it is ended by force.",
        )
    return ok(name, title, "The policy is noeviction.")


def memory(facts: ServerFacts) -> Check:
    name, title = "redis_memory", "The server's memory"
    if facts.memory_used is None:
        return unknown(name, title, "It is not told.")
    if not facts.memory_limit:
        return ok(name, title, f"{_in_mib(facts.memory_used)} used.")
    found = f"{_in_mib(facts.memory_used)} of {_in_mib(facts.memory_limit)} used."
    if facts.memory_used < NEARLY_FULL * facts.memory_limit:
        return ok(name, title, found)
    return problem(
        name, title, f"{found} When it is full, visitors get an error.", "Raise its maxmemory."
    )


def role(facts: ServerFacts) -> Check:
    name, title = "redis_role", "The server can be written to"
    if facts.is_replica:
        return problem(
            name,
            title,
            "It is a replica, which takes no sign-ups.",
            "Let REDIS_URL name the primary, or the sentinels that know which one it is.",
        )
    if facts.refuses_writes is not None:
        return problem(
            name,
            title,
            f"It refuses it: {facts.refuses_writes.rstrip('.')}.",
            "Look at what it says: a full server or disk, replicas that are missing, or a user who"
            " may not write.",
        )
    return ok(name, title, "It is the primary, and takes what is written.")


def accept_fsync(facts: ServerFacts) -> Check:
    """Judge RELAY_ACCEPT_FSYNC=1."""
    name, title = "accept_fsync", "Answers wait for the disk"
    if facts.knows_waitaof is False:
        return problem(
            name,
            title,
            "RELAY_ACCEPT_FSYNC is 1, but the server does not know WAITAOF: web does not start.",
            "Use Valkey, or Redis 7.2 or newer; or set RELAY_ACCEPT_FSYNC=0.",
        )
    if facts.append_only is False:
        return problem(
            name,
            title,
            "RELAY_ACCEPT_FSYNC is 1, but the append-only file is off: web does not start.",
            "Set appendonly yes in the server's configuration.",
        )
    if facts.knows_waitaof is None:
        return unknown(name, title, "Whether the server lets WAITAOF be used is not told.")
    return ok(name, title, "The server knows WAITAOF.")


def broker(ledger: str, broker: str) -> Check:
    """Judge whether broker and ledger are kept apart; both are ids as `server_id` gives them."""
    name, title = "broker", "Celery's broker answers"
    if ledger and ledger == broker:
        return problem(
            name,
            title,
            "It is the ledger's own database: clearing Celery's queues would take sign-ups along.",
            "Give RELAY_BROKER_URL another database number than REDIS_URL has.",
        )
    if not broker:
        return ok(name, title, "It does. Which database it is, the server does not tell.")
    return ok(name, title, "It does, and has a database of its own.")


def broker_silent(cause: str) -> Check:
    return problem(
        "broker",
        "Celery's broker answers",
        f"It does not ({cause}): sign-ups are delivered some seconds later than usual, and tokens"
        " refreshed only shortly before they end.",
        "Start it, or correct RELAY_BROKER_URL.",
    )


def clock(ahead: timedelta) -> Check:
    """Judge by how much Redis' clock is ahead of this host's."""
    name, title = "redis_clock", "Redis' clock and this host's"
    if abs(ahead) <= CLOCKS_MAY_DIFFER:
        return ok(name, title, "They agree.")
    direction = "ahead of" if ahead > timedelta() else "behind"
    return problem(
        name,
        title,
        f"Redis' clock is {abs(ahead).total_seconds():.1f} s {direction} this host's.",
        "Set both by NTP: tokens and holds go by one, links and codes by the other.",
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _in_mib(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
