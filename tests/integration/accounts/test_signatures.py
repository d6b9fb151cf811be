"""Signatures of access tokens, and which hosts are asked for keys: never one that a token names."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest
import requests

from shared.accounts.signatures import KeySet
from shared.constant_contact.connection import Connection, ConnectionFailed
from tests.support.sandbox_server import SandboxServer

VENDOR = "https://authz.constantcontact.com/oauth2/default/v1"
ISSUER = "https://identity.constantcontact.com/oauth2/aus1lm3ry9mF7x2Ja0h8"


@pytest.fixture
def key_set(sandbox: SandboxServer) -> KeySet:
    return KeySet(sandbox.auth_url, connect=Connection)


@pytest.fixture
def access(sandbox: SandboxServer) -> str:
    return str(sandbox.connect()["access_token"])


def test_a_token_of_constant_contact_is_recognised(key_set: KeySet, access: str) -> None:
    assert key_set.is_right(access) is True


def test_a_clock_that_differs_says_nothing_about_the_signature(
    key_set: KeySet, sandbox: SandboxServer
) -> None:
    sandbox.control(clock_offset_seconds=600)

    assert key_set.is_right(str(sandbox.connect()["access_token"])) is True


def test_a_token_that_was_changed_is_recognised(key_set: KeySet, access: str) -> None:
    header, _, signature = access.split(".")
    other = jwt.encode({"iss": ISSUER, "scp": ["everything"]}, "x" * 32).split(".")[1]

    assert key_set.is_right(f"{header}.{other}.{signature}") is False


def test_a_token_that_others_signed_is_recognised(key_set: KeySet, sandbox: SandboxServer) -> None:
    sandbox.control(jwks="wrong_key")
    assert key_set.is_right(str(sandbox.connect()["access_token"])) is False

    sandbox.control(jwks="on")
    for algorithm in ("HS256", "none"):
        forged = jwt.encode({"iss": ISSUER}, "x" * 32 if algorithm == "HS256" else "", algorithm)
        assert key_set.is_right(forged) is False


def test_without_the_keys_nothing_is_said(
    key_set: KeySet, access: str, sandbox: SandboxServer
) -> None:
    sandbox.control(jwks="off")
    assert key_set.is_right(access) is None
    sandbox.control(jwks="on")
    for fault in ({"reset": True}, {"html": True}, {"body": ["no", "keys"]}, {"redirect": "/"}):
        sandbox.control(clear=True)
        sandbox.control(path="/oauth2/aus", **fault)
        assert key_set.is_right(access) is None


@pytest.mark.parametrize("keys", [{}, {"keys": "none"}, {"keys": [{"kty": "?"}]}, {"keys": [7]}])
def test_keys_that_make_no_sense_sign_nothing(
    key_set: KeySet, access: str, sandbox: SandboxServer, keys: dict[str, Any]
) -> None:
    sandbox.control(path="/oauth2/aus", body=keys)

    assert key_set.is_right(access) is False


class Recorder(Connection):
    """Writes down whom it was to ask, and asks nobody."""

    asked: list[str]

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        deadline: timedelta = options["deadline"]
        headers: Mapping[str, str] = options.get("headers") or {}
        assert deadline <= timedelta(seconds=10)
        assert "Authorization" not in headers
        type(self).asked.append(url)
        raise ConnectionFailed("not in a test")


def asked_for(token: str, auth_url: str = VENDOR) -> list[str]:
    Recorder.asked = []
    assert KeySet(auth_url, connect=Recorder).is_right(token) is None
    return Recorder.asked


def issued_by(issuer: Any) -> str:
    return jwt.encode({"iss": issuer}, "a key that nobody checks, 32 bytes")


def test_the_vendors_keys_are_asked_for_at_its_own_host() -> None:
    assert asked_for(issued_by(ISSUER)) == [f"{ISSUER}/v1/keys"]


def test_a_stand_in_is_asked_in_place_of_the_vendor() -> None:
    assert asked_for(issued_by(ISSUER), "http://127.0.0.1:9/oauth2/default/v1") == [
        "http://127.0.0.1:9/oauth2/aus1lm3ry9mF7x2Ja0h8/v1/keys"
    ]


@pytest.mark.parametrize(
    "issuer",
    [
        "http://identity.constantcontact.com/oauth2",
        "https://evil.example/oauth2",
        "https://constantcontact.com.evil.example/",
        "https://evilconstantcontact.com/",
        "https://evil.example/.constantcontact.com",
        "https://evil.example#.constantcontact.com",
        "https://evil.example?.constantcontact.com",
        "https://evil.example\\.constantcontact.com/",
        "https://evil.example\\@identity.constantcontact.com/",
        "https://ada:secret@identity.constantcontact.com/",
        "https://identity.constantcontact.com:22/",
        "https://identity.constantcontact.com/../../admin",
        "https://127.0.0.1\n.constantcontact.com/",
        "https://ident\u0130ty.constantcontact.com/",
        "https://[::1",
        "//identity.constantcontact.com",
    ],
)
def test_no_host_that_a_token_makes_up_is_asked(issuer: str) -> None:
    assert asked_for(issued_by(issuer)) == []


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "eyJ.eyJ.x", "ü"])
def test_what_is_no_token_asks_nobody(token: str) -> None:
    assert asked_for(token) == []
