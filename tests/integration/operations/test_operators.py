"""Operators: the first one, changes, and tries that are counted."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from shared.domain.errors import LedgerUnavailable, Refused, TooManyTries
from shared.ledger import keys
from shared.ledger.stores import sign_in_tries
from shared.operations.counted_tries import MOST_TRIES, TRIES_WITHIN
from shared.operations.operators import FIRST, NewPassword, Operators, Role
from tests.support.valkey_server import ValkeyServer

PASSWORD = "a password for tests only"


@pytest.fixture
def operators(redis_client: "redis.Redis") -> Operators:
    return Operators(redis_client)


@pytest.mark.parametrize(
    ("role", "needed", "may"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.VIEWER, Role.OPERATOR, False),
        (Role.OPERATOR, Role.VIEWER, True),
        (Role.OPERATOR, Role.ADMIN, False),
        (Role.ADMIN, Role.OPERATOR, True),
    ],
)
def test_each_role_may_do_what_those_before_it_may(role: Role, needed: Role, may: bool) -> None:
    assert role.may(needed) is may


def test_of_many_processes_one_makes_the_first_operator(
    valkey: ValkeyServer, redis_client: "redis.Redis"
) -> None:
    all_are_ready = threading.Barrier(8)

    def make_first(number: int) -> NewPassword | None:
        def password() -> str:
            all_are_ready.wait(timeout=10)
            return f"{PASSWORD}, process {number}"

        with valkey.client() as client:
            return Operators(client, new_password=password).make_first()

    with ThreadPoolExecutor(8) as processes:
        made = [each for each in processes.map(make_first, range(8)) if each]

    assert len(made) == 1
    operators = Operators(redis_client)
    assert [(each.name, each.role) for each in operators.all()] == [(FIRST, Role.ADMIN)]
    assert operators.authenticate(FIRST, made[0].password, address="") is not None


def test_there_is_no_first_operator_where_there_is_another(operators: Operators) -> None:
    operators.add("ada", Role.VIEWER)

    assert operators.make_first() is None


def test_a_made_up_password_works_and_is_shown_once(operators: Operators) -> None:
    made = operators.add("ada", Role.OPERATOR)

    found = operators.authenticate("ada", made.password, address="192.0.2.1")
    assert found == made.operator
    assert made.password not in repr(made)
    assert "scrypt" not in repr(made)


def test_a_name_is_taken_once(operators: Operators) -> None:
    operators.add("ada", Role.VIEWER, PASSWORD)

    with pytest.raises(Refused, match="relay operator password ada"):
        operators.add("ada", Role.ADMIN, "another password")
    found = operators.authenticate("ada", PASSWORD, address="")
    assert found is not None
    assert found.role == Role.VIEWER


@pytest.mark.parametrize("name", ["", "a b", "-x", "x" * 41, "ada@example.com"])
def test_an_odd_name_is_refused(operators: Operators, name: str) -> None:
    with pytest.raises(Refused, match="cannot be an operator's name"):
        operators.add(name, Role.VIEWER)


def test_a_short_password_is_refused(operators: Operators) -> None:
    with pytest.raises(Refused, match="at least 12"):
        operators.add("ada", Role.VIEWER, "short")


def test_the_last_admin_stays(operators: Operators) -> None:
    operators.add("root", Role.ADMIN)
    operators.add("ada", Role.OPERATOR)

    for change in (
        lambda: operators.remove("root"),
        lambda: operators.set_role("root", Role.VIEWER),
    ):
        with pytest.raises(Refused, match="last admin"):
            change()
    operators.set_role("ada", Role.ADMIN)
    operators.remove("root")

    assert [each.name for each in operators.all()] == ["ada"]


def test_two_admins_that_remove_each_other_at_once_leave_one(
    valkey: ValkeyServer, redis_client: "redis.Redis"
) -> None:
    operators = Operators(redis_client)
    for name in ("ada", "bob"):
        operators.add(name, Role.ADMIN, PASSWORD)
    both_have_read = threading.Barrier(2)

    class Late(Operators):
        """Holds its first change until the other has read, too."""

        def _change(self, name, change):  # type: ignore[no-untyped-def]
            waited = threading.Event()

            def late(old):  # type: ignore[no-untyped-def]
                if not waited.is_set():
                    waited.set()
                    both_have_read.wait(timeout=10)
                return change(old)

            return super()._change(name, late)

    def remove(name: str) -> str:
        with valkey.client() as client:
            try:
                Late(client).remove(name)
            except Refused as error:
                return str(error)
            return "removed"

    with ThreadPoolExecutor(2) as admins:
        outcomes = sorted(admins.map(remove, ["ada", "bob"]))

    assert outcomes[1] == "removed"
    assert "last admin" in outcomes[0]
    assert len(operators.all()) == 1


def test_an_address_has_so_many_tries(operators: Operators) -> None:
    for number in range(MOST_TRIES):
        assert operators.authenticate(f"name{number}", "wrong", address="192.0.2.1") is None

    with pytest.raises(TooManyTries, match="15 minutes"):
        operators.authenticate("ada", "wrong", address="192.0.2.1")
    assert operators.authenticate("ada", "wrong", address="198.51.100.1") is None


def test_signing_in_forgets_the_tries(operators: Operators) -> None:
    operators.add("ada", Role.VIEWER, PASSWORD)
    for _ in range(3):
        for _ in range(MOST_TRIES - 1):
            operators.authenticate("ada", "wrong", address="192.0.2.1")
        assert operators.authenticate("ada", PASSWORD, address="192.0.2.1") is not None


def test_redis_away_is_an_error_of_ours() -> None:
    away = Operators(redis.Redis(port=9))

    with pytest.raises(LedgerUnavailable):
        away.make_first()


# --- what strangers can try


@pytest.fixture
def ada(operators: Operators) -> Operators:
    """There is one operator, `ada`."""
    operators.add("ada", Role.ADMIN, PASSWORD)
    return operators


def signs_in(
    operators: Operators, password: str = PASSWORD, *, address: str = "198.51.100.1"
) -> bool:
    return operators.authenticate("ada", password, address=address) is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "another password"),
        ("ada", ""),
        ("Ada", PASSWORD),
        ("nobody", PASSWORD),
        ("", ""),
        ("x" * 100_000, PASSWORD),
    ],
)
def test_a_wrong_name_or_password_is_nobody(ada: Operators, name: str, password: str) -> None:
    assert ada.authenticate(name, password, address="192.0.2.1") is None


def test_a_name_that_nobody_has_is_hashed_for_like_any_other(
    redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch, cheap_hashes: dict[str, str]
) -> None:
    """Else the time it takes would tell whether there is such an operator."""
    for name, real in cheap_hashes.items():
        monkeypatch.setattr(f"shared.operations.operators.{name}", real)
    ada = Operators(redis_client)
    ada.add("ada", Role.ADMIN, PASSWORD)
    ways: list[str] = []

    def compare(hashed: str, password: str) -> bool:
        ways.append(hashed.split("$")[0])
        return False

    monkeypatch.setattr("shared.operations.operators.check_password_hash", compare)
    ada.authenticate("ada", PASSWORD, address="192.0.2.1")
    ada.authenticate("nobody", PASSWORD, address="192.0.2.1")
    assert ways[0] == ways[1]
    assert ways[0] == "scrypt:32768:8:1"


def test_what_was_typed_and_from_where_is_not_stored(
    ada: Operators, redis_client: "redis.Redis"
) -> None:
    typed = ["ada@example.com", "my-password-in-the-wrong-field"]
    for name in typed:
        ada.authenticate(name, "a secret typed wrong", address="192.0.2.1")
    stored = f"{redis_client.hgetall(keys.OPERATORS)} {list(redis_client.scan_iter('*'))}"
    for text in (*typed, PASSWORD, "a secret typed wrong", "192.0.2.1"):
        assert text not in stored


def test_a_whole_ipv6_network_counts_as_one_address(ada: Operators) -> None:
    for number in range(MOST_TRIES):
        ada.authenticate(f"guess-{number}", "wrong", address=f"2001:db8::{number + 1:x}")
    with pytest.raises(Refused, match="15 minutes"):
        signs_in(ada, address="2001:db8::ffff")
    assert signs_in(ada, address="2001:db8:0:1::1")


def test_the_wait_ends_by_itself(ada: Operators, redis_client: "redis.Redis") -> None:
    for _ in range(MOST_TRIES):
        ada.authenticate("ada", "wrong", address="192.0.2.1")
    counters = list(redis_client.scan_iter(f"{keys.SIGN_IN_TRIES}*"))
    assert len(counters) == 3  # also how long the name waits
    for counter in counters:
        assert 0 < redis_client.pttl(counter) <= TRIES_WITHIN / timedelta(milliseconds=1)
        redis_client.delete(counter)  # as its expiry does
    assert signs_in(ada, address="192.0.2.1")


def waits(operators: Operators, address: str = "198.51.100.1") -> timedelta:
    """Return how long the right password has to wait."""
    try:
        assert signs_in(operators, address=address)
    except TooManyTries as error:
        return error.retry_after
    return timedelta()


def try_from_elsewhere(operators: Operators, count: int = MOST_TRIES) -> None:
    for number in range(count):
        operators.authenticate("ada", "wrong", address=f"192.0.2.{number}")


def end_delay(client: "redis.Redis") -> None:
    """Remove the delay of the name `ada`, as its expiry does."""
    client.delete(sign_in_tries._delay(("name", "ada")))


def test_tries_with_a_name_only_slow_down(ada: Operators, redis_client: "redis.Redis") -> None:
    try_from_elsewhere(ada)
    assert timedelta() < waits(ada) <= sign_in_tries.FIRST_DELAY
    delays = []
    for number in range(8):
        end_delay(redis_client)
        ada.authenticate("ada", "wrong", address=f"203.0.113.{number}")
        delays.append(waits(ada))
    assert delays[0] > sign_in_tries.FIRST_DELAY
    assert sorted(delays[:3]) == delays[:3]
    assert max(delays) <= sign_in_tries.LONGEST_DELAY
    end_delay(redis_client)
    assert waits(ada) == timedelta()


def test_who_is_told_to_wait_spends_no_try_of_the_address(
    ada: Operators, redis_client: "redis.Redis"
) -> None:
    try_from_elsewhere(ada)
    for _ in range(2 * MOST_TRIES):
        redis_client.pexpire(sign_in_tries._delay(("name", "ada")), 60_000)
        assert waits(ada) > timedelta()
    end_delay(redis_client)
    assert waits(ada) == timedelta()


def test_an_address_that_used_up_its_tries_holds_no_name(
    ada: Operators, redis_client: "redis.Redis"
) -> None:
    for number in range(MOST_TRIES):
        ada.authenticate(f"x{number}", "wrong", address="203.0.113.1")
    try_from_elsewhere(ada)
    end_delay(redis_client)
    for _ in range(3):
        with pytest.raises(TooManyTries, match="15 minutes"):
            ada.authenticate("ada", "wrong", address="203.0.113.1")
    assert waits(ada) == timedelta()


def test_a_known_browser_waits_for_nobody_else(ada: Operators) -> None:
    try_from_elsewhere(ada)
    for _ in range(MOST_TRIES - 1):
        ada.authenticate("nobody", "wrong", address="192.0.2.1")
    assert waits(ada) > timedelta()
    known = {"address": "192.0.2.1", "device": "ada's"}
    assert ada.authenticate("ada", PASSWORD, **known) is not None


def test_a_known_browser_has_so_many_tries_of_its_own(ada: Operators) -> None:
    known = {"address": "192.0.2.1", "device": "ada's"}
    for _ in range(2):
        for _ in range(MOST_TRIES - 1):
            assert ada.authenticate("ada", "wrong", **known) is None
        assert ada.authenticate("ada", PASSWORD, **known) is not None
    for _ in range(MOST_TRIES):
        assert ada.authenticate("ada", "wrong", **known) is None
    with pytest.raises(TooManyTries, match="15 minutes"):
        ada.authenticate("ada", PASSWORD, **known)
    assert waits(ada) == timedelta()


def test_a_new_password_ends_the_wait_for_its_name(ada: Operators) -> None:
    try_from_elsewhere(ada)
    assert waits(ada) > timedelta()
    ada.set_password("ada", PASSWORD)
    assert waits(ada) == timedelta()


def test_tries_at_the_same_moment_are_counted_one_by_one(
    ada: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_compare = threading.Barrier(MOST_TRIES)

    def compare(hashed: str, password: str) -> bool:
        all_compare.wait(timeout=10)  # nobody has an outcome before all have been counted
        return False

    monkeypatch.setattr("shared.operations.operators.check_password_hash", compare)

    def is_let_through(_: int) -> bool:
        try:
            ada.authenticate("ada", "wrong", address="192.0.2.1")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(3 * MOST_TRIES) as threads:
        assert sum(threads.map(is_let_through, range(3 * MOST_TRIES))) == MOST_TRIES


def test_looking_whether_a_first_operator_is_needed_costs_no_hash(
    ada: Operators, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can open the sign-in page, as often as they like."""

    def hashed(password: str, method: str) -> str:
        raise AssertionError("hashed")

    monkeypatch.setattr("shared.operations.operators.generate_password_hash", hashed)
    assert ada.make_first() is None


