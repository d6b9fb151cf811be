"""Use case: change RELAY_SECRET_KEY. Seals everything again, with the first key.

Each value is replaced only if it is still the one that was read. So this may run beside workers
that refresh tokens, may be interrupted, and may run again. Fingerprints do not change: their key
is sealed again, and stays the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.infrastructure.sealing import Sealer
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.sealed_values import SealedPlace, SealedPlaces
from shared.ledger.stores.token_store import StoredTokens, TokenLedger


class SecretKind(StrEnum):
    """What is sealed."""

    TOKENS = "tokens"
    APPLICATIONS = "applications"
    FINGERPRINT_KEY = "fingerprint_key"
    KEPT_TOKENS = "kept_tokens"
    SECOND_FACTORS = "second_factors"


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many values of each kind were sealed again, and names of those that no key opens."""

    resealed: dict[SecretKind, int]
    unopened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """How many secrets are sealed with the first key, how many with a later one, and names of those
    that no key opens."""

    with_first: int
    with_later: int
    unopened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Secret:
    """A sealed secret, in one value or several. `read` returns the values, none when it is gone.
    `reseal` seals them again, and tells whether there was something to do."""

    kind: SecretKind
    what: str
    read: Callable[[], tuple[str, ...]]
    reseal: Callable[[], bool]


class Rotation:
    """Raises `LedgerUnavailable`; everything that was done before stays done."""

    def __init__(
        self,
        registry: Registry,
        tokens: TokenLedger,
        places: SealedPlaces,
        trail: AuditTrail,
        secret_keys: tuple[str, ...],
    ) -> None:
        self._registry = registry
        self._tokens = tokens
        self._places = places
        self._trail = trail
        self._first = Sealer(secret_keys[:1])
        self._any = Sealer(secret_keys)

    def run(self) -> Rotated:
        """Seal again everything that the first key does not open."""
        resealed = dict.fromkeys(SecretKind, 0)
        unopened = []
        for secret in (*self._lasting(), *self._kept()):
            try:
                resealed[secret.kind] += secret.reseal()
            except Refused:
                unopened.append(secret.what)
        self._trail.add(Action.ROTATE_SECRETS, resealed=resealed, unopened=len(unopened))
        return Rotated(resealed, tuple(unopened))

    def survey(self) -> Survey:
        """Find out what the keys open, except for tokens that are stored for some hours only."""
        with_first, with_later, unopened = 0, 0, []
        for secret in self._lasting():
            sealed = secret.read()
            if not all(self._opens(self._any, each) for each in sealed):
                unopened.append(secret.what)
            elif not self._is_done(sealed):
                with_later += 1
            elif sealed:
                with_first += 1
        return Survey(with_first, with_later, tuple(unopened))

    # --- what there is

    def _lasting(self) -> Iterator[_Secret]:
        fingerprint_key = self._places.fingerprint_key()
        yield self._at(fingerprint_key, SecretKind.FINGERPRINT_KEY, "the key of all fingerprints")
        for place in self._places.applications():
            what = f"the secret of the API key …{place.field[-4:]}"
            yield self._at(place, SecretKind.APPLICATIONS, what)
        for place in self._places.second_factors():
            what = f"the second factor of {place.field}"
            yield self._at(place, SecretKind.SECOND_FACTORS, what)
        for account in self._registry.accounts():
            yield self._tokens_of(account.name)

    def _kept(self) -> Iterator[_Secret]:
        for place in self._places.kept_tokens():
            yield self._at(
                place, SecretKind.KEPT_TOKENS, "tokens of a connection that is being made"
            )

    def _at(self, place: SealedPlace, kind: SecretKind, what: str) -> _Secret:
        def read() -> tuple[str, ...]:
            sealed = self._places.read(place)
            return (sealed,) if sealed else ()

        def reseal() -> bool:
            while not self._is_done(read_now := read()):
                (sealed,) = read_now
                if self._places.reseal(place, sealed, self._resealed(sealed)):
                    return True
            return False

        return _Secret(kind, what, read, reseal)

    def _tokens_of(self, account: str) -> _Secret:
        def read() -> tuple[str, ...]:
            stored = self._tokens.read(account)
            return _sealed_in(stored) if stored else ()

        def reseal() -> bool:
            # A worker may refresh them meanwhile; then this continues with the newer ones.
            while stored := self._tokens.read(account):
                if self._is_done(_sealed_in(stored)):
                    return False
                if self._tokens.reseal(account, stored, self._resealed):
                    return True
            return False

        return _Secret(SecretKind.TOKENS, f"the tokens of {account}", read, reseal)

    # --- sealing

    def _is_done(self, sealed: tuple[str, ...]) -> bool:
        return all(self._opens(self._first, each) for each in sealed)

    def _resealed(self, sealed: str) -> str:
        """Return the value, sealed with the first key; raises `Refused` when no key opens it."""
        return self._any.seal(self._any.open(sealed))

    def _opens(self, sealer: Sealer, sealed: str) -> bool:
        try:
            sealer.open(sealed)
        except Refused:
            return False
        return True


def _sealed_in(stored: StoredTokens) -> tuple[str, ...]:
    return (stored.access, stored.refresh, *((stored.previous,) if stored.previous else ()))
