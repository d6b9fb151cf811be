"""Second factors: codes that count once, and in their time; recovery codes; who must have one."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from shared.domain.errors import (
    Refused,
    TooManyTries,
    UnreadableRecord,
    WrongCode,
    WrongPassword,
    WrongPresentCode,
)
from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.stored_records import collecting
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.counted_tries import MOST_TRIES, CountedTries
from shared.operations.operators import Operators, Role
from shared.operations.second_factor_codes import RECOVERY_CODES, SecondFactor
from shared.operations.second_factors import Asked, SecondFactors
from shared.operations.second_steps import SecondSteps
from tests.support.phone import SECRET_KEY, Phone
from tests.support.valkey_server import ValkeyServer

PASSWORD = "a password for tests"
ADA = Asked(name="ada", address="192.0.2.1", session="a session of ada")
KNOWN = Asked(name="ada", address="192.0.2.1", device="ada's browser")


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def operators(redis_client: "redis.Redis") -> Operators:
    found = Operators(redis_client)
    found.add("ada", Role.ADMIN, PASSWORD)
    return found


@pytest.fixture
def factors(redis_client: "redis.Redis", operators: Operators, phone: Phone) -> SecondFactors:
    return phone.factors(redis_client)


@pytest.fixture
def recovery(factors: SecondFactors, phone: Phone) -> list[str]:
    """Ada has a second factor; these are the recovery codes."""
    return phone.switch_on(factors, "ada", PASSWORD)


def counts(factors: SecondFactors, code: str, asked: Asked = ADA) -> bool:
    try:
        factors.check(code, asked)
    except WrongCode:
        return False
    return True


# --- one-time codes


@pytest.mark.parametrize(
    ("steps_ago", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_code_counts_in_its_step_and_one_on_each_side(
    factors: SecondFactors, phone: Phone, recovery: list[str], steps_ago: int, is_right: bool
) -> None:
    phone.code(steps=5)
    assert counts(factors, phone.shows(steps_ago)) is is_right


def test_a_code_counts_once_and_with_it_those_before(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    code = phone.code(steps=5)
    assert counts(factors, code)
    assert not counts(factors, code)
    assert not counts(factors, phone.shows(steps_ago=1))
    assert counts(factors, phone.code())


def test_the_code_that_switched_it_on_is_spent(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    assert not counts(factors, phone.shows())


@pytest.mark.parametrize("typed", ["{a}{b}", "{a} {b}", " {a}-{b}\n"])
def test_a_code_may_be_typed_in_groups(
    factors: SecondFactors, phone: Phone, recovery: list[str], typed: str
) -> None:
    code = phone.code()
    assert counts(factors, typed.format(a=code[:3], b=code[3:]))


@pytest.mark.parametrize(
    "typed", ["", "0", "12345", "1234567", "x" * 10_000, "\uff11" * 6, "\0", "A" * 32]
)
def test_anything_else_is_wrong(factors: SecondFactors, recovery: list[str], typed: str) -> None:
    assert not counts(factors, typed)


def test_who_has_none_has_no_right_code(factors: SecondFactors, phone: Phone) -> None:
    phone.secret = "A" * 32
    assert not counts(factors, phone.code())


# --- used by two at the same moment


@pytest.fixture
def both_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have two requests read what is stored before either of them writes."""
    barrier, seen = threading.Barrier(2), threading.local()
    opened = SecondFactors._opened

    def late(self: SecondFactors, name: str, sealed: str) -> SecondFactor:
        if not getattr(seen, "waited", False):
            seen.waited = True
            barrier.wait(timeout=10)
        return opened(self, name, sealed)

    monkeypatch.setattr(SecondFactors, "_opened", late)
    yield
    assert barrier.n_waiting == 0


@pytest.mark.parametrize("kind", ["one-time", "recovery"])
def test_of_two_who_use_a_code_at_once_one_succeeds(
    valkey: ValkeyServer,
    factors: SecondFactors,
    phone: Phone,
    recovery: list[str],
    both_read: None,
    kind: str,
) -> None:
    code = phone.code() if kind == "one-time" else recovery[0]

    def use(_: int) -> bool:
        with valkey.client() as client:  # each as another process of web
            return counts(phone.factors(client), code)

    with ThreadPoolExecutor(2) as processes:
        assert sorted(processes.map(use, range(2))) == [False, True]


