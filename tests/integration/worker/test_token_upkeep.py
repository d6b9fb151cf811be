"""The worker's regular look at tokens, and at the holds that their lack began."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from shared.constant_contact.errors import Unauthorized
from shared.constant_contact.token_set import TokenSet
from shared.domain.account import HoldReason
from shared.domain.errors import Revoked
from shared.domain.outcome import ApiAnswer
from shared.infrastructure.settings import Settings
from tests.support import builders
from worker.delivery.holds import NO_TOKEN
from worker.runtime import WorkerRuntime
from worker.task_events import Silent

TOKENS = "relay:{acme}:tokens"


@pytest.fixture
def runtime(settings: Settings, redis_client: "redis.Redis") -> WorkerRuntime:
    """A worker with the account `acme`, whose tokens are new."""
    runtime = WorkerRuntime("relay-1@here", settings, Silent())
    runtime.registry.save_account(builders.account("acme"))
    tokens = TokenSet(
        access_token="access", refresh_token="refresh", expires_in=timedelta(days=1), scope=None
    )
    runtime.vault.store("acme", tokens, client_id=settings.client_id)
    return runtime


def holds(runtime: WorkerRuntime) -> list[HoldReason]:
    return [hold.reason for hold in runtime.ledger.figures("acme").holds]


def test_a_hold_for_want_of_tokens_ends_when_they_are_there_after_all(
    runtime: WorkerRuntime,
) -> None:
    runtime.ledger.hold("acme", HoldReason.RECONNECT, by=NO_TOKEN)
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == []


def test_tokens_of_another_address_hold_the_account_until_the_address_is_back(
    runtime: WorkerRuntime, settings: Settings
) -> None:
    other = WorkerRuntime("relay-2@there", replace(settings, api_url="http://[::1]:9"), Silent())
    for _ in range(2):
        other.token_refresher.refresh_all()
        assert holds(runtime) == [HoldReason.RECONNECT]

    runtime.token_refresher.refresh_all()

    assert holds(runtime) == []


def revoke(client: "redis.Redis") -> None:
    client.hset(TOKENS, "revoked", str(client.hget(TOKENS, "digest")))


def fail_once(client: "redis.Redis") -> None:
    client.hset(TOKENS, "failures", 1)


@pytest.mark.parametrize("trouble", [revoke, fail_once])
def test_it_stays_while_the_tokens_are_in_trouble_although_not_due(
    runtime: WorkerRuntime, redis_client: "redis.Redis", trouble: Callable[["redis.Redis"], None]
) -> None:
    trouble(redis_client)
    runtime.ledger.hold("acme", HoldReason.RECONNECT, by=NO_TOKEN)
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == [HoldReason.RECONNECT]


def test_a_dead_refresh_token_holds_nothing_while_the_access_token_works(
    runtime: WorkerRuntime, redis_client: "redis.Redis"
) -> None:
    revoke(redis_client)
    half_a_day_old(redis_client)
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == []
    assert runtime.vault.fresh("acme").access == "access"


@pytest.mark.parametrize("over", ["expired", "refused by the API"])
def test_a_dead_refresh_token_holds_the_account_when_the_access_token_is_over(
    runtime: WorkerRuntime, redis_client: "redis.Redis", over: str
) -> None:
    revoke(redis_client)
    half_a_day_old(redis_client)
    if over == "expired":
        redis_client.hset(TOKENS, "expires_at", str(redis_client.hget(TOKENS, "received_at")))
    else:
        with pytest.raises(Revoked):
            runtime.vault.renew("acme", runtime.vault.stored("acme").version)
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == [HoldReason.RECONNECT]
    with pytest.raises(Revoked):
        runtime.vault.fresh("acme")


def test_an_access_token_that_ended_with_the_refresh_token_holds_the_account_at_once(
    runtime: WorkerRuntime, redis_client: "redis.Redis"
) -> None:
    def refused(client_id: str, access_token: str) -> None:
        assert access_token == "access"
        raise Unauthorized("privileges", ApiAnswer(status=401))

    revoke(redis_client)
    half_a_day_old(redis_client)
    runtime.token_refresher.try_token = refused
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == [HoldReason.RECONNECT]
    assert runtime.vault.stored("acme").end is None


def test_the_last_access_token_is_tried_once(
    runtime: WorkerRuntime, redis_client: "redis.Redis"
) -> None:
    tried: list[str] = []
    revoke(redis_client)
    half_a_day_old(redis_client)
    runtime.token_refresher.try_token = lambda client_id, access: tried.append(access)
    runtime.token_refresher.refresh_all()
    runtime.token_refresher.refresh_all()
    assert tried == ["access"]


def half_a_day_old(client: "redis.Redis") -> None:
    """Let the tokens be due for a refresh."""
    received = int(client.hget(TOKENS, "received_at") or 0)
    client.hset(TOKENS, "received_at", received - 12 * 3600 * 1000)


def test_a_failure_is_logged_once_and_again_after_a_lane_has_repaired_it(
    runtime: WorkerRuntime, redis_client: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    digest = redis_client.hget(TOKENS, "digest")
    for revoked in (True, True, False, True):
        if revoked:
            redis_client.hset(TOKENS, "revoked", str(digest))
            half_a_day_old(redis_client)
        else:
            redis_client.hdel(TOKENS, "revoked")
            redis_client.hincrby(TOKENS, "received_at", 24 * 3600 * 1000)
        runtime.token_refresher.refresh_all()
    logged = [record for record in caplog.records if record.msg == "tokens not refreshed"]
    assert len(logged) == 2


def test_a_hold_of_another_cause_is_left_alone(runtime: WorkerRuntime) -> None:
    runtime.ledger.hold("acme", HoldReason.RECONNECT, by="answer", first_probe=timedelta(hours=1))
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == [HoldReason.RECONNECT]


def test_one_account_that_cannot_be_read_keeps_no_other_from_its_refresh(
    runtime: WorkerRuntime, redis_client: "redis.Redis"
) -> None:
    runtime.registry.save_account(builders.account("aaa"))
    redis_client.copy(TOKENS, "relay:{aaa}:tokens")
    redis_client.hset("relay:{aaa}:tokens", "access", "sealed with another key")
    for account in ("aaa", "acme"):
        runtime.ledger.hold(account, HoldReason.RECONNECT, by=NO_TOKEN)
    runtime.token_refresher.refresh_all()
    assert holds(runtime) == []
