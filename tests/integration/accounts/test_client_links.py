"""Links for clients: signed, expiring, good for one connection, and used up by nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from itsdangerous import BadSignature, URLSafeSerializer

from shared.accounts.application_calls import ConnectFailed
from shared.accounts.browser_flow import MOST_STARTS
from shared.accounts.client_links import LONGEST_LINK_LIFE, Link, LinkClosed, Links, LinkState
from shared.accounts.client_texts import NothingToDo
from shared.accounts.connecting import Connecting
from shared.domain.account import HoldReason
from shared.domain.errors import Refused
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support.connections import OTHER, come_back, connect, consent, once_stored
from tests.support.sandbox_server import SandboxServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STUDIO = "Studio North"


@pytest.fixture
def links(redis_client: "redis.Redis") -> Links:
    return links_with(redis_client, "a secret only for tests")


def links_with(client: "redis.Redis", *secret_keys: str) -> Links:
    return Links(client, secret_keys=secret_keys, public_url="https://relay.example")


def make(links: Links, account: str = "acme", **options: Any) -> Link:
    given = {"asked_by": STUDIO, "made_by": "ada", "replace": False, "now": NOW, **options}
    return links.make(account, "key", **given)


def token_of(links: Links, link: Link) -> str:
    return links.url(link).rpartition("/")[2]


@pytest.fixture
def link(connecting: Connecting) -> Link:
    return connecting.browser.make_link("acme", by="ada", asked_by=STUDIO)


@pytest.fixture
def state_of(connecting: Connecting) -> Callable[[Link], tuple[LinkState, str]]:
    def find(link: Link) -> tuple[LinkState, str]:
        found = connecting.browser.links.find(link.id)
        assert found is not None
        return found.state, found.note

    return find


# --- the link itself


def test_a_link_is_an_address_of_ours_and_says_when_it_ends(links: Links) -> None:
    link = make(links)

    assert links.url(link).startswith("https://relay.example/connect/link/")
    assert (link.made_at, link.expires_at) == ("2026-03-01T12:00:00Z", "2026-03-08T12:00:00Z")
    assert links.read(token_of(links, link), NOW) == link


def test_a_link_that_was_tampered_with_is_none_of_ours(
    links: Links, redis_client: "redis.Redis"
) -> None:
    mine, other = (token_of(links, make(links)) for _ in range(2))
    id, _, signature = mine.rpartition(".")
    foreign = links_with(redis_client, "another secret")
    forged = [
        *(mine[:-1], f"{mine}x", id, signature, f".{signature}", f"{id}."),
        *(f"{other.rpartition('.')[0]}.{signature}", f"{id}.{other.rpartition('.')[2]}"),
        *("", ".", "a.b.c", "ü.é", "\0", "x" * 10_000, links.url(make(links))),
        token_of(foreign, make(foreign)),
    ]

    for token in forged:
        with pytest.raises(Refused, match="incomplete or unknown"):
            links.read(token, NOW)


def test_a_link_of_an_older_version_works_and_a_new_one_is_signed_with_another_key(
    links: Links,
) -> None:
    by_the_key_itself = URLSafeSerializer("a secret only for tests", salt="link for a client")
    link = make(links)
    assert links.read(str(by_the_key_itself.dumps(link.id)), NOW) == link
    with pytest.raises(BadSignature):
        by_the_key_itself.loads(token_of(links, link))


def test_a_link_expires(links: Links) -> None:
    token = token_of(links, make(links, life=timedelta(days=2)))

    assert links.read(token, NOW + timedelta(days=2) - timedelta(seconds=1))
    with pytest.raises(Refused, match=f"has expired. Please ask {STUDIO}"):
        links.read(token, NOW + timedelta(days=2))


@pytest.mark.parametrize("days", [0, -1, LONGEST_LINK_LIFE.days + 1, 999_999_999])
def test_a_link_lasts_for_a_sensible_time(links: Links, days: int) -> None:
    with pytest.raises(Refused, match="60 days"):
        make(links, life=timedelta(days=days))


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "two\nlines"])
def test_a_link_says_who_asks(links: Links, name: str) -> None:
    with pytest.raises(Refused, match="who asks"):
        make(links, asked_by=name)


def test_links_stay_valid_while_the_key_that_signed_them_is_kept(
    redis_client: "redis.Redis",
) -> None:
    before = links_with(redis_client, "old")
    token = token_of(before, make(before))
    rotated = links_with(redis_client, "new", "old")

    assert rotated.read(token, NOW)
    newer = token_of(rotated, make(rotated))
    assert links_with(redis_client, "new").read(newer, NOW)
    with pytest.raises(Refused):
        links_with(redis_client, "new").read(token, NOW)


def test_links_of_an_account_are_listed_the_latest_first_and_forgotten_after_a_month(
    links: Links,
) -> None:
    old = make(links)
    new = make(links, now=NOW + timedelta(days=1))
    make(links, "other")

    assert links.of("acme", NOW) == [new, old]
    assert links.of("acme", NOW + timedelta(days=7 + 30)) == [new]
    with pytest.raises(Refused, match="no such link"):
        links.withdraw(old.id, NOW)


def test_a_withdrawn_link_works_no_more(links: Links) -> None:
    link = make(links)

    assert links.withdraw(link.id, NOW).state == LinkState.WITHDRAWN
    with pytest.raises(Refused, match=f"{STUDIO} has withdrawn this link"):
        links.read(token_of(links, link), NOW)


def test_what_is_over_stays_as_it_is(links: Links) -> None:
    link = make(links)
    links.note(link.id, LinkState.CONNECTED, "", NOW)

    links.note(link.id, LinkState.FAILED, "too late", NOW)

    assert links.withdraw(link.id, NOW).state == LinkState.CONNECTED


# --- what a client does with it


def test_a_client_connects_the_account_and_whoever_sent_the_link_sees_it(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    link: Link,
    state_of: Callable[[Link], tuple[LinkState, str]],
) -> None:
    token = token_of(connecting.browser.links, link)
    assert state_of(link) == (LinkState.WAITING, "")
    assert connecting.browser.open_link(token).asked_by == STUDIO
    assert state_of(link) == (LinkState.OPENED, "")

    connected = come_back(connecting, sandbox, connecting.browser.start_by_link(token))

    assert connected.asked_by == STUDIO
    assert connected.account.connected_by == "ada"
    assert registry.account("acme") == connected.account
    assert state_of(link) == (LinkState.CONNECTED, "")
    assert connecting.browser.open_link(token).state == LinkState.CONNECTED
    with pytest.raises(LinkClosed, match="You need not do anything"):
        connecting.browser.start_by_link(token)
    found = connecting.browser.links.find(link.id)
    assert found is not None
    result = connecting.browser.link_result(found)
    assert result is not None
    assert result.checks == connected.checks


def test_opening_a_link_many_times_uses_nothing_up(
    connecting: Connecting, sandbox: SandboxServer, link: Link
) -> None:
    token = token_of(connecting.browser.links, link)
    for _ in range(3):
        connecting.browser.open_link(token)
        connecting.browser.start_by_link(token)

    assert (
        come_back(connecting, sandbox, connecting.browser.start_by_link(token)).account.name
        == "acme"
    )


def test_a_link_that_is_followed_without_end_leaves_few_logins(
    connecting: Connecting, redis_client: "redis.Redis", link: Link
) -> None:
    token = token_of(connecting.browser.links, link)
    for _ in range(MOST_STARTS):
        connecting.browser.start_by_link(token)
    with pytest.raises(Refused, match="15 minutes"):
        connecting.browser.start_by_link(token)
    assert len(list(redis_client.scan_iter("relay:connecting:state:*"))) == MOST_STARTS
    other = connecting.browser.make_link("other", by="ada", asked_by=STUDIO)
    connecting.browser.start_by_link(token_of(connecting.browser.links, other))


def test_of_two_clients_who_log_in_by_one_link_the_second_connects_nothing(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, link: Link
) -> None:
    token = token_of(connecting.browser.links, link)
    first, second = connecting.browser.start_by_link(token), connecting.browser.start_by_link(token)
    connected = come_back(connecting, sandbox, first)
    asked = sandbox.stats()["token_calls"]

    with pytest.raises(Refused, match="has been used"):
        come_back(connecting, sandbox, second, organization=OTHER)
    assert registry.account("acme") == connected.account
    assert sandbox.stats()["token_calls"] == asked
    result = connecting.browser.link_result(link)
    assert result is not None
    assert result.connected, "the page of the link still shows what was connected"


def test_of_two_clients_who_come_back_at_the_same_moment_one_connects(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    link: Link,
    state_of: Callable[[Link], tuple[LinkState, str]],
) -> None:
    token = token_of(connecting.browser.links, link)
    first, second = connecting.browser.start_by_link(token), connecting.browser.start_by_link(token)
    # Both have logged in before either comes back.
    backs = [consent(sandbox, each.url) for each in (first, second)]
    refusals: list[str] = []

    def second_comes_back() -> None:
        with pytest.raises(Refused) as failure:
            connecting.browser.finish(backs[1]["state"], backs[1]["code"])
        refusals.append(str(failure.value))

    once_stored(connecting, second_comes_back)
    connected = connecting.browser.finish(backs[0]["state"], backs[0]["code"])

    assert len(refusals) == 1
    assert "at this moment" in refusals[0]
    assert registry.account("acme") == connected.account
    assert state_of(link) == (LinkState.CONNECTED, "")


def test_a_link_that_is_withdrawn_while_the_client_logs_in_connects_nothing(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, link: Link
) -> None:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))
    connecting.browser.links.withdraw(link.id, datetime.now(UTC))

    with pytest.raises(Refused, match="withdrawn"):
        come_back(connecting, sandbox, started)
    assert registry.account("acme") is None
    assert sandbox.stats()["token_calls"] == 0


def test_a_link_that_is_gone_connects_nothing(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis", link: Link
) -> None:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))
    redis_client.delete("relay:links")

    with pytest.raises(Refused, match="Nothing was changed"):
        come_back(connecting, sandbox, started)


# --- what comes to nothing leaves it usable


def connects_after_all(connecting: Connecting, sandbox: SandboxServer, link: Link) -> bool:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))
    return come_back(connecting, sandbox, started).account.name == "acme"


def test_a_client_who_does_not_allow_it_may_think_again(
    connecting: Connecting,
    sandbox: SandboxServer,
    link: Link,
    state_of: Callable[[Link], tuple[LinkState, str]],
) -> None:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))
    back = consent(sandbox, started.url, allow=False)

    refused = connecting.browser.refuse(back["state"], back["error"])

    assert "please open the link again" in str(refused)
    state, note = state_of(link)
    assert state == LinkState.FAILED
    assert note.startswith("Access was not allowed")
    assert note.endswith("ask your client to open it again.")
    connecting.browser.open_link(token_of(connecting.browser.links, link))
    assert state_of(link) == (state, note)
    assert connects_after_all(connecting, sandbox, link)


def test_a_login_that_may_not_write_is_refused_so_that_another_can_follow(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, link: Link
) -> None:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))

    with pytest.raises(Refused, match="may not add contacts"):
        come_back(connecting, sandbox, started, user="Campaign Creator")
    assert registry.account("acme") is None
    assert connects_after_all(connecting, sandbox, link)


def test_a_client_with_another_account_is_asked_to_take_the_right_one(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    connect(connecting, sandbox)
    Ledger(redis_client).hold("acme", HoldReason.RECONNECT, by="test")
    link = connecting.browser.make_link("acme", by="ada", asked_by=STUDIO)
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))

    with pytest.raises(Refused, match="log in to the right account") as failure:
        come_back(connecting, sandbox, started, organization=OTHER)

    assert "--replace" not in str(failure.value)
    assert connects_after_all(connecting, sandbox, link)


def test_a_client_whose_other_account_has_a_name_is_asked_to_take_the_right_one_too(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    connect(connecting, sandbox)
    connect(connecting, sandbox, "books", organization=OTHER)
    link = connecting.browser.make_link("acme", by="ada", asked_by=STUDIO)
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))

    with pytest.raises(Refused, match="log in to the right account") as failure:
        come_back(connecting, sandbox, started, organization=OTHER)

    assert not isinstance(failure.value, NothingToDo)
    assert f"belongs to {OTHER}, but {STUDIO} asks for Acme Bakery" in str(failure.value)
    assert connects_after_all(connecting, sandbox, link)


def test_a_client_goes_on_without_another_login_when_the_api_was_down(
    connecting: Connecting,
    sandbox: SandboxServer,
    link: Link,
    state_of: Callable[[Link], tuple[LinkState, str]],
) -> None:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))
    back = consent(sandbox, started.url)
    sandbox.control(path="/v3", status=503)
    with pytest.raises(ConnectFailed) as failure:
        connecting.browser.finish(back["state"], back["code"])
    assert state_of(link)[0] == LinkState.FAILED
    sandbox.clear()
    kept = failure.value.pending_id
    assert kept is not None

    assert connecting.browser.resume(kept).asked_by == STUDIO
    assert state_of(link) == (LinkState.CONNECTED, "")


def test_tokens_kept_for_a_link_that_connected_since_are_not_used(
    connecting: Connecting, sandbox: SandboxServer, link: Link, registry: Registry
) -> None:
    started = connecting.browser.start_by_link(token_of(connecting.browser.links, link))
    back = consent(sandbox, started.url)
    sandbox.control(path="/v3", status=503, count=1)
    with pytest.raises(ConnectFailed) as failure:
        connecting.browser.finish(back["state"], back["code"])
    kept = failure.value.pending_id
    assert kept is not None
    assert connects_after_all(connecting, sandbox, link)
    account = registry.account("acme")

    with pytest.raises(Refused):
        connecting.browser.resume(kept)
    assert registry.account("acme") == account


def test_a_process_that_dies_while_it_connects_blocks_the_link_for_minutes_only(
    connecting: Connecting, redis_client: "redis.Redis", link: Link
) -> None:
    with connecting.connector.store.lock(f"link {link.id}"):
        [key] = list(redis_client.scan_iter("relay:connecting:alone:*"))
        assert 0 < int(redis_client.ttl(key)) <= timedelta(minutes=5).total_seconds()
