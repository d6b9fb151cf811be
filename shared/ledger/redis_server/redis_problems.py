"""What each error of Redis, or on the way to it, means: one table for log, commands and alerts.

Pure. No text of Redis or of the system is passed on as it comes: some contain a part of the URL,
or what a command was to store. Redis' own words are from the sources of Valkey 9 and Redis 8.
"""

import errno
import re
import socket
import ssl
from collections.abc import Iterator

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.domain.redis_problem import RedisProblem

RIGHTS = "docs/redis.md lists all rights, and `relay doctor` names those that are missing."
_TO_PRIMARY = "Set REDIS_URL to the primary, or to the sentinels that know the primary."
_CREDENTIALS = "Correct REDIS_URL: redis://USER:PASSWORD@HOST:PORT/0, with both percent-encoded."
_CHECK_LOG = "Read the log of Redis, and check the free space and the rights of its data folder."
_NO_CLUSTER = RedisProblem(
    "Redis runs as a Cluster, which Celery cannot use",
    "Use a single server with replicas, or Sentinel.",
)
_BY_CODE = {
    "NOAUTH": RedisProblem("Redis wants a password, and got none (NOAUTH)", _CREDENTIALS),
    "WRONGPASS": RedisProblem(
        "Redis refuses the user name or the password (WRONGPASS)",
        f"{_CREDENTIALS} Redis answers so as well when the user does not exist, or is off.",
    ),
    "OOM": RedisProblem(
        "The memory of Redis is full (OOM)", "Raise maxmemory, or give the host more memory."
    ),
    "MISCONF": RedisProblem(
        "Redis refuses to write, because it could not save its data to its disk (MISCONF)",
        f"{_CHECK_LOG} Redis writes again once it has saved its data.",
    ),
    "BUSY": RedisProblem(
        "Redis is busy with a script that has run for too long (BUSY)",
        "Wait for it, or end it by SCRIPT KILL. No script of signup-relay takes so long: find out"
        " what else uses this server.",
    ),
    "LOADING": RedisProblem(
        "Redis was just started and still loads its data (LOADING)",
        "Wait: all goes on by itself when it has loaded them.",
    ),
    "READONLY": RedisProblem(
        "This Redis is a replica, which accepts no sign-ups (READONLY)", _TO_PRIMARY
    ),
    "MASTERDOWN": RedisProblem(
        "This Redis is a replica that lost its primary (MASTERDOWN)", _TO_PRIMARY
    ),
    "NOREPLICAS": RedisProblem(
        "Redis refuses to write, because too few replicas are connected (NOREPLICAS)",
        "Start the replicas, or lower min-replicas-to-write.",
    ),
    "DENIED": RedisProblem(
        "Redis has no password and takes connections of its own host only (DENIED)",
        "Give Redis a password, and put it into REDIS_URL.",
    ),
    "WRONGTYPE": RedisProblem(
        "Another program stored something under a key of signup-relay (WRONGTYPE)",
        "Give signup-relay a database of its own.",
    ),
    "EXECABORT": RedisProblem(
        "Redis refused a step of a transaction (EXECABORT)",
        f"`relay doctor` names the usual cause, a missing right or a full memory. {RIGHTS}",
    ),
    "NOSCRIPT": RedisProblem(
        "Redis has forgotten a script of signup-relay (NOSCRIPT)",
        "It is sent again by itself. If this stays, something clears them by SCRIPT FLUSH.",
    ),
    **dict.fromkeys(("CLUSTERDOWN", "MOVED", "ASK", "CROSSSLOT", "TRYAGAIN"), _NO_CLUSTER),
}

# The first that matches counts. Some are texts of Redis without a code of their own, others are
# those of redis-py or of the system.
_BY_TEXT = (
    (r"max number of clients", "Redis has no connection left",
     "Raise maxclients, or find out which program keeps so many connections open."),
    (r"AUTH.*(without any password|no password is set)", "Redis has no password, but got one",
     "Remove the password from REDIS_URL, or give Redis one."),
    (r"invalid password", _BY_CODE["WRONGPASS"].what, _BY_CODE["WRONGPASS"].fix),
    (r"DB index|Invalid Database", "Redis has no database with this number",
     "Use a smaller number in REDIS_URL, or raise `databases` in the configuration of Redis."),
    (r"unknown command", "Redis does not know a command that signup-relay needs",
     "Use Valkey, or Redis 6.2 or newer. Some providers turn commands off: ask yours."),
    (r"No (master|slave) found", "The Sentinels know no primary of this name, or none answers",
     "Correct the name of the primary and the Sentinels in REDIS_URL, or start them."),
    (r"user_script|running script|script:", "A script of signup-relay failed in Redis",
     "If it fails again, report it with these lines of the log and the version of Redis."),
)  # fmt: skip
_NO_PERMISSION = re.compile(
    r"NOPERM|ACL failure|no permissions|can't (run this command|access at least one)", re.IGNORECASE
)
_USER = re.compile(r"\buser (\S+) has no permissions", re.IGNORECASE)
_COMMAND = re.compile(r"'([\w|.-]+)'")

