"""Lists and fields read with an account's stored tokens, and lists that are kept for a bad day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from shared.accounts.account_api import FRESH, AccountApi, ApiCallFailed
from shared.accounts.account_services import AccountServices
from shared.constant_contact.token_vault import TokenVault
from shared.domain.errors import Refused
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from tests.support.connections import OTHER, come_back, connect, start
from tests.support.sandbox_server import SandboxServer

LISTS = "GET /v3/contact_lists"


@pytest.fixture
def api(tools: AccountServices, sandbox: SandboxServer) -> AccountApi:
    """Reads of `acme`, which was just connected."""
    connect(tools.connecting, sandbox)
    return tools.api


def asked(sandbox: SandboxServer) -> int:
    """How often the lists were asked for."""
    return sum(sandbox.stats()["calls"].get(LISTS, {}).values())


def test_lists_are_read_and_the_success_is_noted(
    api: AccountApi, redis_client: "redis.Redis"
) -> None:
    found = api.lists("acme")

    assert "Newsletter" in [each.name for each in found.lists]
    assert all(each.membership_count is not None for each in found.lists)
    assert found.error is None
    assert datetime.now(UTC) - found.read_at < timedelta(minutes=1)
    assert Ledger(redis_client).last_successes(["acme"]) != [None]
    first = found.lists[0]
    assert (found.named(first.id), found.named("gone")) == (first.name, "gone")


def test_all_pages_are_read(api: AccountApi, sandbox: SandboxServer) -> None:
    sandbox.control(organization="Acme Bakery", lists=1203)

    assert len({each.id for each in api.lists("acme").lists}) == 1203


def test_an_account_without_lists_has_none(api: AccountApi, sandbox: SandboxServer) -> None:
    sandbox.control(organization="Acme Bakery", lists=0)

    assert api.lists("acme").lists == ()


def test_young_lists_are_not_asked_for_again(api: AccountApi, sandbox: SandboxServer) -> None:
    first = api.lists("acme")
    before = asked(sandbox)

    assert api.lists("acme", max_age=FRESH) == first
    assert asked(sandbox) == before
    assert api.lists("acme").read_at > first.read_at
    assert asked(sandbox) == before + 1


def test_lists_that_are_too_old_are_asked_for_again(
    api: AccountApi, sandbox: SandboxServer
) -> None:
    first = api.lists("acme")
    api._now = lambda: first.read_at + FRESH

    assert api.lists("acme", max_age=FRESH).read_at > first.read_at


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 503}, id="down"),
        pytest.param({"reset": True}, id="cut off"),
        pytest.param({"status": 403}, id="forbidden"),
        pytest.param({"quota_exceeded": True}, id="the day is spent"),
        pytest.param({"body": {"lists": [7]}}, id="no sense"),
        pytest.param(
            {"body": {"lists": [], "_links": {"next": {"href": "http://[oops"}}}}, id="odd link"
        ),
    ],
)
def test_kept_lists_are_shown_with_their_age_when_the_api_fails(
    api: AccountApi, sandbox: SandboxServer, fault: dict[str, Any]
) -> None:
    first = api.lists("acme")
    sandbox.control(path="/v3/contact_lists", **fault)

    found = api.lists("acme")

    assert (found.lists, found.read_at) == (first.lists, first.read_at)
    assert found.error
    assert found.error.startswith("Constant Contact did not give lists")


def test_kept_lists_are_shown_when_our_own_count_says_that_the_day_is_spent(
    api: AccountApi, live_settings: Settings, redis_client: "redis.Redis"
) -> None:
    first = api.lists("acme")
    spend_the_day(live_settings, redis_client)

    found = api.lists("acme")

    assert found.lists == first.lists
    assert found.error is not None
    assert "00:00 UTC" in found.error
    with pytest.raises(ApiCallFailed, match="00:00 UTC"):
        api.custom_fields("acme")


def test_a_spent_day_is_said_in_words_where_the_api_says_it(
    api: AccountApi, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3/contact_lists", quota_exceeded=True)
    with pytest.raises(ApiCallFailed) as refused:
        api.lists("acme")
    assert "no requests left today" in str(refused.value)
    assert "429" not in str(refused.value)


def spend_the_day(settings: Settings, client: "redis.Redis") -> None:
    [key] = list(client.scan_iter("*:quota:*"))
    client.set(key, settings.requests_per_day)


def test_without_kept_lists_a_failure_is_a_failure(api: AccountApi, sandbox: SandboxServer) -> None:
    sandbox.control(path="/v3/contact_lists", status=503)

    with pytest.raises(ApiCallFailed, match="did not give lists"):
        api.lists("acme")


def test_a_disconnected_account_still_shows_its_lists(
    api: AccountApi, tools: AccountServices
) -> None:
    first = api.lists("acme")
    tools.connecting.disconnect("acme", by="ada")

    found = api.lists("acme")

    assert found.lists == first.lists
    assert found.error == "acme is not connected; run: relay connect acme."


def test_the_lists_of_another_account_are_not_shown_for_the_one_that_took_its_name(
    api: AccountApi, tools: AccountServices, sandbox: SandboxServer
) -> None:
    ours = api.lists("acme")
    started = start(tools.connecting, replace=True)
    come_back(tools.connecting, sandbox, started, organization=OTHER)

    theirs = api.lists("acme", max_age=FRESH)

    assert not {each.id for each in ours.lists} & {each.id for each in theirs.lists}


def test_the_lists_of_an_account_that_is_not_told_are_read_anew_after_connecting(
    tools: AccountServices, sandbox: SandboxServer
) -> None:
    unknown = sandbox.connect(scope="contact_data offline_access")
    tools.connecting.tokens.connect("acme", unknown, by="ada")
    registry = tools.connecting.connector.registry
    account = registry.account("acme")
    assert account is not None
    tools.api.lists("acme")
    before = asked(sandbox)
    changed = type(account).from_dict(account.to_dict() | {"connected_at": "2020-01-01T00:00:00Z"})
    registry.save_account(changed)

    tools.api.lists("acme", max_age=FRESH)

    assert asked(sandbox) == before + 1


def test_lists_are_read_with_a_new_token_when_the_old_one_is_refused(
    api: AccountApi, sandbox: SandboxServer, vault: TokenVault
) -> None:
    before = vault.stored_token("acme").version
    sandbox.control(revoke="access")

    assert api.lists("acme").error is None
    assert vault.stored_token("acme").version == before + 1


def test_a_revoked_connection_is_told_as_such(api: AccountApi, sandbox: SandboxServer) -> None:
    sandbox.control(revoke="all")

    with pytest.raises(ApiCallFailed, match="refused"):
        api.custom_fields("acme")


def test_custom_fields_are_read(api: AccountApi) -> None:
    names = [each.name for each in api.custom_fields("acme")]
    assert {"favourite_cake", "birthday_note", "visits_per_month", "bread"} <= set(names)
    of_text = [each.name for each in api.custom_fields("acme", of_text=True)]
    assert of_text == ["favourite_cake", "birthday_note", "found_us_by"]


def test_an_unknown_account_names_those_that_exist(
    api: AccountApi, redis_client: "redis.Redis"
) -> None:
    with pytest.raises(Refused, match="Known accounts: acme"):
        api.lists("acne")
    redis_client.flushdb()
    with pytest.raises(Refused, match="with: relay connect acne"):
        api.lists("acne")