# --- what ends sessions


def epoch(operators: Operators) -> int:
    found = operators.find("ada")
    assert found
    return found.epoch


def test_what_changes_an_operator_raises_the_epoch(ada: Operators) -> None:
    ada.add("max", Role.ADMIN, PASSWORD)
    first = epoch(ada)
    ada.set_password("ada")
    second = epoch(ada)
    ada.set_role("ada", Role.VIEWER)
    assert first < second < epoch(ada)


def test_who_is_made_anew_under_an_old_name_has_another_epoch(ada: Operators) -> None:
    ada.add("max", Role.ADMIN, PASSWORD)
    before = epoch(ada)
    ada.remove("ada")
    ada.add("ada", Role.ADMIN, PASSWORD)
    assert epoch(ada) != before


def test_a_new_password_is_another_each_time_and_the_only_one(ada: Operators) -> None:
    made = [ada.set_password("ada").password for _ in range(3)]
    assert len(set(made)) == 3
    assert all(len(password) >= 16 for password in made)
    assert [signs_in(ada, password) for password in (PASSWORD, *made)] == [False] * 3 + [True]


def test_a_refused_change_changes_nothing(ada: Operators) -> None:
    before = ada.all()
    for change in (
        lambda: ada.set_password("ada", "too short"),
        lambda: ada.set_password("eve", PASSWORD),
        lambda: ada.set_role("eve", Role.VIEWER),
        lambda: ada.remove("eve"),
        lambda: ada.add("new\nline", Role.VIEWER, PASSWORD),
    ):
        with pytest.raises(Refused):
            change()
    assert ada.all() == before