_TLS_EXPECTED = RedisProblem(
    "Redis does not speak TLS on this port",
    "Begin REDIS_URL with redis:// instead of rediss://, or use the port for TLS.",
)
_CERTIFICATE = RedisProblem(
    "The certificate of Redis is not trusted",
    "Name the authority that signed it: ?ssl_ca_certs=/path/ca.pem at the end of REDIS_URL. The"
    " certificate must also be valid today, and name the host of REDIS_URL.",
)
_TLS = RedisProblem(
    "The TLS connection to Redis failed",
    "Check the certificates in the options of REDIS_URL, and the log of Redis.",
)
_NO_HOST = RedisProblem(
    "Redis does not answer: its host name is unknown",
    "Correct it in REDIS_URL, or mend this host's DNS.",
)
_NO_SOCKET = RedisProblem(
    "Redis does not answer: there is no socket at its path",
    "Start Redis, or correct the path in REDIS_URL.",
)
_NOT_ALLOWED = RedisProblem(
    "This process may not use the socket of Redis",
    "Give its user the right to read and write it (unixsocketperm in the configuration of Redis).",
)
_NOT_REDIS = RedisProblem(
    "Redis does not answer: another program listens at its address",
    "Correct host and port in REDIS_URL.",
)
_NOBODY_LISTENS = RedisProblem("Redis does not answer: nothing listens at its address")
_UNREACHABLE = RedisProblem(
    "Redis does not answer: the network has no way to its host",
    "Correct the host in REDIS_URL, or mend the network between both.",
)
_TIMEOUT = RedisProblem(
    "Redis does not answer in time",
    "Check that it runs and is not overloaded, and that no firewall is between it and this host.",
)
_LOST = RedisProblem(
    "Redis does not answer: the connection to it was lost",
    "Check that Redis runs. The processes connect again by themselves.",
)


_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EINVAL)


def explain(error: BaseException) -> RedisProblem:
    """Return what `error` means; it is of redis-py, of the system, or of Celery's transport."""
    said, code = str(error), code_of(error)
    if right := lacking_right(error):
        return _no_permission(right, said)
    if code in _BY_CODE:
        return _BY_CODE[code]
    for pattern, what, fix in _BY_TEXT:
        if re.search(pattern, said, re.IGNORECASE):
            return RedisProblem(what, fix)
    if isinstance(error, ResponseError):
        return RedisProblem(f"Redis refuses a command ({code or type(error).__name__})", RIGHTS)
    return _of_the_connection(error)


def code_of(error: BaseException) -> str:
    """Return the word by which Redis began its answer, such as MISCONF; empty without one.

    A transaction that was not executed has the code of what was refused in it, if Redis says so.
    redis-py begins the error of a pipeline with the command.
    """
    within = re.search(r"(?:because of|of pipeline caused error): ([A-Z]{3,})\b", str(error))
    first = getattr(error, "status_code", None) or str(error).partition(" ")[0]
    code = within[1] if within else str(first)
    return code if re.fullmatch("[A-Z]{3,}", code) and code != "ERR" else ""


def concerns_everything(error: BaseException) -> bool:
    """Whether Redis would refuse any other sign-up now, too."""
    if not isinstance(error, ResponseError) or lacking_right(error):
        return True
    return code_of(error) not in ("", "WRONGTYPE", "NOSCRIPT")


def _no_permission(right: str, said: str) -> RedisProblem:
    """Return the problem of a missing right. Redis names the user and the command, never a key."""
    user = found[1] if (found := _USER.search(said)) else ""
    who = f"The Redis user {user}" if user else "The user of REDIS_URL"
    command = _COMMAND.search(said)
    match right:
        case "command" if command:
            lacks = f"may not run {command[1].upper()}"
        case "channel":
            lacks = "may not use a channel"
        case "key":
            lacks = "may not use some of the keys"
        case _:
            lacks = "may not do all that signup-relay needs"
    fix = f"Give the user this right by ACL SETUSER. {RIGHTS}"
    return RedisProblem(f"{who} {lacks} (NOPERM)", fix)


def lacking_right(error: BaseException) -> str:
    """Return which right Redis says is missing: command, channel, or key; empty if none is."""
    said = str(error)
    if code_of(error) != "NOPERM" and not _NO_PERMISSION.search(said):
        return ""
    if "to run the" in said or "run this" in said:
        return "command"
    return "channel" if "channel" in said else "key"


def _of_the_connection(error: BaseException) -> RedisProblem:
    for cause in _with_causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return _CERTIFICATE
            case ssl.SSLError():
                plain = "WRONG_VERSION_NUMBER" in str(cause) or "record layer" in str(cause)
                return _TLS_EXPECTED if plain else _TLS
            case socket.gaierror():
                return _NO_HOST
            case FileNotFoundError():
                return _NO_SOCKET
            case PermissionError():
                return _NOT_ALLOWED
            case ConnectionRefusedError():
                return _NOBODY_LISTENS
            case TimeoutError() | RedisTimeoutError():
                of_tls = any("handshake" in str(each) for each in _with_causes(cause))
                return _TLS_EXPECTED if of_tls else _TIMEOUT
            case ConnectionError():
                return _LOST
            case OSError(errno=code) if code in _NO_WAY:
                return _UNREACHABLE
    if isinstance(error, InvalidResponse):
        return _NOT_REDIS
    if isinstance(error, RedisConnectionError | OSError):
        return _LOST
    return RedisProblem(f"Redis does not answer ({type(error).__name__})")


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what led to it, the nearest first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
