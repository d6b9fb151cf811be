"""The log lines of sign-ins, which docs/audit.md shows, and the filter for fail2ban there."""

import io
import logging
import re
from collections.abc import Iterator

import pytest
import redis

from shared.domain.errors import Refused, TooManyTries, WrongCode
from shared.infrastructure.logs import LineFormatter
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Operators, Role
from shared.operations.second_factors import Asked, SecondFactors
from tests.architecture.project import read
from tests.support.phone import Phone

PASSWORD = "a password for tests"
MADE_UP = "web     warning sign-in refused address=192.0.2.1 cause=wrong_password"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What web writes to its log."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(LineFormatter("web"))
    logger = logging.getLogger("shared.operations")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def operators(redis_client: "redis.Redis") -> Operators:
    found = Operators(redis_client)
    found.add("ada", Role.ADMIN, PASSWORD)
    return found


@pytest.fixture
def factors(operators: Operators, redis_client: "redis.Redis") -> SecondFactors:
    """The second factors, one of which is Ada's."""
    phone = Phone()
    found = phone.factors(redis_client)
    phone.switch_on(found, "ada", PASSWORD)
    return found


def banned(line: str) -> str | None:
    """Return the address that fail2ban takes from a line, after it has cut off the time."""
    (failregex,) = re.findall(r"^failregex = (.+)$", read("docs/audit.md"), re.MULTILINE)
    found = re.search(failregex.replace("<ADDR>", r"(?P<address>[0-9a-f:.]+)"), line)
    return found["address"] if found else None


def without_time(line: str) -> str:
    return re.sub(r"^\d\d:\d\d:\d\d", "", line)


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
@pytest.mark.parametrize("name", ["ada", "nobody", f"x\n{MADE_UP}", "eve@example.com"])
def test_the_filter_takes_the_address_of_every_refused_one(
    operators: Operators, log: io.StringIO, name: str, address: str
) -> None:
    for _ in range(MOST_TRIES):
        assert operators.authenticate(name, "hunter2", address=address) is None
    with pytest.raises(Refused):
        operators.authenticate(name, PASSWORD, address=address)
    lines = log.getvalue().splitlines()
    assert len(lines) == MOST_TRIES + 1
    for line in lines:
        assert banned(without_time(line)) == address
        # As the journal gives it, with the host and the process before it.
        assert banned(f" host relay[42]: {line}") == address
    causes = re.findall(r"cause=(\w+)", log.getvalue())
    assert causes == ["wrong_password"] * MOST_TRIES + ["too_many_tries"]
    assert ("operator=ada" in log.getvalue()) == (name == "ada")
    for typed in ("hunter2", "eve", "192.0.2.1", PASSWORD):
        assert typed not in log.getvalue()


def test_nobody_is_banned_for_signing_in_and_out(operators: Operators, log: io.StringIO) -> None:
    assert operators.authenticate("ada", PASSWORD, address="192.0.2.7")
    operators.sign_in("ada", address="192.0.2.7")
    operators.sign_out("ada", address="192.0.2.7")
    came, left = log.getvalue().splitlines()
    assert came[8:] == " web     info    signed in address=192.0.2.7 operator=ada"
    assert left[8:] == " web     info    signed out address=192.0.2.7 operator=ada"
    assert banned(without_time(came)) is banned(without_time(left)) is None


def test_the_document_shows_the_lines_as_they_are() -> None:
    shown = re.findall(r"^\d\d:\d\d:\d\d web .+$", read("docs/audit.md"), re.MULTILINE)
    assert [banned(without_time(line)) for line in shown] == ["203.0.113.9"] * 2 + [None] * 2


def test_a_refused_code_is_banned_for_like_a_refused_password(
    factors: SecondFactors, log: io.StringIO
) -> None:
    with pytest.raises(WrongCode):
        factors.check("123123", Asked(name="ada", address="203.0.113.9"))
    line = log.getvalue().splitlines()[-1]
    assert line.endswith("sign-in refused address=203.0.113.9 cause=wrong_code operator=ada")
    assert banned(without_time(line)) == "203.0.113.9"
    assert "123123" not in log.getvalue()


def test_nobody_is_banned_who_waits_because_of_others(
    operators: Operators, log: io.StringIO
) -> None:
    for number in range(MOST_TRIES):
        operators.authenticate("ada", "hunter2", address=f"203.0.113.{number}")
    with pytest.raises(Refused):
        operators.authenticate("ada", PASSWORD, address="192.0.2.7")
    line = log.getvalue().splitlines()[-1]
    assert line[8:] == " web     info    sign-in delayed address=192.0.2.7"
    assert banned(without_time(line)) is None


def test_a_code_after_too_many_wrong_ones_is_a_warning_and_bans_nobody(
    factors: SecondFactors, log: io.StringIO, redis_client: "redis.Redis"
) -> None:
    for _ in range(MOST_TRIES):
        with pytest.raises(WrongCode):
            factors.check("123123", Asked(name="ada", address="203.0.113.9"))
    with pytest.raises(TooManyTries):
        factors.check("123123", Asked(name="ada", address="192.0.2.7"))
    line = log.getvalue().splitlines()[-1]
    assert line[8:] == " web     warning sign-in delayed address=192.0.2.7 operator=ada"
    assert banned(without_time(line)) is None
    entry = next(AuditTrail(redis_client).entries())
    assert (entry.target, entry.address) == ("ada", "192.0.2.7")
    assert entry.detail == {"cause": "too_many_codes", "tries": 1}
