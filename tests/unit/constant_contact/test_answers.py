"""Reading Constant Contact's answers, in all the shapes they have been seen in."""

import re
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.constant_contact import answers
from shared.constant_contact.answers import no_answer, read_answer, read_subscription_status
from shared.constant_contact.errors import DeadlineExceeded
from shared.constant_contact.response import Response
from shared.domain.outcome import ApiAnswer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTACT_ID = "1d3bb1f6-9d31-11ee-a3f2-fa163e56c9b0"


def answer(status: int, body: str | bytes = b"", **headers: str) -> ApiAnswer:
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return read_answer(Response(status, named, content), NOON)


@pytest.mark.parametrize("status", [200, 201])
def test_a_contact_id_comes_with_its_action(status: int) -> None:
    found = answer(status, f'{{"contact_id": "{CONTACT_ID}", "action": "created"}}')

    assert found == ApiAnswer(status=status, contact_id=CONTACT_ID, action="created")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(202, f'{{"contact_id": "{CONTACT_ID}"}}', id="another success"),
        pytest.param(400, f'{{"contact_id": "{CONTACT_ID}"}}', id="no success"),
        pytest.param(200, f'[{{"contact_id": "{CONTACT_ID}"}}]', id="an array"),
        pytest.param(200, '{"contact_id": 7}', id="a number"),
        pytest.param(200, '{"contact_id": ""}', id="empty"),
        pytest.param(200, "{}", id="none"),
        pytest.param(200, "", id="no body"),
        pytest.param(200, "<h1>Welcome</h1>", id="HTML"),
        pytest.param(201, b"\xff\xfe\x00", id="no text"),
        pytest.param(200, "[" * 100_000, id="nested without end"),
        pytest.param(200, '{"contact_id": ' + "9" * 5000 + "}", id="an endless number"),
    ],
)
def test_no_contact_id_but_from_a_success_that_has_one(status: int, body: str | bytes) -> None:
    assert answer(status, body).contact_id is None


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (200, "HTTP 200: the answer has no contact_id"),
        (399, "HTTP 399: the answer has no contact_id"),
        (400, "HTTP 400"),
    ],
)
def test_a_success_without_contact_id_says_what_is_wrong_with_it(status: int, cause: str) -> None:
    assert answer(status).cause == cause


@pytest.mark.parametrize(
    ("body", "error_key", "message"),
    [
        pytest.param(
            '[{"error_key": "contacts.api.conflict", "error_message": "Exists"}]',
            "contacts.api.conflict",
            "Exists",
            id="array",
        ),
        pytest.param(
            '{"error_key": "unauthorized", "error_message": "Unauthorized"}',
            "unauthorized",
            "Unauthorized",
            id="object",
        ),
        pytest.param(
            '[{"error_key": "a", "error_message": "One"}, {"error_key": "b",'
            ' "error_message": "Two"}]',
            "a",
            "One; Two",
            id="several",
        ),
        pytest.param('{"message": "Forbidden"}', None, "Forbidden", id="the gateway's own"),
        pytest.param("<html>502 Bad Gateway</html>", None, None, id="HTML"),
        pytest.param("", None, None, id="empty"),
        pytest.param("[]", None, None, id="empty array"),
        pytest.param("[1, null, [2]]", None, None, id="array of something else"),
        pytest.param('{"error_key": {"a": 1}, "error_message": 3}', None, None, id="no texts"),
    ],
)
def test_error_bodies(body: str, error_key: str | None, message: str | None) -> None:
    found = answer(400, body)

    assert (found.error_key, found.message) == (error_key, message)


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\ude00\\ud83d"])
@pytest.mark.parametrize(
    "field", ["contact_id", "action", "error_key", "error_message", "message", "half\\ud800"]
)
def test_every_text_of_an_answer_can_be_stored(field: str, half: str) -> None:
    found = answer(201, f'{{"contact_id": "c", "{field}": "bad {half} \\ud83d\\ude00"}}')

    texts = [text for text in astuple(found) if isinstance(text, str)]
    assert texts == [text.encode().decode() for text in texts]
    assert found.contact_id
    if field == "message":
        assert re.fullmatch("bad \ufffd+ \U0001f600", str(found.message))


