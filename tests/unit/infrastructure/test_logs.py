"""Logs: one line with its fields, and nothing in it that does not belong there."""

import json
import logging
import re
import sys
from typing import Any

import pytest

from shared.infrastructure.logs import (
    JsonFormatter,
    LineFormatter,
    log_fields,
    redact,
    redacted_start,
)

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lIn0.c2lnbmF0dXJl"
ID = "0c3a4a10-9d31-11ee-a3f2-fa163e56c9b0"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param("to ada@example.com now", "to [address] now", id="address"),
        pytest.param("<ada+news@mail.example.co.uk>", "<[address]>", id="in angle brackets"),
        pytest.param('"email":"ada@example.com"', '"email":"[address]"', id="in JSON"),
        pytest.param("?email=ada@example.com&x=1", "?email=[address]&x=1", id="in a query"),
        pytest.param("ädä@exämple.example", "[address]", id="other letters"),
        pytest.param(f"token {JWT}", "token [secret]", id="JWT"),
        pytest.param("Authorization: Bearer abc", "Authorization: [secret]", id="bearer token"),
        pytest.param("refresh " + "a1B2" * 12, "refresh [secret]", id="long opaque token"),
        pytest.param("code=" + "a1B2" * 12 + "==&x", "code=[secret]&x", id="token as a parameter"),
        pytest.param(
            "redis://relay:hidden@cache.example/0", "redis://…@cache.example/0", id="password"
        ),
        pytest.param("redis://:hidden@cache/0", "redis://…@cache/0", id="password, no user"),
        pytest.param("only_letters_" * 4 + "-Zq", "[secret]", id="no name: it goes on after words"),
        pytest.param("x" * 41, "[secret]", id="no name: one word"),
    ],
)
def test_redacted(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "before",
    ["", "word ", f"{JWT} ", "t0Ken" * 10 + " ", "no blanks,", "(", "é" * 45 + " "],
    ids=["nothing", "words", "tokens", "one that is long", "commas", "brackets", "letters"],
)
def test_a_cut_leaves_no_half_of_an_address_or_a_token(before: str) -> None:
    repeated = f"{before}ada.lovelace@example.com {JWT} " * 50
    for offset in range(120):
        shown = redacted_start("!" * offset + repeated, 100)
        assert len(shown) <= 100
        assert "ada" not in shown
        assert "eyJ" not in shown


def test_what_is_short_enough_is_not_cut() -> None:
    assert redacted_start("gave up after 12 attempts", 25) == "gave up after 12 attempts"
    assert redacted_start("abc " * 100, 10) == "abc abc ab"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"signup={ID}", id="id of a sign-up"),
        pytest.param("https://api.cc.email/v3/contacts/sign_up_form", id="address of the API"),
        pytest.param(
            "set worker_cancel_long_running_tasks_on_connection_loss to", id="Celery's setting"
        ),
        pytest.param("gave up after 12 attempts: HTTP 503", id="cause"),
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert redact(text) == text


def line(message: str, *args: object, **fields: object) -> str:
    """Return the line that a record with these fields makes."""
    record = logging.makeLogRecord(
        {"levelno": logging.INFO, "levelname": "INFO", "msg": message, "args": args, **fields}
    )
    return LineFormatter("worker").format(record)


def test_a_line_has_time_process_level_message_and_fields() -> None:
    made = line("dead letter", signup=ID, reason="rejected", attempt=2, cause="HTTP 400: no list")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d worker  info    dead letter signup=" + ID + " reason=rejected attempt=2"
        " cause='HTTP 400: no list'",
        made,
    )


def test_message_arguments_and_fields_are_redacted() -> None:
    made = line("cannot reach %s", "redis://u:hidden@h", cause=f"token {JWT} of ada@example.com")
    assert "hidden" not in made
    assert JWT not in made
    assert "ada@example.com" not in made


def test_a_traceback_is_redacted_too() -> None:
    try:
        raise ValueError("no such person: ada@example.com")
    except ValueError:
        made = line("unexpected error", exc_info=sys.exc_info())
    assert made.endswith("ValueError: no such person: [address]")


FORGED = "a task\n03:41:00 web     warning sign-in refused address=198.51.100.66"


