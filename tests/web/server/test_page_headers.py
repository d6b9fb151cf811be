"""What browsers are told of our answers: who may frame them, keep them, and get hold of them."""

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.console_browser import SignedIn

OPERATORS = ["/console/", "/console/sign-in", "/connect/link/x", "/connect/callback"]
VISITORS = ["/", "/console/none", "/f/news", "/f/news/thanks", "/f/none", "/none", "/healthz"]


def get(app: Flask, path: str) -> TestResponse:
    return SignedIn(app, name="ada").get(path)


def framed_by(answer: TestResponse) -> str:
    return answer.headers["Content-Security-Policy"].rpartition("frame-ancestors ")[2]


@pytest.mark.parametrize("path", OPERATORS)
def test_no_other_site_gets_hold_of_a_page_of_operators(app: Flask, path: str) -> None:
    headers = get(app, path).headers
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", OPERATORS)
def test_nobody_frames_a_page_of_operators(app: Flask, path: str) -> None:
    assert framed_by(get(app, path)) == "'none'"


@pytest.mark.parametrize("path", [*OPERATORS, *VISITORS, "/static/none.css"])
def test_nothing_is_kept_or_guessed_and_no_device_is_asked_for(app: Flask, path: str) -> None:
    headers = get(app, path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in headers["Permissions-Policy"]


def test_style_sheets_are_kept_for_a_while(app: Flask) -> None:
    with get(app, "/static/theme.css") as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_website_that_frames_the_form_may_frame_the_thanks(
    app: Flask, save_form: Callable[..., object]
) -> None:
    save_form("club", origins=("https://www.example.com",))
    for path in ("/f/club", "/f/club/thanks"):
        assert framed_by(app.test_client().get(path)) == "'self' https://www.example.com", path
