"""What a page asks Redis for, it asks for once."""

from collections import Counter

import pytest
import redis
from flask import Flask

from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.builders import bury
from tests.support.console_browser import SignedIn

# What grows with the accounts and forms, or with time. A page may need it for several of its parts.
GROWING = (keys.ACCOUNTS, keys.FORMS, keys.OF_MINUTES)
WHOLE = ("HKEYS", "HGETALL")
END = "the page is here"


@pytest.fixture
def admin(app: Flask, redis_client: "redis.Redis") -> SignedIn:
    Registry(redis_client).save_account(builders.account())
    bury(Ledger(redis_client), message="no such list")
    return SignedIn(app, Role.ADMIN)


def reads_of(admin: SignedIn, client: "redis.Redis", path: str) -> Counter[str]:
    """Return what the page reads whole of what grows, and how often."""
    found: Counter[str] = Counter()
    with client.monitor() as seen:  # type: ignore[no-untyped-call]
        assert admin.get(path).status_code == 200
        client.echo(END)
        for each in seen.listen():
            words = each["command"].split()
            if END in each["command"]:
                return found
            if words[0] in WHOLE and words[1] in GROWING:
                found[each["command"]] += 1
    raise AssertionError("the server ended it")


@pytest.mark.parametrize(
    "path",
    [
        *("", "live", "charts", "accounts", "accounts/acme", "forms", "forms/news"),
        *("failed", "failed?form=news", "failed?words=list", "failed/jobs"),
        *("waiting", "quarantine", "delivered", "discarded", "audit", "operators"),
    ],
)
def test_a_page_reads_nothing_twice_that_grows(
    admin: SignedIn, redis_client: "redis.Redis", path: str
) -> None:
    found = reads_of(admin, redis_client, f"/console/{path}")
    assert all(count == 1 for count in found.values()), found


def test_names_are_read_anew_after_a_page(admin: SignedIn, redis_client: "redis.Redis") -> None:
    assert "blue" not in admin.get("/console/failed").text
    Registry(redis_client).save_account(builders.account("blue"))
    assert "blue" in admin.get("/console/failed").text
