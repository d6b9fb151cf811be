"""`relay operator`: who may sign in to the console, as scripts and operators manage it."""

import re

import pytest
import redis

from shared.infrastructure.timestamps import timestamp, utc_now
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operators import Operators, Role
from shared.operations.sessions import Sessions, Visit
from tests.support.command_line import CommandLine
from tests.support.phone import Phone

PASSWORD = "from standard input"


@pytest.fixture
def operators(redis_client: "redis.Redis") -> Operators:
    return Operators(redis_client)


@pytest.fixture
def admin(run: CommandLine) -> CommandLine:
    """There is an admin `ada` already."""
    assert run("operator", "add", "ada", "--role", "admin").status == 0
    return run


def signs_in(operators: Operators, name: str, password: str) -> bool:
    return operators.authenticate(name, password, address="192.0.2.1") is not None


def test_a_new_operator_gets_a_password_that_is_shown_once(
    admin: CommandLine, operators: Operators
) -> None:
    ran = admin("operator", "add", "max", "--role", "viewer")
    [password] = re.findall(r"Password, shown only this once: (\S+)", ran.out)
    assert ran.status == 0
    assert "max (viewer) can sign in." in ran.out
    assert "https://signup.example.com/console/" in ran.out
    assert signs_in(operators, "max", password)
    assert password not in admin("operator", "list").out


def test_the_password_may_come_from_standard_input_and_is_not_shown(
    admin: CommandLine, operators: Operators
) -> None:
    ran = admin(
        "operator", "add", "max", "--role", "operator", "--password", "-", stdin=f"{PASSWORD}\n"
    )
    assert ran.status == 0
    assert PASSWORD not in ran.out + ran.err
    assert signs_in(operators, "max", PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "sentence"),
    [
        pytest.param(("add", "max"), "", 2, "--role", id="no role"),
        pytest.param(("add", "max", "--role", "boss"), "", 2, "boss", id="another role"),
        pytest.param(
            ("add", "max", "--role", "viewer", "--password", "on-the-line"),
            "",
            2,
            "standard input",
            id="a password on the command line",
        ),
        pytest.param(
            ("add", "max", "--role", "viewer", "--password", "-"),
            "",
            1,
            "no password on standard input",
            id="nothing there",
        ),
        pytest.param(
            ("add", "max", "--role", "viewer", "--password", "-"),
            "too-short",
            1,
            "at least 12",
            id="too short",
        ),
        pytest.param(
            ("add", "ada", "--role", "viewer"), "", 1, "relay operator password ada", id="taken"
        ),
        pytest.param(("add", "a b", "--role", "viewer"), "", 1, "'a b' cannot be", id="no name"),
        pytest.param(("remove", "max"), "", 1, "no operator max", id="remove nobody"),
        pytest.param(("password", "max"), "", 1, "no operator max", id="password of nobody"),
        pytest.param(("role", "max", "viewer"), "", 1, "no operator max", id="role of nobody"),
        pytest.param(
            ("reset-second-factor", "max"), "", 1, "no operator max", id="reset of nobody"
        ),
        pytest.param(("end-sessions", "max"), "", 1, "no operator max", id="sessions of nobody"),
        pytest.param(("remove", "ada"), "", 1, "last admin", id="remove the last admin"),
        pytest.param(("role", "ada", "viewer"), "", 1, "last admin", id="demote the last admin"),
    ],
)
def test_what_cannot_be_done_is_said(
    admin: CommandLine, arguments: tuple[str, ...], stdin: str, status: int, sentence: str
) -> None:
    ran = admin("operator", *arguments, stdin=stdin)
    assert (ran.status, ran.out) == (status, "")
    assert sentence in ran.err
    assert "on-the-line" not in ran.err
    [ada] = admin("operator", "list", "--json").json
    assert (ada["name"], ada["role"]) == ("ada", "admin")


def test_a_new_password_replaces_the_old_one(admin: CommandLine, operators: Operators) -> None:
    first = admin("operator", "password", "ada", "--json").json["password"]
    second = admin("operator", "password", "ada", "--json").json["password"]
    assert not signs_in(operators, "ada", first)
    assert signs_in(operators, "ada", second)


def test_a_role_is_changed_and_an_operator_removed(
    admin: CommandLine, operators: Operators
) -> None:
    admin("operator", "add", "max", "--role", "viewer")
    assert "max has the role operator now" in admin("operator", "role", "max", "operator").out
    found = operators.find("max")
    assert found
    assert found.role == Role.OPERATOR
    assert "max cannot sign in any more." in admin("operator", "remove", "max", "--yes").out
    assert operators.find("max") is None


def test_every_command_prints_one_json_document(admin: CommandLine) -> None:
    made = admin("operator", "add", "max", "--role", "viewer", "--json").json
    assert {key: made[key] for key in ("name", "role")} == {"name": "max", "role": "viewer"}
    assert len(made["password"]) >= 16
    given = admin("operator", "password", "max", "--password", "-", "--json", stdin=PASSWORD).json
    assert given == {"name": "max", "role": "viewer"}
    assert admin("operator", "role", "max", "admin", "--json").json["role"] == "admin"
    names = [each["name"] for each in admin("operator", "list", "--json").json]
    assert names == ["ada", "max"]
    assert admin("operator", "remove", "max", "--yes", "--json").json == {
        "name": "max",
        "removed": True,
    }


