"""Fingerprints recognise people, visitors and contents without naming them.

The HMAC's key is random, made once and kept sealed in Redis. So a copied database
does not tell who signed up, and rotating RELAY_SECRET_KEY changes no fingerprint.
"""

import hashlib
import hmac
import json
import secrets

import redis

from shared.domain.reading.meanings import is_token
from shared.domain.signup import Submission
from shared.infrastructure.sealing import Sealer
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated

# `json.dumps` would make a new one each time, and orjson would write it in another way: repeats of
# what an earlier version took would not be known. Nothing in it contains itself.
_JSON = json.JSONEncoder(ensure_ascii=False, check_circular=False)


class Fingerprints:
    """Makes fingerprints of 32 hexadecimal digits with one secret key."""

    def __init__(self, key: str) -> None:
        self._keyed = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def person(self, compared_email: str) -> str:
        """Return the fingerprint of a person by the address in its form for comparing."""
        return self._digest("person", compared_email)

    def visitor(self, address: str) -> str:
        """Return the fingerprint of a visitor's network address."""
        return self._digest("visitor", address)

    def visitor_in(self, network: str, place: str) -> str:
        """Return the fingerprint of a visitor's network, and after a colon the visitor's place in
        it, which alone says nothing."""
        return f"{self._digest('network', network)}:{place}"

    def content(self, submission: Submission, compared_email: str) -> str:
        """Return the fingerprint of all that makes two submissions the same one.

        The visitor's address, page and other sources are left out, and tokens such as a captcha's:
        the two requests of a double click may differ in them.
        """
        contact = submission.contact
        same = [
            submission.form,
            compared_email,
            sorted([pair for pair in contact.fields.items() if pair[0] != "email_address"]),
            sorted([(each.name, each.value) for each in contact.custom if each.source is None]),
            sorted([pair for pair in contact.other.items() if not is_token(pair[0])]),
            sorted(submission.lists),
            [submission.consent.version, submission.consent.box],
        ]
        return self._digest("content", _JSON.encode(same))

    def idempotency_key(self, form: str, key: str) -> str:
        return self._digest("key", json.dumps([form, key]))

    def _digest(self, kind: str, text: str) -> str:
        message = f"{kind}\0{text}".encode(errors="surrogatepass")
        digest = self._keyed.copy()  # setting up the key takes longer than the digest
        digest.update(message)
        return digest.hexdigest()[:32]


def load_fingerprints(client: "redis.Redis", sealer: Sealer) -> Fingerprints:
    """Return the fingerprints of this ledger, making their key when there is none yet.

    Raises `LedgerUnavailable`, and `Refused` when the secret key is another one.
    """
    with redis_errors_translated():
        client.set(keys.FINGERPRINT_KEY, sealer.seal(secrets.token_urlsafe(32)), nx=True)
        sealed = str(client.get(keys.FINGERPRINT_KEY))
    return Fingerprints(sealer.open(sealed))