def test_the_texts_of_a_delivery_have_an_end() -> None:
    found = answer(201, f'{{"contact_id": "{"c" * 9000}", "action": "{"a" * 9000}"}}')
    assert (found.contact_id, found.action) == ("c" * 100, "a" * 100)


@pytest.mark.parametrize("status", [201, 401, 429, 503])
def test_the_status_decides_when_reading_fails_in_a_way_that_nobody_foresaw(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise BufferError

    monkeypatch.setattr(answers, "read_body", fail)
    assert answer(status) == ApiAnswer(status=status, message="the answer cannot be read")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"opt_out_date": "garbage"}, id="no date"),
        pytest.param({"opt_out_date": 1e300}, id="a number"),
        pytest.param({"opt_out_date": [[]]}, id="a list"),
        pytest.param({"opt_out_date": "9999-12-31T23:59:59-23:59"}, id="beyond all calendars"),
        pytest.param({"opt_out_date": "0001-01-01T00:00:00+23:59"}, id="before all calendars"),
        pytest.param({"permission_to_send": 1}, id="no permission"),
        pytest.param({"contact_id": "c" * 101}, id="an endless id"),
        pytest.param({"contact_id": 7}, id="an id that is no text"),
    ],
)
def test_a_status_that_cannot_be_read_is_none(changed: dict[str, Any]) -> None:
    address = {"permission_to_send": "unsubscribed", "opt_out_date": "2026-01-01T00:00:00Z"}
    entry = {"contact_id": "c", "email_address": address | changed}
    assert read_subscription_status({"contacts": [entry | changed]}) is None


def test_messages_name_nobody_and_have_an_end() -> None:
    body = '[{"error_key": "k", "error_message": "ada@example.com is known ' + "x y" * 900 + '"}]'
    message = answer(409, body).message

    assert message is not None
    assert "ada" not in message
    assert len(message) == 500


def test_keys_and_tracking_ids_have_an_end() -> None:
    found = answer(400, f'{{"error_key": "{"k " * 200}"}}', x_eig_tracking_id="t " * 200)
    assert found.error_key == "k " * 50
    assert found.tracking_id == "t " * 50


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        pytest.param("120", timedelta(minutes=2), id="seconds"),
        pytest.param(" 120 ", timedelta(minutes=2), id="blanks around it"),
        pytest.param("0", timedelta(0), id="none at all"),
        pytest.param("Sun, 01 Mar 2026 12:00:30 GMT", timedelta(seconds=30), id="date"),
        pytest.param("Sun, 01 Mar 2026 13:00:30 +0100", timedelta(seconds=30), id="zone"),
        pytest.param("Sun, 01 Mar 2026 12:00:30 -0000", timedelta(seconds=30), id="no zone"),
        pytest.param("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0), id="a date gone by"),
        pytest.param("9" * 10_000, timedelta(days=366), id="an endless number"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="a fraction"),
        pytest.param("soon", None, id="a word"),
        pytest.param("٣", None, id="a digit of another script"),
        pytest.param("Sun, 99 Mar 2026 12:00:30 GMT", None, id="no such date"),
        pytest.param("Sun, 01 Mar 2026 12:00:30 +" + "9" * 20, None, id="no such zone"),
        pytest.param("Sun, 01 Mar 2026 12:00:30 +" + "9" * 13, None, id="a zone too far"),
        pytest.param("Mon, 01 Jan 99999999999 00:00:00 GMT", None, id="beyond all calendars"),
    ],
)
def test_retry_after(header: str, wait: timedelta | None) -> None:
    assert answer(503, Retry_After=header).retry_after == wait


def test_the_tracking_id_is_the_one_that_support_asks_for() -> None:
    assert answer(500, x_amzn_RequestId="r-1").tracking_id == "r-1"
    assert answer(500, x_amzn_RequestId="r-1", x_eig_tracking_id="t-1").tracking_id == "t-1"
    assert answer(500).tracking_id is None


def test_an_answer_that_never_came_says_why() -> None:
    assert no_answer(DeadlineExceeded("no answer within 20 s")).cause == (
        "no answer: no answer within 20 s"
    )
