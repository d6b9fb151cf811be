"""Where a visitor goes after signing up, by what the browser says of the page that posted."""

import itertools
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from shared.domain.form import Form
from web.signup.origins import web_origin

SITE = "https://a.example"
DONE = f"{SITE}/done"
OURS = "http://127.0.0.1:8080"
# What browsers send from pages with `no-referrer`, from some apps, and what a broken proxy makes.
SAYS_NOTHING = [
    "null",
    "",
    "file://",
    "nonsense",
    "http://[",
    "https://[::1",
    "https://",
    "https://a.example:port",
    "https://a.example, https://a.example",
    "https://a.example https://b.example",
    "https://a\u00e9.example",
]


@pytest.fixture(autouse=True)
def forms(save_form: Callable[..., Form]) -> None:
    save_form("listed", origins=(SITE,))
    save_form("redirected", redirect=DONE)


def post(
    client: FlaskClient, form: str, next_page: str | None, headers: dict[str, str]
) -> str | None:
    """Return where the browser goes; None if it is our own thanks page."""
    posted = {"email": "ada@example.com"} | ({"_next": next_page} if next_page else {})
    response = client.post(f"/f/{form}", data=posted, headers={"Accept": "text/html"} | headers)
    assert response.status_code == 303, response.text
    assert response.location
    return None if response.location == f"/f/{form}/thanks" else response.location


@pytest.mark.parametrize("origin", SAYS_NOTHING)
def test_an_origin_that_says_nothing_is_as_good_as_none(origin: str) -> None:
    assert web_origin(origin) is None


@pytest.mark.parametrize(
    "origin",
    [SITE, "http://localhost:3000", "https://[::1]:8443", "chrome-extension://abcdefgh"],
)
def test_an_origin_that_names_its_sender_counts(origin: str) -> None:
    assert web_origin(origin) == origin


@pytest.mark.parametrize(
    ("form", "leads_to"),
    [("news", None), ("listed", None), ("redirected", DONE)],
)
def test_a_page_that_hides_its_origin_never_leads_to_a_page_that_we_do_not_have(
    client: FlaskClient, form: str, leads_to: str | None
) -> None:
    wanted = ("/thank-you", "thanks.html", "?done=1", None)
    for origin, page in itertools.product(SAYS_NOTHING, wanted):
        assert post(client, form, page, {"Origin": origin}) == leads_to, (origin, page)


@pytest.mark.parametrize(
    ("form", "wanted", "headers", "leads_to"),
    [
        pytest.param("news", None, {}, None, id="our thanks page"),
        pytest.param("redirected", None, {}, DONE, id="the form's redirect"),
        pytest.param("news", "/ok", {}, None, id="page unknown"),
        pytest.param("redirected", "/ok", {}, DONE, id="unknown, but a redirect"),
        pytest.param("listed", "/ok", {"Origin": SITE}, f"{SITE}/ok", id="only an Origin"),
        pytest.param("news", "/ok", {"Referer": f"{SITE}/x?y"}, f"{SITE}/ok", id="only a Referer"),
        pytest.param(
            "news",
            "ok.html",
            {"Referer": f"{SITE}/x/y?z"},
            f"{SITE}/x/ok.html",
            id="beside it",
        ),
        pytest.param(
            "news",
            "?subscribed=1#news",
            {"Origin": SITE, "Referer": f"{SITE}/newsletter/"},
            f"{SITE}/newsletter/?subscribed=1#news",
            id="the page itself",
        ),
        pytest.param(
            "news", "ok.html", {"Origin": SITE, "Referer": f"{SITE}/"}, f"{SITE}/ok.html", id="root"
        ),
        pytest.param(
            "news",
            "ok.html",
            {"Origin": "null", "Referer": f"{SITE}/x/"},
            f"{SITE}/x/ok.html",
            id="null, but a Referer",
        ),
        pytest.param(
            "news",
            "/ok",
            {"Origin": SITE, "Referer": "https://b.example/x"},
            f"{SITE}/ok",
            id="Origin counts more",
        ),
        pytest.param("news", f"{SITE}/ok", {"Origin": SITE}, f"{SITE}/ok", id="absolute"),
        pytest.param(
            "news", "//a.example/ok", {"Referer": f"{SITE}/x"}, f"{SITE}/ok", id="without a scheme"
        ),
        pytest.param("listed", "//a.example/ok", {}, f"{SITE}/ok", id="listed, without a scheme"),
        pytest.param("listed", f"{SITE}/ok", {}, f"{SITE}/ok", id="listed, absolute"),
        pytest.param(
            "news", f"{SITE}/ok", {"Origin": "https://b.example"}, None, id="another site"
        ),
        pytest.param("listed", "https://evil.example/", {"Origin": SITE}, None, id="strangers"),
        pytest.param(
            "news", "//evil.example/", {"Origin": SITE, "Referer": f"{SITE}/"}, None, id="protocol"
        ),
        pytest.param("news", "/ok", {"Origin": OURS}, None, id="our origin, no more is known"),
        pytest.param(
            "news",
            "/ok",
            {"Origin": OURS, "Referer": f"{OURS}/f/news"},
            None,
            id="our own hosted form",
        ),
        pytest.param(
            "news",
            "ok.html",
            {"Origin": OURS, "Referer": f"{OURS}/blog/"},
            f"{OURS}/blog/ok.html",
            id="a website behind the same address",
        ),
    ],
)
def test_where_a_browser_goes_next(
    client: FlaskClient,
    form: str,
    wanted: str | None,
    headers: dict[str, str],
    leads_to: str | None,
) -> None:
    assert post(client, form, wanted, headers) == leads_to


def test_a_script_gets_the_whole_address_of_our_thanks_page(client: FlaskClient) -> None:
    answer = client.post("/f/news", json={"email": "ada@example.com", "_next": "/ok"}).json
    assert answer is not None
    assert answer["next"] == f"{OURS}/f/news/thanks"


def test_the_error_page_of_the_hosted_form_carries_no_page_of_ours(client: FlaskClient) -> None:
    ours = {"Origin": OURS, "Referer": f"{OURS}/f/news", "Accept": "text/html"}
    page = client.post("/f/news", data={"email": "ada@", "_next": "/ok"}, headers=ours)
    assert page.status_code == 422
    assert 'name="_page"' not in page.text


def test_the_first_next_page_that_is_given_counts(client: FlaskClient) -> None:
    posted = {"email": "ada@example.com", "_next": ["", "/ok", "/no"]}
    headers = {"Origin": SITE, "Accept": "text/html"}
    assert client.post("/f/news", data=posted, headers=headers).location == f"{SITE}/ok"
