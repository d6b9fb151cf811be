"""One account at Constant Contact has one name here: a second one would end the first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.accounts.account_connector import AlreadyConnected
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.client_links import LinkState
from shared.accounts.connecting import Connecting
from shared.constant_contact.applications import Application
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import Account
from shared.domain.errors import Refused
from shared.ledger.stores.registry import Registry
from tests.support.connections import OTHER, come_back, connect, consent, start
from tests.support.sandbox_server import SandboxServer

OWN = Application("their-own-key", "their-own-secret")


def by_browser(connecting: Connecting, sandbox: SandboxServer) -> None:
    connect(connecting, sandbox, "books2", organization=OTHER)


def by_own_application(connecting: Connecting, sandbox: SandboxServer) -> None:
    sandbox.application(OWN.client_id, OWN.client_secret)
    started = start(connecting, "books2", application=OWN)
    come_back(connecting, sandbox, started, organization=OTHER)


def by_device(connecting: Connecting, sandbox: SandboxServer) -> None:
    code = connecting.device.start()
    sandbox.activate(code.user_code, organization=OTHER)
    connecting.device.poll("books2", code, by="ada")


def by_tokens(connecting: Connecting, sandbox: SandboxServer) -> None:
    connecting.tokens.connect("books2", sandbox.connect(organization=OTHER), by="ada")


def by_replacing_another(connecting: Connecting, sandbox: SandboxServer) -> None:
    connect(connecting, sandbox, "books2")
    come_back(connecting, sandbox, start(connecting, "books2", replace=True), organization=OTHER)


def by_a_login_that_may_not_read_the_account(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3/account/summary", status=403)
    connect(connecting, sandbox, "books2", organization=OTHER)


@pytest.mark.parametrize(
    "connect_again",
    [
        by_browser,
        by_own_application,
        by_device,
        by_tokens,
        by_replacing_another,
        by_a_login_that_may_not_read_the_account,
    ],
)
def test_a_second_name_changes_nothing(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    vault: TokenVault,
    connect_again: Callable[[Connecting, SandboxServer], None],
) -> None:
    connect(connecting, sandbox, "books", organization=OTHER)
    account, tokens = registry.account("books"), replace(vault.stored("books"), read_at=MOMENT)
    refreshed = sandbox.stats()["refreshes"]

    with pytest.raises(AlreadyConnected, match="Blue Door Books is already connected as books"):
        connect_again(connecting, sandbox)

    second = registry.account("books2")
    assert second is None or second.organization == "Acme Bakery"
    assert registry.account("books") == account
    assert replace(vault.stored("books"), read_at=MOMENT) == tokens
    assert sandbox.stats()["refreshes"] == refreshed + (second is not None)


MOMENT: Any = None  # when the tokens were read says nothing about them


def test_the_error_says_how_to_use_either_name(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    connect(connecting, sandbox, "books", organization=OTHER)

    with pytest.raises(AlreadyConnected) as failure:
        by_browser(connecting, sandbox)

    assert "relay connect books." in str(failure.value)
    assert str(failure.value).endswith("relay disconnect books")


def test_the_login_renews_the_first_name_without_another_login(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, vault: TokenVault
) -> None:
    connect(connecting, sandbox, "books", organization=OTHER)
    with pytest.raises(AlreadyConnected) as failure:
        by_browser(connecting, sandbox)
    assert failure.value.pending_id is not None

    connected = connecting.browser.resume(failure.value.pending_id, by="grace", name="books")

    assert connected.warnings == ()
    assert [account.name for account in registry.accounts()] == ["books"]
    assert vault.stored_token("books") == connected.token


def test_the_second_name_is_free_once_the_first_is_disconnected(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    connect(connecting, sandbox, "books", organization=OTHER)
    with pytest.raises(AlreadyConnected) as failure:
        by_browser(connecting, sandbox)
    connecting.disconnect("books", by="ada")

    connecting.browser.resume(failure.value.pending_id or "")

    assert registry.account("books2") is not None
    with pytest.raises(AlreadyConnected, match="already connected as books2"):
        connect(connecting, sandbox, "books", organization=OTHER)


def test_an_older_versions_second_name_is_renewed_with_a_warning(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    books = connect(connecting, sandbox, "books", organization=OTHER).account
    registry.save_account(replace(books, name="books2"))

    connected = connect(connecting, sandbox, "books2", organization=OTHER)

    [warning] = connected.warnings
    assert "Blue Door Books is also connected as books." in warning


def test_a_client_who_comes_by_a_link_connects_no_second_name(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    connect(connecting, sandbox, "books", organization=OTHER)
    link = connecting.browser.make_link("books2", by="ada", asked_by="Studio North")
    token = connecting.browser.links.url(link).rpartition("/")[2]

    with pytest.raises(Refused, match="You need not do anything") as seen:
        come_back(connecting, sandbox, connecting.browser.start_by_link(token), organization=OTHER)
    assert "relay" not in str(seen.value)

    found = connecting.browser.links.find(link.id)
    assert found is not None
    assert found.state == LinkState.FAILED
    assert "Blue Door Books is already connected as books" in found.note
    assert registry.account("books2") is None
    result = connecting.browser.link_result(found)
    assert result is not None
    assert result.pending_id is not None
    connecting.browser.resume(result.pending_id, by="ada", name="books")
    done = connecting.browser.links.find(link.id)
    assert done is not None
    assert done.state == LinkState.CONNECTED


def test_of_two_names_that_come_at_the_same_moment_one_is_connected(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    first, second = (consent(sandbox, start(connecting, name).url) for name in ("books", "books2"))
    save = Registry.save_account
    stopped: list[ConnectFailed] = []

    def second_comes_in_between(self: Registry, account: Account) -> None:
        """Let the second come when the first has stored its tokens, and not its account."""
        if not stopped:
            with pytest.raises(ConnectFailed, match="Somebody else is connecting") as failure:
                connecting.browser.finish(second["state"], second["code"])
            stopped.append(failure.value)
        save(self, account)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Registry, "save_account", second_comes_in_between)
        connecting.browser.finish(first["state"], first["code"])

    assert [account.name for account in registry.accounts()] == ["books"]
    with pytest.raises(AlreadyConnected, match="already connected as books"):
        connecting.browser.resume(stopped[0].pending_id or "")
