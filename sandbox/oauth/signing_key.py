"""The key that signs access tokens, and the key set that clients verify them with."""

import base64
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.records import Records


class Signer:
    """Signs access tokens as Okta does: RS256, with the key's id in the header."""

    def __init__(self, pem: str) -> None:
        self._key = key = _load_key(pem)
        numbers = key.public_key().public_numbers()
        self._modulus = _base64url(numbers.n)
        self._exponent = _base64url(numbers.e)
        self._id = self._modulus[:43]

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._id})

    def jwks(self, *, wrong: bool = False) -> dict[str, Any]:
        """Return the public key as a key set that clients can verify tokens with.

        ``wrong``: return another key under the same id, which verifies no token.
        """
        published = Signer(_make_key("wrong")) if wrong else self
        public = {"n": published._modulus, "e": published._exponent}
        return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._id, **public}]}

    @classmethod
    def stored(cls, records: Records) -> "Signer":
        """Return the signer with the key in ``records``; store a new key if there is none."""
        for kept in records.all("key"):
            return cls(kept["pem"])
        records.put("key", "signing", {"pem": _make_key("signing")})
        return cls(_make_key("signing"))


@cache
def _make_key(_purpose: str) -> str:
    """Return an RSA key, one per purpose and process, because making one is slow."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@cache
def _load_key(pem: str) -> rsa.RSAPrivateKey:
    """Return the key, one per text and process, because checking one is slow."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the signing key must be an RSA key")
    return key


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
