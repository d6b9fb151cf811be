"""What the tests of connecting and of the command line share: a clean ledger, the tools or the
commands on it, and a sandbox without pace."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.accounts.account_services import AccountServices, make_account_services
from shared.accounts.connecting import Connecting
from shared.constant_contact.factory import make_vault
from shared.constant_contact.token_vault import TokenVault
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.after_connecting import AfterConnecting
from tests.support.command_line import CommandLine, settings_for
from tests.support.lane_rig import LaneRig
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer


@pytest.fixture
def no_token_pace(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for the token endpoint's one call a second."""
    sandbox.control(rates={"token_requests_per_second": 1000})
    monkeypatch.setattr("shared.ledger.limits.TOKEN_SPACING", timedelta(milliseconds=1))


@pytest.fixture
def woken() -> list[str]:
    """The accounts whose workers were told."""
    return []


@pytest.fixture
def tools(
    live_settings: Settings, redis_client: "redis.Redis", woken: list[str], no_token_pace: None
) -> AccountServices:
    return make_account_services(live_settings, redis_client, woken.append)


@pytest.fixture
def connecting(tools: AccountServices) -> Connecting:
    return tools.connecting


@pytest.fixture
def vault(live_settings: Settings, redis_client: "redis.Redis") -> TokenVault:
    return make_vault(live_settings, redis_client)


@pytest.fixture
def registry(redis_client: "redis.Redis") -> Registry:
    return Registry(redis_client)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    valkey: ValkeyServer,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    no_token_pace: None,
    tmp_path: Path,
) -> CommandLine:
    """Runs commands on a clean ledger."""
    return CommandLine(monkeypatch, capsys, settings_for(valkey, sandbox, tmp_path))


@pytest.fixture
def person(settings: Settings, redis_client: "redis.Redis") -> Callable[[str], str]:
    """Tells the fingerprint that the ledger has of an e-mail address."""
    return load_fingerprints(redis_client, Sealer(settings.secret_keys)).person


@pytest.fixture(scope="session")
def after_connecting() -> AfterConnecting:
    """What `really_connected` left in the ledger, once a test has asked for that."""
    return AfterConnecting()


@pytest.fixture
def really_connected(run: CommandLine, sandbox: SandboxServer) -> CommandLine:
    """An account `acme` of the sandbox is connected by the commands, with a form `news`."""
    tokens = json.dumps(sandbox.connect())
    assert run("connect", "acme", "--tokens", "-", stdin=tokens).status == 0
    assert run("forms", "add", "news", "--account", "acme", "--list", "newsletter").status == 0
    return run


@pytest.fixture
def connected(
    run: CommandLine,
    sandbox: SandboxServer,
    after_connecting: AfterConnecting,
    redis_client: "redis.Redis",
    request: pytest.FixtureRequest,
) -> CommandLine:
    """As `really_connected`, which takes most of the time of a short test: all but its tokens is
    put back as the first test had it."""
    if after_connecting.known:
        after_connecting.put_back(redis_client, "acme", sandbox.connect(), run.settings)
    else:
        request.getfixturevalue("really_connected")
        after_connecting.keep(redis_client, "acme")
    return run


@pytest.fixture
def rig(redis_client: "redis.Redis") -> LaneRig:
    Registry(redis_client).save_account(builders.account("acme"))
    return LaneRig(redis_client, Ledger(redis_client))
