"""What most tests need: a real Valkey server, a clean database in it, and settings for both."""

import copy
import functools
import gc
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import CodeType
from typing import Any

import hypothesis
import pytest
import redis
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from shared.domain.audit import Actor, Via, set_actor
from shared.infrastructure.redis_urls import BRIEFLY
from shared.infrastructure.settings import Settings
from shared.ledger.format import open_ledger
from shared.operations import operators
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


def pytest_configure() -> None:
    """Hear Ctrl-C and Ctrl-\\, and let processes that tests start hear them: a shell that runs
    the tests in the background has all of them ignore both."""
    for number, default in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, default)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the garbage collector never look at the modules and thousands of tests: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup() -> None:
    """Forget who acted in a request of the test before, which ran in the same thread."""
    set_actor(Actor("signup-relay", Via.CLI))


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One real server for all tests that do not break it."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def redis_client(valkey: ValkeyServer) -> Iterator["redis.Redis"]:
    """A client of a clean ledger database, which a process of this version has opened."""
    client = valkey.client()
    client.flushall()
    open_ledger(client)
    yield client
    client.close()


# What compiling gives a rule, which is the same in every app.
COMPILED = ("_parts", "_trace", "_converters", "_build", "_build_unknown", "arguments")


@pytest.fixture(scope="session", autouse=True)
def rules_compiled_once() -> Iterator[None]:
    """Werkzeug compiles all rules of each app, which takes 75 ms. Tests make thousands of apps."""
    compile_rule: Callable[[Rule], None] = Rule.compile
    twins: dict[tuple[str, str], Rule] = {}

    def compile_once(rule: Rule) -> None:
        twin = twins.setdefault((rule.rule, repr(rule.defaults)), rule)
        if twin is rule:
            compile_rule(rule)
        vars(rule).update({name: getattr(twin, name) for name in COMPILED})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "compile", compile_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def web_made_once() -> Iterator[None]:
    """Registering web's routes and loading its templates takes most of the time that an app takes,
    and they are the same in every app. So each is a copy of the first, with settings of its own."""
    if "web.app" not in sys.modules:
        yield
        return
    make_flask: Callable[[], Flask] = functools.cache(sys.modules["web.app"]._make_flask)

    def copy_flask() -> Flask:
        app = copy.copy(make_flask())
        app.config, app.extensions = copy.copy(app.config), {}
        app.view_functions = app.view_functions.copy()
        return app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.app._make_flask", copy_flask)
        yield


class CompiledTemplates(BytecodeCache):
    """Keeps the templates' code for the apps of the tests that follow."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Jinja compiles each app's templates, which takes more time than all else that tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(Flask.jinja_options, "bytecode_cache", CompiledTemplates())
        yield


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[dict[str, str]]:
    """A password's real hash takes a tenth of a second, and here are thousands. What they really
    are like is by its name in `shared.operations.operators`."""
    cheap = "scrypt:128:1:1"
    real = {"_METHOD": operators._METHOD, "_NOBODY": operators._NOBODY}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operators, "_METHOD", cheap)
        patch.setattr(operators, "_NOBODY", f"{cheap}$nobody${'0' * 128}")
        yield real


@pytest.fixture(scope="session", autouse=True)
def long_sign_in_delays() -> Iterator[None]:
    """Let no name's delay of a second end before a busy machine has gone on to look at it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.ledger.stores.sign_in_tries.FIRST_DELAY", timedelta(minutes=1))
        patch.setattr("shared.ledger.stores.sign_in_tries.LONGEST_DELAY", timedelta(minutes=9))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_late_flush() -> Iterator[None]:
    """Let no web app of an ended test write into the database of the next one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.signup.form_tallies.FLUSH_EVERY", timedelta(hours=1))
        yield


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine not look like a Redis that hangs, but where that is what is tested."""
    if request.node.get_closest_marker("impatient"):
        return
    for option in BRIEFLY:
        monkeypatch.setitem(BRIEFLY, option, 10.0)
    if app := sys.modules.get("web.app"):
        for module in (sys.modules["web.signup.redis_deadline"], app):
            monkeypatch.setattr(module, "VISITOR_WAITS", timedelta(seconds=20))
        monkeypatch.setattr(app, "SOCKET_WAITS", 15)


@pytest.fixture
def settings(valkey: ValkeyServer, tmp_path: Path) -> Settings:
    """Valid settings for the tests' server; nothing listens at the API's address."""
    return Settings.from_env(
        {
            "REDIS_URL": valkey.url(),
            "CTCT_CLIENT_ID": "test-key",
            "CTCT_CLIENT_SECRET": "test-secret",
            "CTCT_API_URL": "http://127.0.0.1:9/v3",
            "CTCT_AUTH_URL": "http://127.0.0.1:9/oauth2/default/v1",
            "RELAY_SECRET_KEY": "a secret only for tests",
            "RELAY_DATA_DIR": str(tmp_path / "relay"),
        }
    )


@pytest.fixture
def settings_with(settings: Settings) -> Callable[..., Settings]:
    """Return the settings with some fields changed."""

    def changed(**fields: Any) -> Settings:
        return replace(settings, **fields)

    return changed


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxServer]:
    """One sandbox for all tests, so fast that none waits for its pace."""
    with SandboxServer(rate=1000) as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: SandboxServer) -> SandboxServer:
    """The sandbox as it is when new."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def live_settings(settings: Settings, sandbox: SandboxServer) -> Settings:
    """Settings by which the sandbox is reached."""
    return replace(
        settings,
        api_url=sandbox.api_url,
        auth_url=sandbox.auth_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        requests_per_second=1000,
    )
