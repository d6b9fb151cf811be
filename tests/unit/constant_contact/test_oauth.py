"""The authorization URL, and what tokens tell about themselves."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from shared.constant_contact.connection import Connection
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.token_set import TokenSet

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tokens(access: str = "opaque", **fields: Any) -> TokenSet:
    found = TokenSet.from_json({"access_token": access, "refresh_token": "r", **fields})
    assert found is not None
    return found


def token_with(**claims: Any) -> str:
    return jwt.encode(claims, "a key that nobody checks, 32 bytes")


def test_the_authorization_url_asks_for_scopes_separated_by_blanks() -> None:
    oauth = OAuth("https://auth/v1", "key", "secret", connect=Connection, grant=lambda: None)

    url = oauth.authorization_url("https://relay.example/connect/callback", "state & more")

    assert "scope=contact_data%20account_read%20offline_access" in url
    assert urlsplit(url).path == "/v1/authorize"
    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["key"],
        "redirect_uri": ["https://relay.example/connect/callback"],
        "response_type": ["code"],
        "scope": ["contact_data account_read offline_access"],
        "state": ["state & more"],
        "prompt": ["login"],
    }
    assert "secret" not in url


@pytest.mark.parametrize(
    ("given", "life"),
    [
        pytest.param(tokens(expires_in=3600), timedelta(hours=1), id="as the answer says"),
        pytest.param(tokens(expires_in="3600"), timedelta(hours=1), id="in quotes"),
        pytest.param(
            tokens(token_with(exp=NOON.timestamp() + 60), expires_in=3600),
            timedelta(hours=1),
            id="the answer knows better than the token",
        ),
        pytest.param(
            tokens(token_with(exp=NOON.timestamp() + 60)), timedelta(minutes=1), id="by the token"
        ),
        pytest.param(tokens(token_with(exp=NOON.timestamp() - 60)), timedelta(0), id="it is over"),
        pytest.param(
            tokens(token_with(exp=10**30)), timedelta(days=366), id="it never ends, it says"
        ),
        pytest.param(
            tokens(token_with(exp=10**400)), timedelta(days=366), id="more digits than a number has"
        ),
        pytest.param(tokens(token_with(exp=-(10**400))), timedelta(0), id="over for ages"),
        pytest.param(tokens(token_with(exp=float("nan"))), timedelta(0), id="not a number"),
        pytest.param(tokens(token_with(exp="soon")), timedelta(hours=24), id="in words"),
        pytest.param(tokens(expires_in=10**400), timedelta(hours=24), id="beyond all measure"),
        pytest.param(tokens(), timedelta(hours=24), id="no JWT"),
        pytest.param(tokens(token_with(sub="a")), timedelta(hours=24), id="no exp"),
        pytest.param(tokens(expires_in=0), timedelta(hours=24), id="zero"),
        pytest.param(tokens(expires_in="soon"), timedelta(hours=24), id="a word"),
        pytest.param(tokens(expires_in=None), timedelta(hours=24), id="null"),
        pytest.param(tokens(expires_in=[1]), timedelta(hours=24), id="a list"),
        pytest.param(tokens(expires_in=1e300), timedelta(hours=24), id="for ever"),
    ],
)
def test_how_long_a_token_lives(given: TokenSet, life: timedelta) -> None:
    assert given.life(NOON) == life


@pytest.mark.parametrize(
    ("given", "scopes"),
    [
        pytest.param(tokens(token_with(scp=["a", "b"]), scope="c"), {"a", "b"}, id="the token's"),
        pytest.param(tokens(scope="c d"), {"c", "d"}, id="the answer's"),
        pytest.param(tokens(), None, id="no JWT, no scope"),
        pytest.param(tokens("ey.ey.ey"), None, id="something like a JWT"),
    ],
)
def test_scopes(given: TokenSet, scopes: set[str] | None) -> None:
    assert given.scopes() == scopes


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], "text", {}, {"access_token": ""}, {"access_token": 7}, {"error": "x"}),
        *({"access_token": "two words"}, {"access_token": "line\n"}, {"access_token": "\ud800"}),
    ],
)
def test_what_has_no_access_token_is_no_token_set(body: Any) -> None:
    assert TokenSet.from_json(body) is None


def test_tokens_are_not_in_their_repr() -> None:
    assert "opaque" not in repr(tokens())


@pytest.mark.parametrize("refresh_token", [None, "", 7, "line\n", "\ud800", "ü"])
def test_what_cannot_be_a_refresh_token_is_none(refresh_token: Any) -> None:
    found = TokenSet.from_json({"access_token": "a", "refresh_token": refresh_token})

    assert found is not None
    assert found.refresh_token is None


def test_tokens_that_were_put_aside_live_as_long_as_before() -> None:
    given = tokens(token_with(exp=NOON.timestamp() + 60), scope="a b")

    found = TokenSet.from_json(given.to_json(NOON))

    assert found is not None
    assert found.life(NOON) == timedelta(minutes=1)
    assert (found.access_token, found.refresh_token) == (given.access_token, given.refresh_token)
    assert found.scopes() == frozenset({"a", "b"})


def bare_jwt(payload: str) -> str:
    """Return a token with any payload at all, which its own libraries would not make."""
    parts = ('{"alg":"RS256","kid":"1"}', payload, "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


ODD_TOKENS = [
    pytest.param("", id="empty"),
    pytest.param("a.b.c", id="not base64"),
    pytest.param("ü.ü.ü", id="not ASCII"),
    pytest.param("\ud800.\ud800.\ud800", id="not even text"),
    pytest.param(bare_jwt("[]"), id="no object"),
    pytest.param(bare_jwt("[" * 200_000), id="nested without end"),
    pytest.param(bare_jwt('{"exp": ' + "9" * 5000 + "}"), id="longer than a number may be"),
    pytest.param(bare_jwt('{"exp": Infinity, "nbf": Infinity, "iat": Infinity}'), id="infinity"),
    pytest.param(bare_jwt('{"sub": [1], "iss": {}, "scp": "a", "exp": {}}'), id="other types"),
    pytest.param(bare_jwt('{"sub": "", "iss": 7, "scp": [1, null], "exp": null}'), id="others"),
]


@pytest.mark.parametrize("access", ODD_TOKENS)
def test_a_token_with_odd_claims_tells_nothing_and_breaks_nothing(access: str) -> None:
    given = TokenSet(access_token=access, refresh_token="r", expires_in=None)

    assert given.life(NOON) >= timedelta(0)
    assert given.login() is None
    assert given.scopes() in (None, frozenset())


@pytest.mark.parametrize("expires_in", [True, "1e400", 1e400, float("nan"), -1, "9" * 400, [], {}])
def test_a_life_that_cannot_be_is_the_usual_one(expires_in: object) -> None:
    assert tokens(expires_in=expires_in).life(NOON) == timedelta(hours=24)
    assert tokens(token_with(exp=True)).life(NOON) == timedelta(hours=24)


def test_what_tokens_tell_can_be_stored() -> None:
    claimed = tokens(token_with(sub="ada \ud800", scp=["contact_data", "bad \ud800", "\ud800", 7]))
    assert claimed.login() == "ada ?"
    assert claimed.scopes() == frozenset({"contact_data"})
    assert tokens(scope="contact_data \ud800").scopes() == frozenset({"contact_data"})