# --- recovery codes


def test_each_recovery_code_counts_once(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    assert len(set(recovery)) == RECOVERY_CODES == 10
    assert all(re.fullmatch(r"\d{4}(-\d{4}){4}", code) for code in recovery)
    assert factors.check(recovery[3], ADA) == 9
    assert not counts(factors, recovery[3])
    assert factors.check(recovery[0].replace("-", ""), ADA) == 8
    assert factors.check(phone.code(), ADA) is None
    found = factors.find("ada")
    assert found and len(found.recovery) == 8


def test_new_recovery_codes_end_those_before(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    renewed = factors.renew_recovery_codes(phone.code(), PASSWORD, ADA)
    assert not set(renewed) & set(recovery)
    assert not counts(factors, recovery[0])
    assert counts(factors, renewed[0])
    assert counts(factors, phone.code()), "the app goes on"


def test_nothing_of_it_can_be_read_in_redis(
    factors: SecondFactors, phone: Phone, recovery: list[str], redis_client: "redis.Redis"
) -> None:
    factors.propose(ADA)
    stored = " ".join(str(redis_client.dump(key)) for key in redis_client.scan_iter("*"))
    for secret in (phone.secret, *recovery, *(code.replace("-", "") for code in recovery)):
        assert secret not in stored
    assert phone.secret not in repr(factors.find("ada"))


# --- tries


def test_a_person_has_so_many_tries_from_wherever(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    for number in range(MOST_TRIES):
        assert not counts(factors, "000000", Asked(name="ada", address=f"203.0.113.{number}"))
    with pytest.raises(TooManyTries, match="15 minutes"):
        factors.check(phone.code(), ADA)


def test_who_stole_the_password_keeps_no_known_browser_out(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    for number in range(MOST_TRIES + 2):
        try:
            counts(factors, "000000", Asked(name="ada", address=f"203.0.113.{number}"))
        except TooManyTries:
            assert number >= MOST_TRIES
    assert counts(factors, phone.code(), KNOWN)


def test_a_known_browser_has_so_many_tries_too(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    for _ in range(2):
        for _ in range(MOST_TRIES - 1):
            assert not counts(factors, "000000", KNOWN)
        assert counts(factors, phone.code(), KNOWN)
    for _ in range(MOST_TRIES):
        assert not counts(factors, "000000", KNOWN)
    with pytest.raises(TooManyTries):
        factors.check(phone.code(), KNOWN)


@pytest.mark.parametrize("asked", [ADA, KNOWN])
def test_the_password_gives_no_new_tries_of_codes(
    factors: SecondFactors, operators: Operators, phone: Phone, recovery: list[str], asked: Asked
) -> None:
    for _ in range(MOST_TRIES):
        assert operators.authenticate("ada", PASSWORD, address=asked.address, device=asked.device)
        assert not counts(factors, "000000", asked)
    with pytest.raises(TooManyTries):
        factors.check(phone.code(), asked)


@pytest.mark.parametrize("end", ["password", "reset"])
@pytest.mark.parametrize("asked", [ADA, KNOWN])
def test_a_day_has_so_many_codes_however_they_are_spread(
    redis_client: "redis.Redis",
    operators: Operators,
    phone: Phone,
    monkeypatch: pytest.MonkeyPatch,
    asked: Asked,
    end: str,
) -> None:
    monkeypatch.setattr("shared.operations.second_factors.MOST_CODES_A_DAY", 12)
    factors = phone.factors(redis_client)
    phone.switch_on(factors, "ada", PASSWORD)
    for number in range(12):
        if number == 6:  # a right code forgets none of the day's
            assert counts(factors, phone.code(), asked)
        else:
            assert not counts(factors, "000000", asked)
        for kind, whose in (("code", asked.name), ("known browser's code", asked.device or "")):
            CountedTries(redis_client).forget((kind, whose))  # as 15 minutes have passed
    with pytest.raises(TooManyTries, match=r"wait 24 hours.*relay operator password") as refused:
        factors.check(phone.code(), asked)
    assert refused.value.retry_after > timedelta(hours=23)
    other = KNOWN if asked is ADA else ADA
    assert counts(factors, phone.code(), other)
    if asked is ADA:
        _end_the_wait(factors, operators, phone, end)
        assert not counts(factors, "000000", ADA)


def _end_the_wait(factors: SecondFactors, operators: Operators, phone: Phone, how: str) -> None:
    if how == "password":
        operators.set_password("ada")
    else:
        factors.reset("ada")
        phone.switch_on(factors, "ada", PASSWORD)


def test_tries_with_a_session_count_as_well(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    """Else who finds a browser open, and knows the password, could guess there."""
    for _ in range(MOST_TRIES):
        with pytest.raises(WrongCode):
            factors.switch_off("000000", PASSWORD, ADA)
    with pytest.raises(TooManyTries):
        factors.switch_off(phone.code(), PASSWORD, ADA)


# --- switching it on and off


def test_it_counts_only_once_a_code_confirmed_it(
    factors: SecondFactors, operators: Operators, phone: Phone
) -> None:
    phone.secret = factors.propose(ADA)
    assert factors.propose(ADA) == phone.secret, "the page may be loaded again"
    assert factors.propose(Asked(name="ada", address="", session="another")) != phone.secret
    with pytest.raises(WrongCode):
        factors.switch_on("000000", PASSWORD, "", ADA)
    with pytest.raises(WrongPassword):
        factors.switch_on(phone.code(), "wrong", "", ADA)
    assert not factors.has("ada")
    before = operators.named("ada").epoch
    switched_on = factors.switch_on(phone.code(), PASSWORD, "", ADA)
    assert factors.has("ada")
    assert switched_on.operator.epoch == operators.named("ada").epoch > before
    assert all(code not in repr(switched_on) for code in switched_on.recovery_codes)
    assert factors.propose(ADA) != phone.secret, "the secret is not proposed again"


def test_a_secret_waits_half_an_hour(factors: SecondFactors, redis_client: "redis.Redis") -> None:
    factors.propose(ADA)
    (key,) = redis_client.scan_iter(f"{keys.SECOND_FACTOR_SETUPS}*")
    assert 0 < redis_client.pttl(key) <= timedelta(minutes=30) / timedelta(milliseconds=1)


def test_it_is_replaced_with_a_code_of_the_one_before(
    factors: SecondFactors, phone: Phone, recovery: list[str]
) -> None:
    old = phone.secret
    new = factors.propose(ADA)

    def code_of(secret: str) -> str:
        phone.secret = secret
        return phone.shows()

    for present in ("", "000000", code_of(new)):
        with pytest.raises(WrongPresentCode):
            factors.switch_on(code_of(new), PASSWORD, present, ADA)
    factors.switch_on(code_of(new), PASSWORD, recovery[0], ADA)
    phone.code()
    assert not counts(factors, code_of(old))
    assert not counts(factors, recovery[1])
    assert counts(factors, code_of(new))


def test_two_browsers_do_not_both_switch_it_on(
    factors: SecondFactors,
    phone: Phone,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else one of them would show recovery codes that never work."""
    save, other = factors._save, Phone()

    def late(name: str, made: SecondFactor, *, replaces: bool) -> None:
        other.switch_on(other.factors(redis_client), "ada", PASSWORD)
        save(name, made, replaces=replaces)

    monkeypatch.setattr(factors, "_save", late)
    phone.secret = factors.propose(ADA)
    with pytest.raises(Refused, match="Another browser"):
        factors.switch_on(phone.code(), PASSWORD, "", ADA)


@pytest.mark.parametrize("with_recovery", [False, True])
def test_it_is_switched_off_with_password_and_code(
    factors: SecondFactors, phone: Phone, recovery: list[str], with_recovery: bool
) -> None:
    with pytest.raises(WrongPassword):
        factors.switch_off(phone.code(), "wrong", ADA)
    with pytest.raises(WrongCode):
        factors.switch_off("000000", PASSWORD, ADA)
    assert factors.has("ada")
    factors.switch_off(recovery[0] if with_recovery else phone.code(), PASSWORD, ADA)
    assert not factors.has("ada")


@pytest.mark.parametrize(
    ("demanded", "role", "must"),
    [
        (WhoMustHaveOne.NONE, Role.ADMIN, False),
        (WhoMustHaveOne.ADMIN, Role.ADMIN, True),
        (WhoMustHaveOne.ADMIN, Role.OPERATOR, False),
        (WhoMustHaveOne.ALL, Role.VIEWER, True),
    ],
)
def test_who_must_have_one_cannot_switch_it_off(
    redis_client: "redis.Redis",
    operators: Operators,
    phone: Phone,
    demanded: WhoMustHaveOne,
    role: Role,
    must: bool,
) -> None:
    operators.add("max", role, PASSWORD)
    factors = phone.factors(redis_client, demanded=demanded)
    phone.switch_on(factors, "max", PASSWORD)
    asked = Asked(name="max", address="192.0.2.1", session="of max")
    assert factors.must_have(role) is must
    if must:
        with pytest.raises(Refused, match="RELAY_REQUIRE_SECOND_FACTOR"):
            factors.switch_off(phone.code(), PASSWORD, asked)
    else:
        factors.switch_off(phone.code(), PASSWORD, asked)
    assert factors.has("max") is must


def test_a_reset_ends_sessions_and_the_wait_after_wrong_codes(
    factors: SecondFactors, operators: Operators, phone: Phone, recovery: list[str]
) -> None:
    for _ in range(MOST_TRIES):
        counts(factors, "000000")
    before = operators.named("ada").epoch
    assert factors.reset("ada") is True
    assert operators.named("ada").epoch > before
    assert factors.reset("ada") is False
    phone.switch_on(factors, "ada", PASSWORD)
    assert counts(factors, phone.code())


@pytest.mark.parametrize("stored", ["[]", '{"colour": "red"}', '{"recovery": [1]}'])
def test_one_that_cannot_be_read_lets_nobody_in_and_is_reported(
    factors: SecondFactors, recovery: list[str], redis_client: "redis.Redis", stored: str
) -> None:
    redis_client.hset(keys.SECOND_FACTORS, "ada", Sealer((SECRET_KEY,)).seal(stored))
    with collecting() as unreadable, pytest.raises(UnreadableRecord):
        factors.check(recovery[0], ADA)
    assert [str(each) for each in unreadable] == ["second factor of operator ada"]
    assert factors.reset("ada")


def test_a_second_step_that_cannot_be_read_begins_anew(
    operators: Operators, redis_client: "redis.Redis"
) -> None:
    steps = SecondSteps(redis_client, now=utc_now)
    ticket = steps.begin(operators.named("ada"))
    assert steps.find(ticket) == operators.named("ada")
    (record,) = redis_client.scan_iter(f"{keys.SECOND_STEPS}*")
    other = '{"operator": %s, "epoch": 1, "until": "%s"}'
    for garbage in ("[]", "{", other % ('"ada"', "now"), other % (1, utc_now())):
        redis_client.set(record, garbage)
        assert steps.find(ticket) is None


def test_who_lacks_one_is_known(
    operators: Operators, factors: SecondFactors, recovery: list[str]
) -> None:
    operators.add("max", Role.VIEWER, PASSWORD)
    assert [each.name for each in operators.without_second_factor()] == ["max"]


def test_the_trail_has_every_change_and_no_code(
    factors: SecondFactors, phone: Phone, recovery: list[str], redis_client: "redis.Redis"
) -> None:
    counts(factors, "123123")
    factors.renew_recovery_codes(phone.code(), PASSWORD, ADA)
    factors.switch_off(phone.code(), PASSWORD, ADA)
    entries = list(AuditTrail(redis_client).entries())
    assert [each.action for each in entries][:4] == [
        "switch_off_second_factor",
        "new_recovery_codes",
        "sign_in_refused",
        "switch_on_second_factor",
    ]
    assert entries[2].detail["cause"] == "wrong_code"
    assert not re.search(r"\d{6}(?!\d{3}\+)|123123|\d{4}-\d{4}-", str([e.detail for e in entries]))
