"""An answer of Redis that is lost while a visitor waits makes no second sign-up and no error."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from werkzeug.test import TestResponse

from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from web.app import create_app

# Longer than a visitor waits.
LATE_SECONDS = 2.0


@pytest.fixture
def proxy(valkey: ValkeyServer, redis_client: "redis.Redis") -> Iterator[FaultProxy]:
    """A proxy before a server that knows the account `acme` and the form `news`."""
    registry = Registry(redis_client)
    registry.save_account(builders.account())
    registry.save_form(builders.form())
    with FaultProxy(valkey) as proxy:
        yield proxy


@pytest.fixture
def behind_it(proxy: FaultProxy, settings: Settings) -> Settings:
    return replace(settings, redis_url=proxy.url(), visitor_limit=None, person_limit=None)


def sign_up(settings: Settings, email: str) -> TestResponse:
    return create_app(settings).test_client().post("/f/news", json={"email": email})


@pytest.mark.impatient
@pytest.mark.parametrize("fault", Fault)
def test_the_visitor_is_answered_and_signed_up_once(
    proxy: FaultProxy,
    behind_it: Settings,
    redis_client: "redis.Redis",
    fault: Fault,
) -> None:
    assert sign_up(behind_it, "before@example.com").status_code == 202  # the script is known now
    proxy.arm(fault, seconds=LATE_SECONDS)

    answer = sign_up(behind_it, "ada@example.com")

    assert answer.status_code == 202
    assert answer.json is not None
    assert proxy.struck == 1
    ledger, id = Ledger(redis_client), str(answer.json["id"])
    eventually(
        lambda: ledger.find(id, ["acme"]) is not None and not ledger.spools.all(), what="draining"
    )
    figures = ledger.figures("acme")
    assert (figures.accepted, figures.due) == (2, 2)
    assert len(redis_client.keys("relay:{acme}:signup:*")) == 2


def test_without_a_spool_the_visitor_tries_again_and_is_signed_up_once(
    proxy: FaultProxy,
    behind_it: Settings,
    redis_client: "redis.Redis",
) -> None:
    spoolless = replace(behind_it, spool_bytes=0)
    assert sign_up(spoolless, "before@example.com").status_code == 202
    proxy.arm(Fault.ANSWER_LOST)

    assert sign_up(spoolless, "ada@example.com").status_code == 503
    assert sign_up(spoolless, "ada@example.com").status_code == 202

    figures = Ledger(redis_client).figures("acme")
    assert (figures.accepted, figures.due) == (2, 2)
