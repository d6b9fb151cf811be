"""The token vault against a real Valkey and the sandbox's rotating refresh tokens.

Many threads stand for many processes: each vault has a Redis client of its own.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
import redis

from shared.constant_contact.connection import Connection
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.response import Response
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import (
    CALL_DEADLINE,
    KEEP_STORING,
    Token,
    TokenVault,
    wait_for_slot,
)
from shared.domain.errors import LedgerUnavailable, NotConnected, Revoked, TokenUnavailable
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.sealing import Sealer
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.stores.token_store import Owner, SealedPair, StoredTokens, TokenLedger, TokenPace
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer

CALLERS = 20
TOKEN_PATH = "/oauth2/default/v1/token"
SECOND_KEY = "second-key"
SECOND_SECRET = "second-secret"

MakeVault = Callable[..., TokenVault]


class LedgerThatGathersReaders(TokenLedger):
    """Holds each thread after its first look until all have seen the same tokens."""

    gathered: threading.Barrier

    def __init__(self, client: "redis.Redis") -> None:
        super().__init__(client)
        self._seen = threading.local()

    def read(self, account: str) -> StoredTokens | None:
        stored = super().read(account)
        if not hasattr(self._seen, "once"):
            self._seen.once = True
            self.gathered.wait(timeout=10)
        return stored


class LedgerThatBeginsLate(TokenLedger):
    """Hears late that its intention is written down, as a process does that was frozen."""

    frozen_seconds = 0.0

    def __init__(self, client: "redis.Redis") -> None:
        super().__init__(client)
        self.begun = threading.Event()
        self.may_go_on = threading.Event()

    def begin(self, *args: Any, **kwargs: Any) -> bool:
        begun = super().begin(*args, **kwargs)
        self.begun.set()
        assert self.may_go_on.wait(timeout=10)
        self.frozen_seconds = 60.0
        return begun

    def monotonic(self) -> float:
        return time.monotonic() + self.frozen_seconds


class LedgerThatLocksLate(TokenLedger):
    """Lets others act between the look at an old token and taking the lock."""

    def __init__(self, client: "redis.Redis") -> None:
        super().__init__(client)
        self.looked = threading.Event()
        self.may_lock = threading.Event()

    def lock(self, account: str, holder: str, life: timedelta) -> bool:
        self.looked.set()
        assert self.may_lock.wait(timeout=10)
        return super().lock(account, holder, life)


@pytest.fixture
def sandbox(running_sandbox: SandboxServer) -> SandboxServer:
    running_sandbox.reset()
    running_sandbox.control(rates={"token_requests_per_second": 1000})
    return running_sandbox


@pytest.fixture
def make_vault(
    valkey: ValkeyServer, redis_client: "redis.Redis", sandbox: SandboxServer
) -> Iterator[MakeVault]:
    """Return a vault as a process of its own would have it; `secrets` are its API keys'."""
    clients = []

    def make(
        ledger: Callable[["redis.Redis"], TokenLedger] = TokenLedger,
        secrets: Mapping[str, str] = MappingProxyType({sandbox.client_id: sandbox.client_secret}),
        connect: Callable[[], Connection] = Connection,
        paced: bool = False,
        **options: Any,
    ) -> TokenVault:
        client = valkey.client()
        clients.append(client)

        def oauth(client_id: str) -> OAuth | None:
            pace = TokenPace(client, client_id)
            if client_id not in secrets:
                return None
            return OAuth(
                sandbox.auth_url,
                client_id,
                secrets[client_id],
                connect=connect,
                grant=lambda: wait_for_slot(pace) if paced else None,
            )

        defaults = {
            "origin": TokenOrigin(api_url=sandbox.api_url, auth_url=sandbox.auth_url),
            "instance": "test",
            "refresh_after": timedelta(hours=4),
            "now": lambda: datetime.now(UTC),
        }
        return TokenVault(
            ledger(client), oauth, Sealer(("a secret only for tests",)), **{**defaults, **options}
        )

    yield make
    for client in clients:
        client.close()


def connect(vault: TokenVault, sandbox: SandboxServer, account: str = "acme") -> Token:
    return vault.store(account, new_tokens(sandbox), client_id=sandbox.client_id)


