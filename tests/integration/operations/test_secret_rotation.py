"""Changing RELAY_SECRET_KEY: all is sealed anew, nothing is lost, whoever works meanwhile."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.accounts.account_services import AccountServices, make_account_services
from shared.accounts.connect_request import ConnectRequest, PendingTokens, StartedFrom
from shared.accounts.connect_store import TOKENS_LIFE, ConnectStore
from shared.constant_contact.applications import Application
from shared.constant_contact.factory import make_applications, make_oauth, make_vault
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import Token, TokenVault
from shared.domain.errors import LedgerUnavailable, WrongCode
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import timestamp, utc_now
from shared.ledger import keys
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.sealed_values import SealedPlace, SealedPlaces
from shared.ledger.stores.token_store import Owner, SealedPair, StoredTokens, TokenLedger
from shared.operations.operators import Operators, Role
from shared.operations.second_factors import Asked
from shared.operations.secret_rotation import Rotation, SecretKind, Survey
from tests.architecture.project import ROOT
from tests.support import connections
from tests.support.command_line import CommandLine
from tests.support.phone import Phone
from tests.support.sandbox_server import SandboxServer

OLD, NEW = "the key of last year", "the key of this year"
OWN_KEY = Application("own-key-1234", "own-secret")
PASSWORD = "a password for tests"
GIVEN = "a refresh token from elsewhere"
ALL_OF_IT = {
    SecretKind.TOKENS: 2,
    SecretKind.APPLICATIONS: 1,
    SecretKind.FINGERPRINT_KEY: 1,
    SecretKind.KEPT_TOKENS: 2,
    SecretKind.SECOND_FACTORS: 1,
}
NOTHING = dict.fromkeys(SecretKind, 0)

Make = Callable[..., Rotation]


@pytest.fixture
def old(live_settings: Settings) -> Settings:
    return replace(live_settings, secret_keys=(OLD,))


@pytest.fixture
def new(live_settings: Settings) -> Settings:
    """What a process has once the old key is gone."""
    return replace(live_settings, secret_keys=(NEW,))


@pytest.fixture
def both(live_settings: Settings) -> Settings:
    """What every process has while the key is being changed."""
    return replace(live_settings, secret_keys=(NEW, OLD))


@pytest.fixture
def kept(old: Settings, redis_client: "redis.Redis") -> str:
    """Tokens of two connections that stopped halfway; the id of one."""
    store = ConnectStore(redis_client, Sealer(old.secret_keys), old.token_origin)
    request = ConnectRequest(
        account="books",
        client_id=old.client_id,
        redirect_uri=old.redirect_uri,
        by="ada",
        started_from=StartedFrom.CONSOLE,
    )
    store.save_refreshed(GIVEN, tokens("spare"), utc_now())
    now = utc_now()
    return store.save_pending(PendingTokens(request, tokens("kept"), timestamp(now)), now)


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def stored(
    old: Settings,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    no_token_pace: None,
    kept: str,
    phone: Phone,
) -> AccountServices:
    """Something of everything that is sealed, with the old key; one account has been refreshed."""
    tools = make_account_services(old, redis_client, notify_workers=lambda account: None)
    connections.connect(tools.connecting, sandbox)
    connections.connect(tools.connecting, sandbox, "books", organization=connections.OTHER)
    make_applications(old, redis_client).keep(OWN_KEY)
    load_fingerprints(redis_client, Sealer(old.secret_keys))
    Operators(redis_client).add("ada", Role.ADMIN, PASSWORD)
    phone.switch_on(phone.factors(redis_client, OLD), "ada", PASSWORD)
    return tools


@pytest.fixture
def make(redis_client: "redis.Redis", both: Settings) -> Make:
    """Return a rotation, with other parts than the real ones where they are given."""

    def make(
        *,
        tokens: TokenLedger | None = None,
        places: SealedPlaces | None = None,
        secret_keys: tuple[str, ...] = both.secret_keys,
    ) -> Rotation:
        return Rotation(
            Registry(redis_client),
            tokens or TokenLedger(redis_client),
            places or SealedPlaces(redis_client),
            AuditTrail(redis_client),
            secret_keys,
        )

    return make


def tokens(name: str) -> TokenSet:
    return TokenSet(
        access_token=f"{name}-access",
        refresh_token=f"{name}-refresh",
        expires_in=timedelta(days=1),
        scope=None,
    )


def test_afterwards_the_old_key_is_not_needed_for_anything(
    stored: AccountServices,
    make: Make,
    old: Settings,
    new: Settings,
    kept: str,
    phone: Phone,
    redis_client: "redis.Redis",
) -> None:
    person = load_fingerprints(redis_client, Sealer((OLD,))).person("ada@example.com")
    access = make_vault(old, redis_client).stored_token("acme").access

    rotated = make().run()
    assert (rotated.resealed, rotated.unopened) == (ALL_OF_IT, ())

    vault = make_vault(new, redis_client)
    assert vault.stored_token("acme").access == access
    for account in ("acme", "books"):
        version = vault.stored_token(account).version
        assert vault.refresh(account).version == version + 1
    assert make_applications(new, redis_client).find(OWN_KEY.client_id) == OWN_KEY
    assert load_fingerprints(redis_client, Sealer((NEW,))).person("ada@example.com") == person
    store = ConnectStore(redis_client, Sealer((NEW,)), new.token_origin)
    found = store.pending(kept)
    assert found and found.tokens.refresh_token == "kept-refresh"
    spare = store.refreshed(GIVEN)
    assert spare and spare.refresh_token == "spare-refresh"
    ada = Asked(name="ada", address="192.0.2.1")
    assert phone.factors(redis_client, NEW).check(phone.code(), ada) is None


def test_what_lives_for_some_hours_lives_no_longer_for_it(
    stored: AccountServices, make: Make, redis_client: "redis.Redis"
) -> None:
    (key,) = redis_client.keys("relay:connecting:kept:*")
    redis_client.expire(key, 100)
    make().run()
    assert 0 < redis_client.ttl(key) <= 100
    (spare,) = redis_client.keys("relay:connecting:spare:*")
    assert 0 < redis_client.ttl(spare) <= TOKENS_LIFE.total_seconds()
    assert redis_client.ttl(keys.FINGERPRINT_KEY) == -1


def test_once_more_there_is_nothing_to_do(stored: AccountServices, make: Make) -> None:
    make().run()
    assert make().run().resealed == NOTHING


def test_with_one_key_there_is_nothing_to_do(stored: AccountServices, make: Make) -> None:
    rotated = make(secret_keys=(OLD,)).run()
    assert (rotated.resealed, rotated.unopened) == (NOTHING, ())


def test_on_an_empty_ledger_there_is_nothing_to_do(redis_client: "redis.Redis", make: Make) -> None:
    assert make().run().resealed == NOTHING
    assert make().survey() == Survey(0, 0, ())


def test_the_refresh_token_before_is_sealed_anew_too(
    stored: AccountServices, make: Make, redis_client: "redis.Redis"
) -> None:
    before = redis_client.hget("relay:{acme}:tokens", "previous")
    assert before
    make().run()
    after = str(redis_client.hget("relay:{acme}:tokens", "previous"))
    assert Sealer((NEW,)).open(after) == Sealer((OLD,)).open(str(before))


def test_a_refresh_token_before_that_alone_has_the_old_key_is_not_forgotten(
    stored: AccountServices, make: Make, both: Settings, redis_client: "redis.Redis"
) -> None:
    for account in ("acme", "books"):
        make_vault(both, redis_client).refresh(account)
    assert make().run().resealed[SecretKind.TOKENS] == 2
    previous = str(redis_client.hget("relay:{acme}:tokens", "previous"))
    assert Sealer((NEW,)).open(previous)


# --- beside those who work


class RefreshedMeanwhile(TokenLedger):
    """Lets a worker refresh between the look at the tokens and their sealing."""

    def __init__(self, client: "redis.Redis", refresh: Callable[[], Any]) -> None:
        super().__init__(client)
        self._refresh = refresh
        self._refreshed = False

    def reseal(self, account: str, stored: StoredTokens, seal: Callable[[str], str]) -> bool:
        if account == "acme" and not self._refreshed:
            self._refreshed = True
            self._refresh()
        return super().reseal(account, stored, seal)


@pytest.mark.parametrize("whose", ["one that runs with the old key still", "one that has both"])
def test_tokens_that_a_worker_refreshes_meanwhile_are_not_overwritten(
    stored: AccountServices,
    make: Make,
    old: Settings,
    both: Settings,
    new: Settings,
    redis_client: "redis.Redis",
    whose: str,
) -> None:
    worker = make_vault(old if "old" in whose else both, redis_client)
    refreshed: list[Token] = []
    ledger = RefreshedMeanwhile(redis_client, lambda: refreshed.append(worker.refresh("acme")))

    assert make(tokens=ledger).run().unopened == ()
    (token,) = refreshed

    vault = make_vault(new, redis_client)
    assert vault.stored_token("acme") == token
    assert vault.refresh("acme").version == token.version + 1


class RotatedMeanwhile(TokenLedger):
    """Has everything sealed anew after Constant Contact gave a pair, before it is stored."""

    def __init__(self, client: "redis.Redis", rotate: Callable[[], Any]) -> None:
        super().__init__(client)
        self._rotate = rotate

    def renew(
        self, account: str, call: str, pair: SealedPair, owner: Owner, **rest: Any
    ) -> int | None:
        self._rotate()
        return super().renew(account, call, pair, owner, **rest)


def test_a_pair_that_arrives_while_all_is_sealed_anew_is_stored(
    stored: AccountServices,
    make: Make,
    old: Settings,
    new: Settings,
    redis_client: "redis.Redis",
) -> None:
    def oauth(client_id: str) -> OAuth:
        return make_oauth(old, redis_client, Application(old.client_id, old.client_secret))

    worker = TokenVault(
        RotatedMeanwhile(redis_client, lambda: make().run()),
        oauth,
        Sealer((OLD,)),
        origin=old.token_origin,
        instance=old.instance,
        refresh_after=old.token_refresh,
        now=utc_now,
    )
    token = worker.refresh("acme")

    # That worker had not been started anew, so what it stored is sealed with the old key.
    assert make().run().resealed == {**NOTHING, SecretKind.TOKENS: 1}
    vault = make_vault(new, redis_client)
    assert vault.stored_token("acme") == token
    assert vault.refresh("acme").version == token.version + 1


class ChangedMeanwhile(SealedPlaces):
    """Lets somebody change a value between the look at it and its sealing."""

    def __init__(self, client: "redis.Redis", change: Callable[[SealedPlace], Any]) -> None:
        super().__init__(client)
        self._change = change
        self._changed: set[SealedPlace] = set()

    def reseal(self, place: SealedPlace, sealed: str, anew: str) -> bool:
        if place not in self._changed:
            self._changed.add(place)
            self._change(place)
        return super().reseal(place, sealed, anew)


def test_a_secret_that_is_given_anew_meanwhile_is_not_overwritten(
    stored: AccountServices, make: Make, old: Settings, new: Settings, redis_client: "redis.Redis"
) -> None:
    newer = replace(OWN_KEY, client_secret="a newer secret")

    def give(place: SealedPlace) -> None:
        if place.key == keys.APPLICATIONS:
            make_applications(old, redis_client).keep(newer)

    make(places=ChangedMeanwhile(redis_client, give)).run()
    assert make_applications(new, redis_client).find(OWN_KEY.client_id) == newer


def test_a_code_that_is_used_meanwhile_stays_used(
    stored: AccountServices, make: Make, phone: Phone, redis_client: "redis.Redis"
) -> None:
    ada = Asked(name="ada", address="192.0.2.1")

    def sign_in(place: SealedPlace) -> None:
        if place.key == keys.SECOND_FACTORS:
            phone.factors(redis_client, OLD).check(phone.code(), ada)

    rotated = make(places=ChangedMeanwhile(redis_client, sign_in)).run()
    assert rotated.resealed == ALL_OF_IT
    with pytest.raises(WrongCode):
        phone.factors(redis_client, NEW).check(phone.shows(), ada)


def test_what_is_gone_meanwhile_does_not_come_back(
    stored: AccountServices, make: Make, redis_client: "redis.Redis"
) -> None:
    def connect(place: SealedPlace) -> None:
        if place.key.startswith(keys.CONNECTING):
            redis_client.delete(place.key)

    rotated = make(places=ChangedMeanwhile(redis_client, connect)).run()
    assert rotated.resealed == {**ALL_OF_IT, SecretKind.KEPT_TOKENS: 0}
    assert redis_client.keys("relay:connecting:kept:*") == []
    assert redis_client.keys("relay:connecting:spare:*") == []


def test_where_it_is_interrupted_it_goes_on_when_run_again(
    stored: AccountServices, make: Make, new: Settings, redis_client: "redis.Redis"
) -> None:
    class GoneMeanwhile(TokenLedger):
        def reseal(self, account: str, *args: Any) -> bool:
            if account == "books":
                raise LedgerUnavailable("Redis: ConnectionError")
            return super().reseal(account, *args)

    with pytest.raises(LedgerUnavailable):
        make(tokens=GoneMeanwhile(redis_client)).run()
    assert make_vault(new, redis_client).stored_token("acme").access
    assert make().survey() == Survey(4, 1, ())

    rest = make().run()
    assert rest.resealed == {**NOTHING, SecretKind.TOKENS: 1, SecretKind.KEPT_TOKENS: 2}
    assert make_vault(new, redis_client).stored_token("books").access


# --- what no key opens


def test_what_no_key_opens_is_named_and_the_rest_is_done(
    stored: AccountServices, make: Make, new: Settings, redis_client: "redis.Redis"
) -> None:
    foreign = Sealer(("a key that nobody has",))
    redis_client.hset("relay:{acme}:tokens", "refresh", foreign.seal("secret"))
    redis_client.hset(keys.APPLICATIONS, OWN_KEY.client_id, foreign.seal("secret"))
    rotated = make().run()
    assert rotated.unopened == ("the secret of the API key …1234", "the tokens of acme")
    assert rotated.resealed == {**ALL_OF_IT, SecretKind.TOKENS: 1, SecretKind.APPLICATIONS: 0}
    assert make_vault(new, redis_client).stored_token("books").access
    assert make().survey() == Survey(3, 0, rotated.unopened)


# --- the command


def test_the_command_says_what_it_did_and_what_comes_next(
    stored: AccountServices, run: CommandLine
) -> None:
    run.set(RELAY_SECRET_KEY=f"{NEW},{OLD}")
    assert run("rotate-secrets", "--json").json == {
        "resealed": {kind.value: count for kind, count in ALL_OF_IT.items()},
        "unopened": [],
    }
    again = run("rotate-secrets")
    assert again.status == 0
    assert "Everything is encrypted with the first key already." in again.out
    assert "remove the old key from RELAY_SECRET_KEY" in again.out


def test_with_one_key_the_command_says_how_to_begin(
    stored: AccountServices, run: CommandLine
) -> None:
    run.set(RELAY_SECRET_KEY=OLD)
    ran = run("rotate-secrets")
    assert ran.status == 0
    assert "RELAY_SECRET_KEY=new,old" in ran.out


def test_with_a_wrong_key_the_command_fails_and_names_all_of_it(
    stored: AccountServices, run: CommandLine, redis_client: "redis.Redis"
) -> None:
    run.set(RELAY_SECRET_KEY=NEW)
    ran = run("rotate-secrets")
    assert ran.status == 1
    assert "the tokens of acme" in ran.out and "the key of all fingerprints" in ran.out
    named = run("rotate-secrets", "--json").json["unopened"]
    assert len(named) == sum(ALL_OF_IT.values())
    sealed = re.compile(r"gAAAA")
    assert not sealed.search(ran.out)


def test_everything_that_seals_is_known_here() -> None:
    """Whoever keeps something new sealed has to have it sealed anew as well."""
    sealing = {
        str(path.relative_to(ROOT))
        for folder in ("relay", "web", "worker", "shared")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.seal\(", path.read_text(encoding="utf-8"))
    }
    assert sealing == {
        "shared/constant_contact/applications.py",
        "shared/accounts/connect_store.py",
        "shared/constant_contact/token_vault.py",
        "shared/ledger/stores/fingerprints.py",
        "shared/operations/second_factors.py",
        "shared/operations/secret_rotation.py",
    }