def test_no_message_adds_a_line() -> None:
    made = line("Task relay.deliver[%s] succeeded", FORGED)
    assert len(made.splitlines()) == 1
    assert r"a task\n03:41:00 web" in made


def test_each_line_of_a_traceback_begins_with_blanks() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        _, *lines = line("unexpected error", exc_info=sys.exc_info()).split("\n")
    assert any(FORGED.partition("\n")[2] in each for each in lines)
    assert all(each.startswith("  ") for each in lines)


@pytest.mark.parametrize("end", ["\n", "\r", "\x85", "\u2028", "\x0b"])
def test_no_field_adds_a_line(end: str) -> None:
    made = line("refused", name=f"x{end}02:00:00", cause=f"a b{end}c")
    assert len(made.splitlines()) == 1


def test_no_message_controls_the_terminal() -> None:
    assert line("refused: \x1b[2J\u202e").endswith("refused: ?[2J?")


# --- JSON


def document(message: str, *args: object, **fields: object) -> dict[str, Any]:
    """Return the object that a record with these fields makes."""
    record = logging.makeLogRecord(
        {
            "name": "worker.delivery",
            "levelno": logging.WARNING,
            "levelname": "WARNING",
            "msg": message,
            "args": args,
            "created": 1_772_366_400.25,
            **fields,
        }
    )
    made = JsonFormatter("worker").format(record)
    assert len(made.splitlines()) == 1
    found: dict[str, Any] = json.loads(made)
    return found


def test_an_object_has_time_level_logger_message_process_and_fields() -> None:
    made = document("dead letter of %s", "acme", signup=ID, attempt=2, seconds=0.25, cause=None)
    assert made.pop("pid") > 0
    assert made == {
        "time": "2026-03-01T12:00:00.250Z",
        "level": "warning",
        "logger": "worker.delivery",
        "message": "dead letter of acme",
        "process": "worker",
        "signup": ID,
        "attempt": 2,
        "seconds": 0.25,
        "cause": None,
    }


SECRETS = ("ada@example.com", JWT, "redis://u:hidden@h", "Bearer abc", "a1B2" * 12)


class Quoting:
    """Says a secret when it is printed."""

    def __str__(self) -> str:
        return SECRETS[0]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["message", "argument", "field", "list", "name", "traceback"])
def test_nothing_in_an_object_tells_a_secret(secret: str, place: str) -> None:
    message, args = "failed", list[str]()
    fields: dict[str, Any] = {}
    match place:
        case "message":
            message = f"failed for {secret}"
        case "argument":
            message, args = "failed for %s", [secret]
        case "field":
            fields = {"cause": secret}
        case "list":
            fields = {"causes": ["one", {"of": (secret, Quoting())}]}
        case "name":
            fields = {"by": {secret: 1}}
        case "traceback":
            try:
                raise ValueError(f"no such person: {secret}")
            except ValueError:
                fields = {"exc_info": sys.exc_info()}
    made = json.dumps(document(message, *args, **fields), ensure_ascii=False)
    for part in (secret, "hidden", SECRETS[0]):
        assert part not in made


def test_a_traceback_is_in_the_object() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        made = document("unexpected error", exc_info=sys.exc_info())
    assert made["exception"].startswith("Traceback (most recent call last):\n")
    assert made["exception"].endswith("ValueError: broken")


def test_no_field_replaces_what_every_object_has() -> None:
    made = document("real", time="never", level="debug", logger="forged")
    assert (made["time"][:4], made["level"], made["logger"]) == (
        "2026",
        "warning",
        "worker.delivery",
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes", object, "\u2028"])
def test_every_value_becomes_json(value: object) -> None:
    assert "odd" in document("odd", odd=value)


# --- what a thread works on


def test_lines_have_what_is_worked_on_meanwhile() -> None:
    with log_fields(account="acme"), log_fields(signup=ID, request_id="proxy-1"):
        assert line("sent").endswith(f"sent account=acme signup={ID} request_id=proxy-1")
        made = document("sent", account="blue")
    assert (made["account"], made["signup"], made["request_id"]) == ("blue", ID, "proxy-1")
    assert line("sent").endswith("sent")


def test_a_line_of_text_does_not_say_the_same_id_twice() -> None:
    with log_fields(signup=ID, request_id=ID):
        assert line("sent").endswith(f"sent signup={ID}")
        assert document("sent")["request_id"] == ID
