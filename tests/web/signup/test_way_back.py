"""Our pages lead back to the website that sent the visitor, and nowhere else."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import Form

SITE = "https://a.example"
PAGE = f"{SITE}/news"
OURS = "http://127.0.0.1:8080"
HOSTED = {"Accept": "text/html", "Origin": OURS, "Referer": f"{OURS}/f/listed"}
EMAIL = {"email": "ada@example.com"}


@pytest.fixture(autouse=True)
def forms(save_form: Callable[..., Form]) -> None:
    save_form("listed", origins=(SITE, "https://b.example"))
    save_form("closed", origins=(SITE,), enabled=False)


def leads_to(answer: TestResponse) -> str | None:
    found = re.search(r'<p class="way-back"><a href="([^"]*)">([^<]+)</a>', answer.text)
    return unescape(found[1]) if found else None


@pytest.mark.parametrize(
    ("path", "headers", "website"),
    [
        pytest.param("listed/thanks", {"Referer": f"{PAGE}?q=ada#x"}, PAGE, id="its page"),
        pytest.param("listed/thanks", {"Referer": f"{SITE}/"}, f"{SITE}/", id="its origin"),
        pytest.param("listed/thanks", {"Referer": "https://evil.example/"}, None, id="another"),
        pytest.param(
            "listed/thanks", {"Referer": f"{SITE}.evil.example/"}, None, id="begins like it"
        ),
        pytest.param(
            "listed/thanks", {"Referer": f"{SITE}@evil.example/"}, None, id="a user like it"
        ),
        pytest.param("listed/thanks", {"Referer": "javascript:alert(1)"}, None, id="a script"),
        pytest.param("listed/thanks", {}, None, id="nobody knows"),
        pytest.param("news/thanks", {"Referer": f"{SITE}/"}, f"{SITE}/", id="any website may post"),
        pytest.param("news/thanks", {"Referer": f"{OURS}/f/news"}, None, id="our own page"),
        pytest.param(
            "listed/thanks",
            {"Referer": PAGE, "Sec-Fetch-Dest": "iframe"},
            None,
            id="the website is around it",
        ),
        pytest.param(f"listed/thanks?_site={SITE}", {}, SITE, id="the address, one of its own"),
        pytest.param("listed/thanks?_site=https://evil.example", {}, None, id="the address"),
        pytest.param(f"listed/thanks?_site={PAGE}?q=ada", {}, PAGE, id="a page in the address"),
        pytest.param(
            f"listed/thanks?_site={SITE}@evil.example", {}, None, id="a user in the address"
        ),
        pytest.param(
            "listed/thanks?_site=/news%3Fq=ada", {"Referer": f"{SITE}/"}, PAGE, id="a path"
        ),
        pytest.param("listed/thanks?_site=/news", {}, None, id="a path of nobody knows where"),
        pytest.param("news/thanks?_site=/news", {"Referer": f"{SITE}/"}, PAGE, id="any's path"),
        pytest.param(
            "listed/thanks?_site=//b.example/x",
            {"Referer": f"{SITE}/"},
            f"{SITE}//b.example/x",
            id="a path like a host",
        ),
        pytest.param(
            "news/thanks?_site=.evil.example", {"Referer": f"{SITE}/"}, f"{SITE}/", id="no path"
        ),
        pytest.param(
            "listed/thanks?_site=https://b.example/x", {"Referer": PAGE}, PAGE, id="both, another"
        ),
        pytest.param(f"news/thanks?_site={SITE}", {}, None, id="the address, any may post"),
        pytest.param("closed", {"Referer": PAGE}, PAGE, id="a closed form"),
    ],
)
def test_a_page_leads_back_to_the_website_that_may_post(
    client: FlaskClient, path: str, headers: dict[str, str], website: str | None
) -> None:
    answer = client.get(f"/f/{path}", headers=headers)
    assert leads_to(answer) == website
    assert "evil" not in answer.text
    if "thanks" in path:
        closes = "You can close this page" in answer.text
        assert closes == (website is None and "Sec-Fetch-Dest" not in headers)


@pytest.mark.parametrize(
    ("form", "headers", "data", "status", "website"),
    [
        pytest.param("listed", {"Origin": SITE}, {}, 422, SITE, id="what was typed is wrong"),
        pytest.param("listed", HOSTED, {"_page": PAGE}, 422, PAGE, id="it is still wrong"),
        pytest.param("listed", HOSTED, {"_page": "https://evil.example"}, 422, None, id="made up"),
        pytest.param("closed", {"Referer": PAGE}, EMAIL, 410, PAGE, id="a closed form"),
        pytest.param(
            "closed", {"Origin": SITE}, EMAIL | {"_page": PAGE}, 410, PAGE, id="a page that says it"
        ),
        pytest.param(
            "closed",
            {"Origin": SITE},
            EMAIL | {"_page": "https://b.example/x"},
            410,
            SITE,
            id="a page that says another",
        ),
        pytest.param(
            "listed", {"Origin": "https://evil.example"}, EMAIL, 403, None, id="another website"
        ),
        pytest.param("gone", {"Referer": PAGE}, EMAIL, 404, None, id="no form"),
    ],
)
def test_an_error_page_leads_back_too(
    client: FlaskClient,
    form: str,
    headers: dict[str, str],
    data: dict[str, str],
    status: int,
    website: str | None,
) -> None:
    answer = client.post(f"/f/{form}", data=data, headers={"Accept": "text/html"} | headers)
    assert (answer.status_code, leads_to(answer)) == (status, website)


@pytest.mark.parametrize(
    ("form", "posted", "location"),
    [
        (
            "listed",
            {"_page": f"{PAGE}/a?who=ada"},
            "/f/listed/thanks?_site=https%3A%2F%2Fa.example%2Fnews%2Fa",
        ),
        (
            "listed",
            {"_page": f"{SITE}/of/ada%40example.com"},
            "/f/listed/thanks?_site=https%3A%2F%2Fa.example",
        ),
        ("listed", {"_page": "https://evil.example"}, "/f/listed/thanks"),
        ("listed", {}, "/f/listed/thanks"),
        ("news", {"_page": PAGE}, "/f/news/thanks"),
    ],
)
def test_after_our_own_page_the_address_has_the_website_if_it_is_the_forms(
    client: FlaskClient, form: str, posted: dict[str, str], location: str
) -> None:
    answer = client.post(f"/f/{form}", data=EMAIL | posted, headers=HOSTED)
    assert (answer.status_code, answer.location) == (303, location)


@pytest.mark.parametrize(
    ("form", "headers", "posted", "query", "page"),
    [
        pytest.param("news", {"Origin": SITE}, {"_page": PAGE}, "?_site=%2Fnews", PAGE, id="said"),
        pytest.param("listed", {"Referer": f"{PAGE}?q=ada"}, {}, "?_site=%2Fnews", PAGE, id="told"),
        pytest.param("listed", {"Origin": SITE}, {}, "", f"{SITE}/", id="only its origin"),
        pytest.param("listed", {"Referer": f"{SITE}/"}, {}, "", f"{SITE}/", id="its home page"),
        pytest.param(
            "news", {"Origin": SITE}, {"_page": f"{SITE}/ada@b"}, "", f"{SITE}/", id="an address"
        ),
        pytest.param(
            "news", {"Origin": SITE}, {"_page": "https://evil.example/x"}, "", f"{SITE}/", id="evil"
        ),
    ],
)
def test_after_a_websites_form_the_thanks_lead_back_to_its_page(
    client: FlaskClient,
    form: str,
    headers: dict[str, str],
    posted: dict[str, str],
    query: str,
    page: str,
) -> None:
    headers = {"Accept": "text/html", **headers}
    answer = client.post(f"/f/{form}", data=EMAIL | posted, headers=headers)
    assert (answer.status_code, answer.location) == (303, f"/f/{form}/thanks{query}")
    thanks = client.get(answer.location, headers={"Referer": f"{SITE}/"})  # as browsers keep it
    assert leads_to(thanks) == page
