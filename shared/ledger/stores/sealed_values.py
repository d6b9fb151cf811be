"""Finds sealed values in Redis, to seal them anew with another key.

The accounts' tokens are in token_store.py instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import redis

from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts

# shared/accounts/connect_store.py keeps these for some hours.
_KEPT = ("kept:*", "spare:*")


@dataclass(frozen=True, slots=True)
class SealedPlace:
    """A string, or with `field` one field of a hash."""

    key: str
    field: str = ""


class SealedPlaces:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def fingerprint_key(self) -> SealedPlace:
        return SealedPlace(keys.FINGERPRINT_KEY)

    def applications(self) -> list[SealedPlace]:
        """Return the secrets of API keys; each one's `field` is the API key."""
        with redis_errors_translated():
            found = self._client.hkeys(keys.APPLICATIONS)
        return [SealedPlace(keys.APPLICATIONS, str(client_id)) for client_id in sorted(found)]

    def second_factors(self) -> list[SealedPlace]:
        """Return the second factors; each one's `field` is the operator."""
        with redis_errors_translated():
            found = self._client.hkeys(keys.SECOND_FACTORS)
        return [SealedPlace(keys.SECOND_FACTORS, str(operator)) for operator in sorted(found)]

    def kept_tokens(self) -> Iterator[SealedPlace]:
        """Yield the tokens that are kept while connecting. Goes through all keys of the ledger."""
        for pattern in _KEPT:
            with redis_errors_translated():
                for key in self._client.scan_iter(keys.CONNECTING + pattern, count=1000):
                    yield SealedPlace(str(key))

    def read(self, place: SealedPlace) -> str | None:
        """Return the sealed value; None when it is gone."""
        with redis_errors_translated():
            if place.field:
                sealed = self._client.hget(place.key, place.field)
            else:
                sealed = self._client.get(place.key)
        return str(sealed) if sealed else None

    def reseal(self, place: SealedPlace, sealed: str, anew: str) -> bool:
        """Put `anew` in the place of `sealed`, which keeps its time to live. False when another
        value is there by now, or none."""
        resealed = self._scripts.run(
            "secrets/reseal",
            place=place.key,
            field=place.field or None,
            sealed=sealed,
            anew=anew,
        )
        return bool(resealed)
