"""Strict-Transport-Security: on every answer where the host is ours alone, and nowhere else."""

from collections.abc import Callable

import pytest

from shared.infrastructure.settings import Settings
from web.app import create_app

HEADER = "Strict-Transport-Security"
ONE_HOST = {"Host": "a,b"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("GET", "/f/news", {}, 200),
        ("POST", "/f/news", {"Accept": "application/json"}, 202),
        ("POST", "/f/none", {}, 404),
        ("PUT", "/f/news", {}, 405),
        ("OPTIONS", "/f/news", {}, 204),
        ("GET", "/console/", {}, 302),
        ("GET", "/console/", {"Host": "evil.example"}, 421),
        ("GET", "/connect/link/x", {}, 400),
        ("GET", "/static/theme.css", {}, 200),
        ("GET", "/static/none", {}, 404),
        ("GET", "/healthz", {}, 200),
        ("GET", "/readyz", {}, 200),
        ("GET", "/nothing", {}, 404),
        ("GET", "/", ONE_HOST, 400),
    ],
)
def test_every_answer_has_it(
    settings_with: Callable[..., Settings],
    save_form: Callable[..., object],
    method: str,
    path: str,
    headers: dict[str, str],
    status: int,
) -> None:
    save_form()
    client = create_app(settings_with(public_url="https://signup.example.com")).test_client()
    sent = {"email": "ada@example.com"} if method == "POST" else None
    answer = client.open(path, method=method, headers=headers, data=sent)
    assert answer.status_code == status
    # No neighbour's name: other websites may be there.
    assert answer.headers.getlist(HEADER) == ["max-age=31536000"]


@pytest.mark.parametrize(
    ("public_url", "has_it"),
    [
        ("https://signup.example.com:443", True),
        ("HTTPS://signup.example.com", True),
        ("http://signup.example.com", False),
        ("http://127.0.0.1:8080", False),
        # Others share the host: a website beside the path, other servers on other ports.
        ("https://www.example.com/signup", False),
        ("https://www.example.com:8443", False),
        ("https://localhost", False),
        ("https://relay.localhost", False),
    ],
)
def test_no_neighbour_gets_it(
    settings_with: Callable[..., Settings], public_url: str, has_it: bool
) -> None:
    client = create_app(settings_with(public_url=public_url)).test_client()
    assert (HEADER in client.get("/healthz").headers) == has_it