def new_tokens(sandbox: SandboxServer, **wanted: str) -> TokenSet:
    tokens = TokenSet.from_json(sandbox.connect(**wanted))
    assert tokens is not None
    return tokens


def stored(client: "redis.Redis", account: str = "acme") -> dict[str, str]:
    return {str(k): str(v) for k, v in client.hgetall(f"{keys.account(account)}tokens").items()}


def grow_older(client: "redis.Redis", by: timedelta, account: str = "acme") -> None:
    """Make the stored tokens older, as Redis' clock cannot be turned."""
    for name in ("received_at", "expires_at"):
        client.hincrby(f"{keys.account(account)}tokens", name, -int(by.total_seconds() * 1000))


def call_under_way(client: "redis.Redis") -> bool:
    return bool(client.zcard(f"{keys.account('acme')}token-calls"))


def let_lock_expire(client: "redis.Redis") -> None:
    """Do what Redis does when the lock's life is over, which nobody wants to wait for."""
    assert client.delete(f"{keys.account('acme')}token-lock") == 1


# --- one refresher


def test_of_twenty_callers_whose_token_was_refused_one_asks_for_a_new_one(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    LedgerThatGathersReaders.gathered = threading.Barrier(CALLERS)
    refused = connect(make_vault(), sandbox)
    vaults = [make_vault(LedgerThatGathersReaders), make_vault(LedgerThatGathersReaders)]

    with ThreadPoolExecutor(CALLERS) as callers:
        renewed = list(
            callers.map(lambda n: vaults[n % 2].renew("acme", refused.version), range(CALLERS))
        )

    assert {token.version for token in renewed} == {refused.version + 1}
    assert len({token.access for token in renewed}) == 1
    assert sandbox.stats()["token_calls"] == 1


def test_of_twenty_callers_with_an_old_token_one_refreshes_it(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    LedgerThatGathersReaders.gathered = threading.Barrier(CALLERS)
    connect(make_vault(), sandbox)
    grow_older(redis_client, timedelta(hours=23, minutes=56))
    vaults = [make_vault(LedgerThatGathersReaders), make_vault(LedgerThatGathersReaders)]

    with ThreadPoolExecutor(CALLERS) as callers:
        tokens = list(callers.map(lambda n: vaults[n % 2].fresh("acme"), range(CALLERS)))

    assert {token.version for token in tokens} == {2}
    assert sandbox.stats()["token_calls"] == 1


def test_who_gets_the_lock_too_late_finds_the_work_done(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    ledger = LedgerThatLocksLate(redis_client)
    late = make_vault(lambda client: ledger)
    refused = connect(late, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(late.renew, "acme", refused.version)
        assert ledger.looked.wait(timeout=10)
        newer = make_vault().renew("acme", refused.version)
        ledger.may_lock.set()
        assert renewed.result(timeout=10) == newer

    assert sandbox.stats()["token_calls"] == 1


def test_who_gets_the_lock_too_late_does_not_ask_with_a_token_found_dead_meanwhile(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    ledger = LedgerThatLocksLate(redis_client)
    late = make_vault(lambda client: ledger)
    refused = connect(late, sandbox)
    sandbox.control(revoke="all")

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(late.renew, "acme", refused.version)
        assert ledger.looked.wait(timeout=10)
        with pytest.raises(Revoked):
            make_vault().renew("acme", refused.version)
        ledger.may_lock.set()
        with pytest.raises(Revoked):
            renewed.result(timeout=10)

    assert sandbox.stats()["token_calls"] == 1


def test_who_finds_the_lock_taken_looks_again_only_now_and_then(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    naps: list[float] = []
    vault = make_vault(sleep=naps.append)
    refused = connect(vault, sandbox)
    redis_client.set(f"{keys.account('acme')}token-lock", "someone who died", px=200)

    assert vault.renew("acme", refused.version).version == 2
    assert set(naps) == {0.05}


def test_a_refused_token_that_was_replaced_already_needs_no_call(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    first = connect(vault, sandbox)
    second = vault.renew("acme", first.version)

    assert vault.renew("acme", first.version) == second
    assert sandbox.stats()["token_calls"] == 1


def test_a_pair_is_stored_though_the_lock_ran_out_and_another_caller_was_refused(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    late = LateAnswers()
    slow = make_vault(connect=lambda: late)
    refused = connect(slow, sandbox)

    with ThreadPoolExecutor(1) as process:
        first = process.submit(slow.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        let_lock_expire(redis_client)
        with pytest.raises(TokenUnavailable, match="another process was using it"):
            make_vault().renew("acme", refused.version)
        with pytest.raises(TokenUnavailable, match="last token refresh failed"):
            make_vault().renew("acme", refused.version)
        assert "revoked" not in stored(redis_client)
        late.let_through.set()
        token = first.result(timeout=10)

    assert token.version == 2
    assert make_vault().stored_token("acme") == token
    assert "retry_at" not in stored(redis_client)
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 1
    assert make_vault().renew("acme", token.version).version == 3


def test_lock_and_intention_outlast_the_call_and_the_storing_of_its_pair(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    late = LateAnswers()
    vault = make_vault(connect=lambda: late)
    refused = connect(vault, sandbox)
    needed = (CALL_DEADLINE + KEEP_STORING).total_seconds()

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(vault.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        read = TokenLedger(redis_client).read("acme")
        assert read is not None
        calls: Any = redis_client.zrange(
            f"{keys.account('acme')}token-calls", 0, -1, withscores=True
        )
        assert redis_client.pttl(f"{keys.account('acme')}token-lock") / 1000 > needed
        assert calls[0][1] / 1000 - read.read_at.timestamp() > needed
        late.let_through.set()
        renewed.result(timeout=10)

    assert redis_client.exists(f"{keys.account('acme')}token-lock") == 0
    assert not call_under_way(redis_client)


def test_long_lived_tokens_that_came_late_do_not_replace_newer_ones(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    sandbox.control(rotating=False)
    late = LateAnswers()
    slow = make_vault(connect=lambda: late)
    refused = connect(slow, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(slow.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        let_lock_expire(redis_client)
        newer = make_vault().renew("acme", refused.version)
        late.let_through.set()
        assert renewed.result(timeout=10) == newer

    assert make_vault().stored_token("acme") == newer
    assert sandbox.stats()["token_calls"] == 2


def test_a_late_failure_does_not_concern_the_newer_tokens_of_a_long_lived_one(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    sandbox.control(rotating=False)
    late = LateAnswers()
    slow = make_vault(connect=lambda: late)
    refused = connect(slow, sandbox)
    sandbox.control(path=TOKEN_PATH, status=503, count=1)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(slow.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        let_lock_expire(redis_client)
        make_vault().renew("acme", refused.version)
        late.let_through.set()
        with pytest.raises(TokenUnavailable):
            renewed.result(timeout=10)

    assert not make_vault().has_failed("acme")


def test_who_was_frozen_while_its_intention_was_written_down_looks_again(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    ledger = LedgerThatBeginsLate(redis_client)
    frozen = make_vault(lambda client: ledger, monotonic=ledger.monotonic)
    refused = connect(frozen, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(frozen.renew, "acme", refused.version)
        assert ledger.begun.wait(timeout=10)
        let_lock_expire(redis_client)
        newer = make_vault().renew("acme", refused.version)
        ledger.may_go_on.set()
        assert renewed.result(timeout=10) == newer

    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0
    assert sandbox.stats()["token_calls"] == 1


def test_who_lost_the_lock_before_its_call_waits_for_it_again(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    lock = f"{keys.account('acme')}token-lock"
    slot = LateSlot()
    napped = threading.Event()
    slow = make_vault(connect=lambda: slot, sleep=lambda _: napped.set())
    refused = connect(slow, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(slow.renew, "acme", refused.version)
        assert slot.reached.wait(timeout=10)
        redis_client.set(lock, "someone else", px=60_000)
        slot.begins.set()
        waits = napped.wait(timeout=10)
        calls = sandbox.stats()["token_calls"]
        redis_client.delete(lock)
        assert renewed.result(timeout=10).version == 2

    assert (waits, calls) == (True, 0)


def test_a_refresh_token_is_not_sent_when_someone_has_connected_anew_meanwhile(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    slot = LateSlot()
    slow = make_vault(connect=lambda: slot)
    refused = connect(slow, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(slow.renew, "acme", refused.version)
        assert slot.reached.wait(timeout=10)
        newer = connect(make_vault(), sandbox)
        slot.begins.set()
        assert renewed.result(timeout=10) == newer

    assert sandbox.stats()["token_calls"] == 0


def test_a_new_connection_is_not_overwritten_by_the_refresh_of_the_old_one(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    late = LateAnswers()
    vault = make_vault(connect=lambda: late)
    refused = connect(vault, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(vault.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        newer = connect(make_vault(), sandbox)
        late.let_through.set()
        assert renewed.result(timeout=10) == newer

    assert make_vault().stored_token("acme") == newer
    assert not call_under_way(redis_client)


def test_a_pair_is_stored_though_the_token_spent_for_it_was_given_once_more_meanwhile(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    late = LateAnswers()
    vault = make_vault(connect=lambda: late)
    tokens = new_tokens(sandbox)
    refused = vault.store("acme", tokens, client_id=sandbox.client_id)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(vault.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        make_vault().store("acme", tokens, client_id=sandbox.client_id)
        late.let_through.set()
        assert renewed.result(timeout=10).version == 3

    assert make_vault().refresh("acme").version == 4


def test_a_refusal_that_a_new_connection_overtook_revokes_nothing(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    late = LateAnswers()
    vault = make_vault(connect=lambda: late)
    refused = connect(vault, sandbox)
    sandbox.control(revoke="all")

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(vault.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        newer = connect(make_vault(), sandbox)
        late.let_through.set()
        assert renewed.result(timeout=10) == newer

    assert "revoked" not in stored(redis_client)


def test_calls_for_several_accounts_come_one_a_second(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    # Two, as a busy machine may send a call later than its slot. Three at once would be refused.
    sandbox.control(rates={"token_requests_per_second": 2})
    vaults = {name: make_vault(paced=True) for name in ("acme", "bakery", "cafe")}
    first = {name: connect(vault, sandbox, name) for name, vault in vaults.items()}

    with ThreadPoolExecutor(3) as processes:
        list(processes.map(lambda n: vaults[n].renew(n, first[n].version), vaults))

    assert sandbox.stats()["token_calls"] == 3
    assert sandbox.stats()["token_throttled"] == 0


def test_calls_with_several_api_keys_come_one_a_second_together(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    sandbox.control(
        rates={"token_requests_per_second": 2},  # as above
        applications=[{"client_id": SECOND_KEY, "client_secret": SECOND_SECRET}],
    )
    both = {sandbox.client_id: sandbox.client_secret, SECOND_KEY: SECOND_SECRET}
    vaults = {name: make_vault(secrets=both, paced=True) for name in ("acme", "bakery", "cafe")}
    api_keys = {"acme": sandbox.client_id, "bakery": SECOND_KEY, "cafe": SECOND_KEY}
    for name, key in api_keys.items():
        vaults[name].store(name, new_tokens(sandbox, application=key), client_id=key)

    with ThreadPoolExecutor(3) as processes:
        list(processes.map(lambda name: vaults[name].refresh(name), vaults))

    calls = {key: each["refreshes"] for key, each in sandbox.stats()["applications"].items()}
    assert calls == {sandbox.client_id: 1, SECOND_KEY: 2}
    assert sandbox.stats()["token_throttled"] == 0
    assert Ledger(redis_client).pace.used_today(SECOND_KEY) == 2


# --- answers that never come, and refusals


def test_after_a_lost_answer_the_same_refresh_token_is_sent_again(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault()
    refused = connect(vault, sandbox)
    sandbox.control(path=TOKEN_PATH, reset=True, count=1)
    with pytest.raises(TokenUnavailable):
        vault.renew("acme", refused.version)

    token = once_the_pause_is_over(lambda: vault.renew("acme", refused.version))

    assert token.version == 2
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0
    assert "retry_at" not in stored(redis_client)


def test_a_refresh_token_whose_answer_was_lost_and_that_is_then_refused_is_dead(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    refused = connect(vault, sandbox)
    sandbox.control(path=TOKEN_PATH, lost_answer=True, reset=True, count=1)
    with pytest.raises(TokenUnavailable):
        vault.renew("acme", refused.version)

    with pytest.raises(Revoked):
        once_the_pause_is_over(lambda: vault.renew("acme", refused.version))


def test_a_revoked_refresh_token_is_never_sent_again_until_someone_connects_anew(
    make_vault: MakeVault, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    vault = make_vault()
    refused = connect(vault, sandbox)
    sandbox.control(revoke="all")
    with pytest.raises(Revoked, match="token endpoint refused"):
        vault.renew("acme", refused.version)
    for each in (vault, make_vault()):
        with pytest.raises(Revoked, match="connect the account again"):
            each.renew("acme", refused.version)
    assert sandbox.stats()["token_calls"] == 1
    assert caplog.messages == ["refresh token revoked"]

    newer = connect(vault, sandbox)

    assert vault.renew("acme", newer.version).version == newer.version + 1


def test_failures_pause_longer_each_time_and_hammer_nobody(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault()
    refused = connect(vault, sandbox)
    sandbox.control(path=TOKEN_PATH, html=True)
    pauses = []
    for _ in range(3):
        with pytest.raises(TokenUnavailable) as failure:
            once_the_pause_is_over(lambda: vault.renew("acme", refused.version))
        assert failure.value.retry_at is not None
        read = TokenLedger(redis_client).read("acme")
        assert read is not None
        pauses.append(round((failure.value.retry_at - read.read_at).total_seconds()))
        for _ in range(5):
            with pytest.raises(TokenUnavailable, match="last token refresh failed"):
                make_vault().renew("acme", refused.version)

    assert pauses == [1, 2, 4]
    assert sandbox.stats()["calls"]["POST " + TOKEN_PATH] == {"502": 3}


def test_a_refused_application_is_not_taken_for_a_revoked_token(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault(secrets={sandbox.client_id: "not the secret"})
    refused = connect(vault, sandbox)

    with pytest.raises(TokenUnavailable, match="does not accept the API key"):
        vault.renew("acme", refused.version)

    assert "revoked" not in stored(redis_client)


def test_tokens_of_another_api_key_are_not_sent(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    connect(make_vault(), sandbox)

    with pytest.raises(NotConnected, match="CTCT_CLIENT_ID"):
        make_vault(secrets={}).stored_token("acme")

    assert sandbox.stats()["token_calls"] == 0


@pytest.mark.parametrize("rotating", [True, False])
def test_the_kind_of_a_refresh_token_is_observed_at_a_refresh(
    make_vault: MakeVault, sandbox: SandboxServer, rotating: bool
) -> None:
    sandbox.control(rotating=rotating)
    vault = make_vault()
    connect(vault, sandbox)
    assert vault.stored("acme").kind is None
    assert vault.stored("acme").refreshed_at is None

    vault.refresh("acme")

    refreshed = vault.stored("acme")
    assert refreshed.kind == ("rotating" if rotating else "long-lived")
    assert refreshed.refreshed_at == refreshed.received_at


def test_of_a_new_connection_the_kind_is_not_known_again(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    connect(vault, sandbox)
    vault.refresh("acme")

    connect(vault, sandbox)

    assert vault.stored("acme").kind is None
    assert vault.stored("acme").refreshed_at is None


# --- forgetting


def test_after_forgetting_the_account_is_not_connected(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    connect(vault, sandbox)

    assert vault.forget("acme")

    with pytest.raises(NotConnected):
        vault.fresh("acme")
    assert not vault.forget("acme")


def test_versions_go_on_after_forgetting_as_processes_remember_refused_ones(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    before = vault.renew("acme", connect(vault, sandbox).version)
    vault.forget("acme")

    assert connect(vault, sandbox).version == before.version + 1


def test_a_spent_refresh_token_is_known_as_such_even_after_forgetting(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    tokens = new_tokens(sandbox)
    vault.store("acme", tokens, client_id=sandbox.client_id)
    vault.refresh("acme")

    vault.forget("acme")

    assert tokens.refresh_token is not None
    assert vault.has_replaced("acme", tokens.refresh_token)


def test_a_pair_that_comes_after_forgetting_is_not_stored(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    late = LateAnswers()
    vault = make_vault(connect=lambda: late)
    refused = connect(vault, sandbox)

    with ThreadPoolExecutor(1) as process:
        renewed = process.submit(vault.renew, "acme", refused.version)
        late.answered.wait(timeout=10)
        make_vault().forget("acme")
        late.let_through.set()
        with pytest.raises(NotConnected):
            renewed.result(timeout=10)

    assert stored(redis_client) == {"version": "1"}
    assert not call_under_way(redis_client)


def test_only_the_refresh_token_stored_now_is_the_accounts_own(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    tokens = new_tokens(sandbox)
    assert tokens.refresh_token is not None
    assert not vault.has("acme", tokens.refresh_token)
    vault.store("acme", tokens, client_id=sandbox.client_id)
    assert vault.has("acme", tokens.refresh_token)

    vault.refresh("acme")

    assert not vault.has("acme", tokens.refresh_token)


def test_without_tokens_an_account_is_not_connected(make_vault: MakeVault) -> None:
    with pytest.raises(NotConnected, match="relay connect acme"):
        make_vault().fresh("acme")


# --- when to refresh


@pytest.mark.parametrize(
    ("age", "version"),
    [
        pytest.param(timedelta(hours=23, minutes=50), 1, id="ten minutes are enough"),
        pytest.param(timedelta(hours=23, minutes=56), 2, id="four minutes are not"),
        pytest.param(timedelta(hours=25), 2, id="it is over"),
    ],
)
def test_a_token_is_fresh_until_it_is_nearly_over(
    make_vault: MakeVault,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    age: timedelta,
    version: int,
) -> None:
    vault = make_vault()
    connect(vault, sandbox)
    grow_older(redis_client, age)

    assert vault.fresh("acme").version == version


def test_a_token_of_a_minute_is_refreshed_in_its_last_three_seconds(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    sandbox.control(access_token_seconds=60)
    vault = make_vault()
    connect(vault, sandbox)
    grow_older(redis_client, timedelta(seconds=50))
    assert vault.fresh("acme").version == 1

    grow_older(redis_client, timedelta(seconds=8))
    assert vault.fresh("acme").version == 2


def test_a_token_that_is_nearly_over_is_used_while_no_other_can_be_had(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault()
    connect(vault, sandbox)
    sandbox.control(path=TOKEN_PATH, status=503)
    grow_older(redis_client, timedelta(hours=23, minutes=56))
    assert vault.fresh("acme").version == 1

    grow_older(redis_client, timedelta(minutes=5))
    with pytest.raises(TokenUnavailable):
        vault.fresh("acme")


def test_a_token_that_was_refused_is_not_used_though_no_other_can_be_had(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    refused = connect(vault, sandbox)
    sandbox.control(path=TOKEN_PATH, status=503)
    with pytest.raises(TokenUnavailable):
        vault.renew("acme", refused.version)

    with pytest.raises(TokenUnavailable):
        vault.fresh("acme")


class CountingLedger(TokenLedger):
    """Counts how often the tokens were read."""

    reads = 0

    def read(self, account: str) -> StoredTokens | None:
        type(self).reads += 1
        return super().read(account)


@pytest.fixture
def counting(make_vault: MakeVault, sandbox: SandboxServer) -> TokenVault:
    """A vault that has its token in memory, and has not read it since."""
    connect(vault := make_vault(CountingLedger), sandbox)
    CountingLedger.reads = 0
    return vault


def test_a_token_at_hand_is_not_read_again(counting: TokenVault) -> None:
    assert counting.at_hand("acme").version == 1
    assert counting.at_hand("acme", 1).version == 1
    assert CountingLedger.reads == 0


def test_a_token_that_another_process_renewed_is_read(
    make_vault: MakeVault, counting: TokenVault
) -> None:
    newer = make_vault().renew("acme", 1)

    assert counting.at_hand("acme", 2) == newer


def test_tokens_that_were_forgotten_are_not_at_hand(
    make_vault: MakeVault, counting: TokenVault
) -> None:
    make_vault().forget("acme")

    with pytest.raises(NotConnected):
        counting.at_hand("acme", 0)


def test_a_token_that_was_refused_is_not_at_hand(
    counting: TokenVault, sandbox: SandboxServer
) -> None:
    sandbox.control(path=TOKEN_PATH, status=503)
    with pytest.raises(TokenUnavailable):
        counting.renew("acme", 1)

    with pytest.raises(TokenUnavailable):
        counting.at_hand("acme", 1)


def test_a_token_at_hand_is_refreshed_when_it_is_nearly_over(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    clock = [0.0]
    vault = make_vault(monotonic=lambda: clock[0])
    connect(vault, sandbox)
    grow_older(redis_client, timedelta(hours=23, minutes=56))

    clock[0] = timedelta(hours=23, minutes=54).total_seconds()
    assert vault.at_hand("acme", 1).version == 1
    clock[0] = timedelta(hours=23, minutes=56).total_seconds()
    assert vault.at_hand("acme", 1).version == 2


@pytest.mark.parametrize(
    ("refresh_after", "age", "due"),
    [
        pytest.param(timedelta(hours=4), timedelta(hours=3, minutes=59), False, id="too early"),
        pytest.param(timedelta(hours=4), timedelta(hours=4), True, id="interval over"),
        pytest.param(timedelta(hours=20), timedelta(hours=11), False, id="more than half left"),
        pytest.param(timedelta(hours=20), timedelta(hours=13), True, id="less than half left"),
    ],
)
def test_a_refresh_is_due_by_the_age_of_the_token(
    make_vault: MakeVault,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    refresh_after: timedelta,
    age: timedelta,
    due: bool,
) -> None:
    vault = make_vault(refresh_after=refresh_after)
    connect(vault, sandbox)
    grow_older(redis_client, age)

    assert vault.refresh_due("acme") is due
    assert sandbox.stats()["token_calls"] == due


def test_long_lived_refresh_tokens_are_used_again_and_again(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    sandbox.control(rotating=False)
    vault = make_vault()
    tokens = new_tokens(sandbox)
    first = vault.store("acme", tokens, client_id=sandbox.client_id)

    second = vault.renew("acme", first.version)
    third = vault.renew("acme", second.version)

    assert (second.version, third.version) == (2, 3)
    assert tokens.refresh_token is not None
    assert not vault.has_replaced("acme", tokens.refresh_token)
    assert "previous" not in stored(redis_client)


# --- storing


def test_the_pair_before_is_kept_until_the_new_one_has_worked(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault()
    first = connect(vault, sandbox)
    second = vault.renew("acme", first.version)
    vault.worked("acme", first.version)
    assert "previous" in stored(redis_client)

    vault.worked("acme", second.version)

    assert "previous" not in stored(redis_client)
    read = TokenLedger(redis_client).read("acme")
    assert read is not None
    assert read.worked


def test_a_refreshed_pair_is_stored_once_redis_is_back(
    make_vault: MakeVault, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    class LedgerThatIsAway(TokenLedger):
        failures = 3

        def renew(self, *args: Any, **kwargs: Any) -> int | None:
            version = super().renew(*args, **kwargs)
            self.failures -= 1
            if self.failures >= 0:  # it was done, but the answer was lost
                raise LedgerUnavailable("no answer")
            return version

    naps: list[float] = []
    vault = make_vault(LedgerThatIsAway, sleep=naps.append)
    first = connect(vault, sandbox)

    assert vault.renew("acme", first.version).version == 2
    assert naps == [1.0, 1.0, 1.0]
    assert caplog.messages[-1] == "token refreshed"


def test_storing_is_given_up_in_the_end_and_loudly(
    make_vault: MakeVault, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    class LedgerThatStaysAway(TokenLedger):
        def renew(self, *args: Any, **kwargs: Any) -> int | None:
            raise LedgerUnavailable("no answer")

    vault = make_vault(LedgerThatStaysAway, keep_storing=timedelta(0))
    first = connect(vault, sandbox)

    with pytest.raises(LedgerUnavailable):
        vault.renew("acme", first.version)

    assert [each.levelname for each in caplog.records] == ["CRITICAL"]


def test_a_pair_is_used_only_after_waiting_for_the_disk(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault()
    first = connect(vault, sandbox)
    redis_client.config_resetstat()

    vault.renew("acme", first.version)

    assert redis_client.info("commandstats")["cmdstat_waitaof"]["calls"] == 1


def test_a_replaced_refresh_token_is_remembered(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    tokens = new_tokens(sandbox)
    assert tokens.refresh_token is not None
    first = vault.store("acme", tokens, client_id=sandbox.client_id)
    assert not vault.has_replaced("acme", tokens.refresh_token)

    vault.renew("acme", first.version)

    assert vault.has_replaced("acme", tokens.refresh_token)


def test_a_refresh_token_spent_to_connect_is_remembered_unless_it_is_still_the_one(
    make_vault: MakeVault, sandbox: SandboxServer
) -> None:
    vault = make_vault()
    given, got = new_tokens(sandbox), new_tokens(sandbox)
    assert given.refresh_token is not None
    assert got.refresh_token is not None

    vault.store("acme", got, client_id=sandbox.client_id, spent=given.refresh_token)
    assert vault.has_replaced("acme", given.refresh_token)

    vault.store("acme", got, client_id=sandbox.client_id, spent=got.refresh_token)
    assert not vault.has_replaced("acme", got.refresh_token)


def test_storing_the_same_tokens_again_changes_nothing(redis_client: "redis.Redis") -> None:
    ledger = TokenLedger(redis_client)
    pair = SealedPair(
        access="access",
        refresh="refresh",
        digest="digest",
        life=timedelta(hours=24),
        scopes=None,
        client_id="key",
    )
    owner = Owner("test", "server")
    here = TokenOrigin(api_url="https://api.example", auth_url="https://login.example")

    assert ledger.store("acme", pair, owner, origin=here, spent="") == 1
    assert ledger.store("acme", pair, owner, origin=here, spent="") == 1


def test_nobody_owns_tokens_that_there_are_none_of(redis_client: "redis.Redis") -> None:
    ledger = TokenLedger(redis_client)

    assert not ledger.own("acme", Owner("test", "server"))

    assert stored(redis_client) == {}


def test_only_its_holder_frees_the_lock(redis_client: "redis.Redis") -> None:
    ledger = TokenLedger(redis_client)
    assert ledger.lock("acme", "its holder", timedelta(minutes=1))

    ledger.unlock("acme", "another, whose lock ran out")
    assert not ledger.lock("acme", "a third", timedelta(minutes=1))

    ledger.unlock("acme", "its holder")
    assert ledger.lock("acme", "a third", timedelta(minutes=1))


def test_tokens_are_sealed_in_redis_and_named_nowhere(
    make_vault: MakeVault,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    vault = make_vault()
    tokens = new_tokens(sandbox)
    first = vault.store("acme", tokens, client_id=sandbox.client_id)
    second = vault.renew("acme", first.version)
    sandbox.control(revoke="all")
    with pytest.raises(Revoked) as error:
        vault.renew("acme", second.version)

    secrets = [tokens.access_token, str(tokens.refresh_token), second.access]
    everything = "\n".join(
        [
            str(stored(redis_client)),
            caplog.text,
            repr([tokens, first, second, error.value, TokenLedger(redis_client).read("acme")]),
        ]
    )
    assert not [secret for secret in secrets if secret in everything]


def test_every_token_call_counts_in_the_quota_of_the_day(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    vault = make_vault(paced=True)
    vault.renew("acme", connect(vault, sandbox).version)

    assert Ledger(redis_client).pace.used_today(sandbox.client_id) == 1


def test_who_would_wait_too_long_for_a_slot_comes_again_later(
    make_vault: MakeVault, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    pace = TokenPace(redis_client, "test-key")
    waits = [pace.reserve() for _ in range(10)]

    assert waits[0] == timedelta(0)
    assert waits[-1] is not None
    assert waits[-1] > timedelta(seconds=9)
    with pytest.raises(TokenUnavailable):
        wait_for_slot(pace, lambda seconds: None)


class LateSlot(Connection):
    """A connection that takes long to open: the lock is taken, the intention not written down."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.begins = threading.Event()

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self.reached.set()
        assert self.begins.wait(timeout=10)


class LateAnswers(Connection):
    """A connection whose answers come late: the token is spent, the new pair not here yet."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()
        self.let_through = threading.Event()

    def send(self, *args: Any, **kwargs: Any) -> Response:
        response = super().send(*args, **kwargs)
        self.answered.set()
        assert self.let_through.wait(timeout=10)
        return response


def once_the_pause_is_over(call: Callable[[], Token]) -> Token:
    """Call until the token endpoint may be asked again; what comes then passes through."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return call()
        except TokenUnavailable as error:
            if "last token refresh failed" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
