"""Scripts of each role, on a ledger with an account `acme` and sign-ups in it."""

import pytest
import redis
from flask import Flask

from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.api_script import Script


@pytest.fixture(autouse=True)
def acme(redis_client: "redis.Redis") -> None:
    """The account `acme` is known."""
    Registry(redis_client).save_account(builders.account("acme"))


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def admin(app: Flask) -> Script:
    return Script(app, Role.ADMIN)


@pytest.fixture
def operator(app: Flask) -> Script:
    return Script(app, Role.OPERATOR)


@pytest.fixture
def viewer(app: Flask) -> Script:
    return Script(app, Role.VIEWER)
