"""A web app on a clean ledger with one form, and ways to look at what it stored."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.domain.form import Form
from shared.infrastructure.settings import Settings
from shared.ledger import limits
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.entrance_client import EntranceClient
from tests.support.records import all_records
from tests.support.sandbox_server import SandboxServer
from tests.support.web_services import services_of
from web.app import create_app


@pytest.fixture
def save_form(redis_client: "redis.Redis") -> Callable[..., Form]:
    """Save a form named `news`, or another one, as the registry would."""

    def save(name: str = "news", **fields: Any) -> Form:
        form = builders.form(name, **fields)
        Registry(redis_client).save_form(form)
        return form

    return save


@pytest.fixture
def app(settings: Settings, save_form: Callable[..., Form]) -> Iterator[Flask]:
    """The app as `relay web` has it, with the form `news`; visitors are not limited."""
    save_form()
    made = create_app(replace(settings, visitor_limit=None, person_limit=None))
    yield made
    services_of(made).form_tallies.close()  # else its counts might reach the next test's ledger


@pytest.fixture(autouse=True)
def through_the_entrance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all requests come in as visitors' do, through the entrance and its fast path."""
    monkeypatch.setattr(Flask, "test_client_class", EntranceClient)
    # An entrance makes the ids of hundreds of requests at once, and here it has one request.
    monkeypatch.setattr("web.signup.signup_ids._AT_ONCE", 1)


@pytest.fixture
def no_pace(monkeypatch: pytest.MonkeyPatch, sandbox: SandboxServer) -> None:
    """Let nobody wait for the pace of the token endpoint."""
    monkeypatch.setattr(limits, "TOKEN_SPACING", limits.TOKEN_SPACING / 1000)
    sandbox.control(rates={"token_requests_per_second": 1000})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def stored(redis_client: "redis.Redis") -> Callable[[], list[dict[str, Any]]]:
    """Return all sign-ups in the ledger."""
    return lambda: all_records(redis_client)
