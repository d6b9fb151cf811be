"""What Redis says is told in plain words, each with what to do, and nothing of it as it came."""

import errno
import socket
import ssl

import pytest
import redis
from redis._parsers.base import NO_AUTH_SET_ERROR, BaseParser

from shared.domain.redis_problem import RedisProblem
from shared.ledger.redis_server.redis_problems import code_of, concerns_everything, explain

OOM = "OOM command not allowed when used memory > 'maxmemory'."
NO_AUTH_SET = f"ERR {next(iter(NO_AUTH_SET_ERROR))}"
SCRIPT = " script: 21ec9a3dc1be5c4ba0d06bcb5b0c0b2a8bb1c6a2, on @user_script:42."


def said(text: str) -> Exception:
    """Return redis-py's error for an answer of Redis."""
    error = BaseParser.parse_error(text)  # type: ignore[no-untyped-call]
    assert isinstance(error, Exception)
    return error


def after(cause: Exception, text: str = "Error connecting to secret-host:6379") -> Exception:
    """Return redis-py's error for an error of the system."""
    error = redis.ConnectionError(text)
    error.__context__ = cause
    return error


USER = "User relay has no permissions to run the"
ANSWERS = [
    ("NOAUTH Authentication required.", "wants a password", "REDIS_URL"),
    ("WRONGPASS invalid username-password pair", "refuses the user name", "REDIS_URL"),
    ("ERR invalid password", "refuses the user name or the password", "REDIS_URL"),
    (NO_AUTH_SET, "has no password, but got one", "Remove the password"),
    (f"NOPERM {USER} 'zadd' command", "The Redis user relay may not run ZADD", "ACL SETUSER"),
    (f"NOPERM {USER} 'config|get' command", "may not run CONFIG|GET", "ACL SETUSER"),
    (f"NOPERM {USER} 'hkeys' command", "may not run HKEYS", "ACL SETUSER"),
    ("NOPERM No permissions to access a key", "may not use some of the keys", "docs/redis.md"),
    ("NOPERM No permissions to access a channel", "may not use a channel", "ACL SETUSER"),
    (f"ERR ACL failure in script: {USER} 'hset' command{SCRIPT}", "not run HSET", "ACL SETUSER"),
    (f"NOPERM ACL failure in script: no key{SCRIPT}", "may not use some of the keys", "ACL"),
    ("ERR running script: The user executing the script can't run this command", "not do", "ACL"),
    (OOM, "memory of Redis is full", "Raise maxmemory"),
    (OOM + SCRIPT, "memory of Redis is full", "Raise maxmemory"),
    ("MISCONF Valkey is configured to save RDB snapshots, but", "could not save its data", "log"),
    ("MISCONF Errors writing to the AOF file: No space left", "could not save", "free space"),
    ("BUSY Valkey is busy running a script.", "busy with a script", "SCRIPT KILL"),
    ("LOADING Valkey is loading the dataset in memory", "still loads", "Wait"),
    ("READONLY You can't write against a read only replica.", "is a replica", "the primary"),
    ("NOREPLICAS Not enough good replicas to write.", "too few replicas", "min-replicas"),
    ("MASTERDOWN Link with MASTER is down", "lost its primary", "the primary"),
    ("ERR max number of clients reached", "no connection left", "maxclients"),
    ("ERR DB index is out of range", "no database with this number", "smaller number"),
    ("ERR unknown command 'ZRANGESTORE', with args beginning with: 'relay'", "know", "Redis 6.2"),
    ("ERR value is not an integer" + SCRIPT, "A script of signup-relay failed", "report it"),
    ("CLUSTERDOWN The cluster is down", "runs as a Cluster", "Sentinel"),
    ("MOVED 3999 127.0.0.1:6381", "runs as a Cluster", "Sentinel"),
    ("CROSSSLOT Keys in request don't hash to the same slot", "Cluster", "single server"),
    ("EXECABORT Transaction discarded because of previous errors.", "transaction", "doctor"),
    (f"EXECABORT Transaction discarded because of: {OOM}", "memory of Redis is full", "maxmemory"),
    ("EXECABORT Transaction discarded because of: READONLY You can't", "a replica", "primary"),
    (f"EXECABORT Transaction discarded because of: NOPERM {USER} 'exec' command", "EXEC", "ACL"),
    ("Command # 1 (GET a) of pipeline caused error: BUSY Valkey is", "busy with", "SCRIPT KILL"),
    ("WRONGTYPE Operation against a key", "Another program", "database of its own"),
    ("DENIED Redis is running in protected mode", "no password", "Give Redis a password"),
    ("NOSCRIPT No matching script.", "forgotten a script", "by itself"),
    ("SOMETHING new", "refuses a command (SOMETHING)", "doctor"),
]