def test_an_empty_list_says_how_the_first_one_is_made(run: CommandLine) -> None:
    ran = run("operator", "list")
    assert ran.status == 0
    assert "relay web" in ran.out
    assert run("operator", "list", "--json").json == []


def test_the_list_says_who_has_a_second_factor_and_a_reset_ends_it(
    admin: CommandLine, operators: Operators, redis_client: "redis.Redis"
) -> None:
    admin("operator", "add", "max", "--role", "viewer")
    operators.set_password("ada", PASSWORD)
    phone = Phone()
    phone.switch_on(phone.factors(redis_client), "ada", PASSWORD)
    before = operators.named("ada").epoch

    listed = admin("operator", "list", "--json").json
    assert {each["name"]: each["second_factor"] for each in listed} == {"ada": True, "max": False}
    assert re.search(r"ada +admin +on ", admin("operator", "list").out)

    assert admin("operator", "reset-second-factor", "ada", "--json").json == {
        "name": "ada",
        "reset": True,
    }
    assert operators.with_second_factor() == set()
    assert operators.named("ada").epoch > before
    again = admin("operator", "reset-second-factor", "ada")
    assert again.status == 0
    assert "has no second factor" in again.out


def test_a_new_password_keeps_the_second_factor_and_a_removal_does_not(
    admin: CommandLine, operators: Operators, redis_client: "redis.Redis"
) -> None:
    admin("operator", "add", "max", "--role", "admin", "--password", "-", stdin=PASSWORD)
    phone = Phone()
    phone.switch_on(phone.factors(redis_client), "max", PASSWORD)
    admin("operator", "password", "max")
    assert operators.with_second_factor() == {"max"}
    admin("operator", "remove", "max", "--yes")
    admin("operator", "add", "max", "--role", "viewer")
    assert operators.with_second_factor() == set()


# --- keys


def test_a_key_is_printed_once_with_the_role_that_it_has(
    admin: CommandLine, redis_client: "redis.Redis"
) -> None:
    ran = admin("operator", "key", "ada", "--json")
    assert ran.status == 0
    assert ran.json == {"name": "ada", "role": "admin", "key": ran.json["key"]}
    found = OperatorKeys(redis_client, now=utc_now).find(ran.json["key"])
    assert found is not None and found.name == "ada"
    assert ran.json["key"] not in admin("operator", "list", "--json").out


def test_for_a_person_the_key_stands_alone_and_ends_the_one_before(
    admin: CommandLine, redis_client: "redis.Redis"
) -> None:
    first = admin("operator", "key", "ada", "--json").json["key"]
    ran = admin("operator", "key", "ada")
    [second] = re.findall(r"Key, shown only this once: (\S+)\n", ran.out)
    assert "the role of ada: admin" in ran.out
    operator_keys = OperatorKeys(redis_client, now=utc_now)
    assert operator_keys.find(first) is None
    assert operator_keys.find(second) is not None


def test_nobody_else_gets_a_key(admin: CommandLine, redis_client: "redis.Redis") -> None:
    ran = admin("operator", "key", "eve", "--json")
    assert ran.status == 1
    assert "There is no operator eve" in ran.err
    assert OperatorKeys(redis_client, now=utc_now).all() == {}


def test_the_list_says_who_is_signed_in_and_all_of_it_can_be_ended(
    admin: CommandLine, operators: Operators, redis_client: "redis.Redis"
) -> None:
    sessions = Sessions(redis_client, now=utc_now)
    visit = Visit(address="192.0.2.1", browser="Firefox")
    nothing_yet = {"last_seen": None, "key_made": None, "key_used": None}
    assert admin("operator", "list", "--json").json == [
        {"name": "ada", "role": "admin", "second_factor": False, "sessions": 0, **nothing_yet}
    ]
    admin("operator", "key", "ada")
    for id in ("one", "two"):
        sessions.begin(operators.named("ada"), id, visit)
    [ada] = admin("operator", "list", "--json").json
    assert ada["sessions"] == 2
    assert ada["key_made"] <= ada["last_seen"] <= timestamp(utc_now())

    assert "ada is signed out everywhere." in admin("operator", "end-sessions", "ada").out
    [ended] = admin("operator", "list", "--json").json
    assert (ended["sessions"], ended["last_seen"]) == (0, ada["last_seen"])


def test_who_is_added_under_an_old_name_was_never_seen(
    admin: CommandLine, operators: Operators, redis_client: "redis.Redis"
) -> None:
    admin("operator", "add", "max", "--role", "viewer")
    sessions = Sessions(redis_client, now=utc_now)
    sessions.begin(operators.named("max"), "id", Visit(address="192.0.2.1", browser="Firefox"))
    assert set(sessions.last_seen()) == {"max"}
    admin("operator", "remove", "max", "--yes")
    assert sessions.last_seen() == {}
