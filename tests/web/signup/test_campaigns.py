"""The campaign, the page and the page before it, from what browsers and pages tell."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.domain.form import CustomField, Form, SourceField
from shared.domain.reading.sources import SOURCES

Stored = Callable[[], list[dict[str, Any]]]
SITE = "https://a.example"
OURS = "http://127.0.0.1:8080"
SPRING = "?utm_source=mail&utm_campaign=spring+sale&gclid=secret"


@pytest.fixture(autouse=True)
def form(save_form: Callable[..., Form]) -> Form:
    sources = tuple(
        SourceField(source, CustomField(f"cf-{source}", f"field {source}", source))
        for source in SOURCES
    )
    return save_form("ads", sources=sources)


def sent(stored: Stored) -> dict[str, str]:
    return {each["source"]: each["value"] for each in stored()[0]["contact"]["custom"]}


@pytest.mark.parametrize(
    ("fields", "headers", "found"),
    [
        pytest.param(
            {},
            {"Origin": SITE, "Referer": f"{SITE}/sale{SPRING}"},
            {"utm_source": "mail", "utm_campaign": "spring sale", "page": f"{SITE}/sale"},
            id="a browser that tells the whole address",
        ),
        pytest.param(
            {"_page": f"{SITE}/sale{SPRING}", "_referrer": "https://b.example/?q=ada"},
            {"Origin": SITE, "Referer": f"{SITE}/"},
            {
                "utm_source": "mail",
                "utm_campaign": "spring sale",
                "page": f"{SITE}/sale",
                "referrer": "https://b.example/",
            },
            id="a page that says which one it is",
        ),
        pytest.param(
            {"utm_term": "bread"},
            {"Origin": SITE},
            {"utm_term": "bread", "page": SITE},
            id="hidden fields of its own",
        ),
        pytest.param(
            {"_page": f"https://evil.example/{SPRING}"},
            {"Origin": SITE},
            {"page": SITE},
            id="a page that is not the one that posts",
        ),
        pytest.param({}, {}, {}, id="nothing is known"),
    ],
)
def test_the_sources_are_sent_and_nothing_else_of_the_address(
    client: FlaskClient,
    stored: Stored,
    fields: dict[str, str],
    headers: dict[str, str],
    found: dict[str, str],
) -> None:
    answer = client.post(
        "/f/ads",
        data={"email": "ada@example.com", **fields},
        headers={"Accept": "application/json", **headers},
    )
    assert answer.status_code == 202
    assert sent(stored) == found
    assert "secret" not in str(stored())
    assert stored()[0]["contact"]["other"] == {}


def test_a_link_to_the_hosted_form_tells_its_campaign(client: FlaskClient, stored: Stored) -> None:
    page = client.get("/f/ads?utm_campaign=spring")
    assert 'name="utm_campaign" value="spring"' in page.text
    client.post(
        "/f/ads",
        data={"email": "ada@example.com", "utm_campaign": "spring"},
        headers={"Origin": OURS, "Referer": f"{OURS}/f/ads"},
    )
    assert sent(stored) == {"utm_campaign": "spring", "page": f"{OURS}/f/ads"}


def test_a_page_that_asks_for_a_correction_keeps_the_campaign(client: FlaskClient) -> None:
    page = client.post(
        "/f/ads", data={"email": "ada@"}, headers={"Referer": f"{SITE}/sale{SPRING}"}
    )
    assert 'name="utm_campaign" value="spring sale"' in page.text
    assert f'name="_page" value="{SITE}/sale"' in page.text
    assert "secret" not in page.text


def test_the_same_again_from_another_page_is_one_sign_up(
    client: FlaskClient, stored: Stored
) -> None:
    for page in (f"{SITE}/one", f"{SITE}/two"):
        client.post("/f/ads", data={"email": "ada@example.com"}, headers={"Referer": page})
    assert len(stored()) == 1
