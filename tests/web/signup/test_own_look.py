"""A form's own texts and colours, on its pages and in its answers."""

from collections.abc import Callable

from flask.testing import FlaskClient

from shared.domain.form import Form

SaveForm = Callable[..., Form]
MAIL = {"email": "ada@example.com"}


def test_the_button_has_the_forms_own_text(client: FlaskClient, save_form: SaveForm) -> None:
    save_form("club", button="Join <us>")
    assert ">Join &lt;us&gt;</button>" in client.get("/f/club").text
    filled_in = client.get("/f/club?email=ada@example.com").text
    assert "then press Join &lt;us&gt;." in filled_in
    refused = client.post("/f/club", data={"email": "wrong"})
    assert refused.status_code == 422 and ">Join &lt;us&gt;</button>" in refused.text
    assert ">Sign up</button>" in client.get("/f/news").text


def test_the_message_is_on_the_thanks_page_and_in_json(
    client: FlaskClient, save_form: SaveForm
) -> None:
    save_form("club", success="Welcome!\nSee you <soon>.")
    thanks = client.get("/f/club/thanks").text
    assert '<p class="success">Welcome!\nSee you &lt;soon&gt;.</p>' in thanks
    as_json = {"Accept": "application/json"}
    stored = client.post("/f/club", data=MAIL, headers=as_json)
    assert stored.json is not None
    assert (stored.status_code, stored.json["message"]) == (202, "Welcome!\nSee you <soon>.")
    usual = client.post("/f/news", data=MAIL, headers=as_json)
    assert usual.json is not None
    assert usual.json["message"] == "Thank you! Your sign-up has been received."


def test_colours_come_with_a_style_sheet_of_the_form(
    client: FlaskClient, save_form: SaveForm
) -> None:
    save_form("club", accent="#c2185b")
    link = '<link rel="stylesheet" href="/f/club/style.css?v=%23c2185b">'
    pages = [client.get("/f/club"), client.get("/f/club/thanks"), client.post("/f/club", data={})]
    for page in pages:
        assert link in page.text
        assert "style-src 'self';" in page.headers["Content-Security-Policy"]
        assert "<style" not in page.text and " style=" not in page.text
    sheet = client.get("/f/club/style.css?v=%23c2185b")
    assert (sheet.status_code, sheet.mimetype) == (200, "text/css")
    assert "--accent: #c2185b;" in sheet.text
    assert sheet.headers["Cache-Control"] == "public, max-age=300"


def test_a_form_without_colours_asks_for_no_style_sheet(client: FlaskClient) -> None:
    assert "style.css" not in client.get("/f/news").text
    assert client.get("/f/news/style.css").text == ""
    assert client.get("/f/none/style.css").status_code == 404
