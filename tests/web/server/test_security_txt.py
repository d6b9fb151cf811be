"""``/.well-known/security.txt``."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from web.app import create_app
from web.security_txt import make_text

PATH = "/.well-known/security.txt"
CONTACT = "mailto:security@example.com"


def fields(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines())


def test_there_is_none_without_a_contact(app: Flask) -> None:
    assert app.test_client().get(PATH).status_code == 404


@pytest.mark.parametrize("public_url", ["https://signup.example.com", "https://www.example.com/s"])
def test_it_is_as_rfc_9116_has_it(settings_with: Callable[..., Settings], public_url: str) -> None:
    app = create_app(settings_with(security_contact=CONTACT, public_url=public_url))
    answer = app.test_client().get(PATH)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    found = fields(answer.text)
    assert found.pop("Contact") == CONTACT
    assert found.pop("Canonical") == f"{public_url}{PATH}"
    assert found.pop("Preferred-Languages") == "en"
    expires = datetime.fromisoformat(found.pop("Expires"))
    assert timedelta(days=90) < expires - utc_now() < timedelta(days=365)
    assert not found


def test_the_text_is_the_same_for_a_day_and_names_no_address_without_tls() -> None:
    noon = datetime(2026, 3, 1, 12, 30, 7, tzinfo=UTC)
    text = make_text("https://example.com/report", "http://127.0.0.1:8080", now=noon)
    assert text == (
        "Contact: https://example.com/report\n"
        "Expires: 2026-08-28T00:00:00Z\n"
        "Preferred-Languages: en\n"
    )
