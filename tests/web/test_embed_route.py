"""`/embed.js`, and the posted names in errors, which it goes by."""

import gzip

from flask.testing import FlaskClient

from web.embed.routes import BUILT


def test_the_script_is_cached_for_an_hour_and_readable_from_everywhere(client: FlaskClient) -> None:
    answer = client.get("/embed.js")
    assert answer.status_code == 200
    assert answer.data == BUILT.read_bytes()
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_browser_that_has_it_gets_no_body(client: FlaskClient) -> None:
    for encoding in ("identity", "gzip, br"):
        accepts = {"Accept-Encoding": encoding}
        etag = client.get("/embed.js", headers=accepts).headers["ETag"]
        again = client.get("/embed.js", headers={**accepts, "If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["Cache-Control"] == "public, max-age=3600"
        assert again.headers["Vary"] == "Accept-Encoding"
        old = client.get("/embed.js", headers={**accepts, "If-None-Match": '"old"'})
        assert old.status_code == 200


def test_it_is_compressed_for_who_accepts_that(client: FlaskClient) -> None:
    plain = client.get("/embed.js", headers={"Accept-Encoding": "gzip;q=0"})
    packed = client.get("/embed.js", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_head_and_post(client: FlaskClient) -> None:
    assert client.head("/embed.js").status_code == 200
    assert client.post("/embed.js").status_code == 405


def test_an_error_has_the_name_that_the_page_posted(client: FlaskClient) -> None:
    wants_json = {"Accept": "application/json"}
    fields = {"EMAIL": "ada@", "first_name": "A" * 51}
    answer = client.post("/f/news", data=fields, headers=wants_json)
    names = {each["field"]: each.get("name") for each in answer.get_json()["errors"]}
    assert names == {"email": "EMAIL", "first_name": None}