@pytest.mark.parametrize(("answer", "what", "fix"), ANSWERS, ids=str)
def test_an_answer_of_redis(answer: str, what: str, fix: str) -> None:
    problem = explain(said(answer))
    assert what in problem.what
    assert fix in problem.fix
    assert "@user_script" not in str(problem) and "127.0.0.1" not in str(problem)
    # With web's disk, no visitor notices.
    assert "Web keeps new sign-ups on its own disk" in problem.means


NOBODY = [
    (after(ConnectionRefusedError(111, "Connection refused")), "nothing listens"),
    (after(socket.gaierror(-2, "Name or service not known")), "host name is unknown"),
    (after(FileNotFoundError(2, "No such file")), "no socket"),
    (after(PermissionError(13, "Permission denied")), "may not use the socket"),
    (after(OSError(errno.EHOSTUNREACH, "No route to host")), "no way"),
    (after(ConnectionResetError(104, "Connection reset by peer")), "was lost"),
    (after(BrokenPipeError(32, "Broken pipe")), "was lost"),
    (after(TimeoutError("timed out")), "in time"),
    (redis.TimeoutError("Timeout reading from secret-host:6379"), "in time"),
    (TimeoutError(), "in time"),
    (redis.ConnectionError("Connection closed by server."), "was lost"),
    (redis.InvalidResponse("Protocol Error: b'HTTP/1.1 400 Bad Request'"), "another program"),
    (after(ssl.SSLCertVerificationError("self-signed certificate")), "certificate"),
    (after(ssl.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number")), "not speak TLS"),
    (after(ssl.SSLError("[SSL: RECORD_LAYER_FAILURE] record layer failure")), "not speak TLS"),
    (after(TimeoutError("_ssl.c:1006: The handshake operation timed out")), "not speak TLS"),
    (after(ssl.SSLError("tlsv13 alert certificate required")), "TLS connection"),
    (redis.sentinel.MasterNotFoundError("No master found for 'secret-host'"), "Sentinels"),
    (redis.RedisError("secret-host"), "does not answer (RedisError)"),
]


@pytest.mark.parametrize(("error", "what"), NOBODY, ids=lambda each: str(each)[:40])
def test_an_error_on_the_way_to_redis(error: Exception, what: str) -> None:
    problem = explain(error)
    assert what in problem.what
    assert "secret-host" not in str(problem)


def test_sentences_are_whole() -> None:
    for problem in [explain(said(answer)) for answer, _, _ in ANSWERS]:
        assert problem.what[-1] not in ".!" and problem.what[0].isupper()
        assert problem.fix.endswith(".") and problem.means.endswith(".")


def test_a_problem_is_told_with_what_it_means_and_what_to_do() -> None:
    problem = RedisProblem("REDIS_URL is wrong", "Correct REDIS_URL.", "Nothing comes in.")
    assert str(problem) == "REDIS_URL is wrong. Nothing comes in. Correct REDIS_URL."
    told = str(problem.of_the_broker())
    assert told.startswith("RELAY_BROKER_URL is wrong. Sign-ups are delivered some seconds late")
    assert told.endswith(" Correct RELAY_BROKER_URL.")


@pytest.mark.parametrize(
    ("answer", "everything"),
    [
        ("MISCONF Errors writing to the AOF file", True),
        ("NOPERM No permissions to access a key", True),
        (f"ERR ACL failure in script: {USER} 'hset' command{SCRIPT}", True),
        (OOM + SCRIPT, True),
        ("LOADING Valkey is loading the dataset in memory", True),
        ("ERR value is not an integer" + SCRIPT, False),
        ("Command # 1 (EVALSHA x) of pipeline caused error: ERR value is not an integer", False),
        ("WRONGTYPE Operation against a key", False),
    ],
)
def test_whether_every_sign_up_would_be_refused(answer: str, everything: bool) -> None:
    assert concerns_everything(said(answer)) == everything


@pytest.mark.parametrize(
    ("answer", "code"),
    [("OOM command not allowed", "OOM"), ("ERR syntax error", ""), ("MISCONF x", "MISCONF")],
)
def test_the_code_of_an_answer(answer: str, code: str) -> None:
    assert code_of(said(answer)) == code
