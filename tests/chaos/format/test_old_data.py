"""What an older version stored goes on with this version's processes, every kind of it."""

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.accounts.account_services import make_account_services
from shared.constant_contact.applications import Application
from shared.constant_contact.pacing import job_pace
from shared.infrastructure.settings import Settings
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support.dumps.loader import FORMAT_1, restore
from tests.support.records import record_of_any_format
from tests.support.stack import Stack, eventually

OWN = Application("own-application-key", "own-application-secret")


def let_leases_run_out(client: "redis.Redis", spool: Path) -> None:
    """Some minutes have gone by since the older version's processes ended."""
    client.delete("relay:{diner}:token-lock", *client.keys("relay:connecting:alone:*"))
    for key in client.scan_iter("*:signup:*"):
        record = record_of_any_format(client, key)
        if record["state"] == "delivering":
            prefix, _, id = str(key).partition("signup:")
            client.zadd(f"{prefix}due:{record['queue']!s}", {id: 1}, xx=True)
    with sqlite3.connect(spool) as connection:
        connection.execute("UPDATE spooled SET due_at = 0")


def connect_all(stack: Stack, settings: Settings, client: "redis.Redis") -> None:
    """Connect all accounts again: the sandbox that gave them tokens is gone."""
    connecting = make_account_services(settings, client, lambda account: None).connecting
    for account in Registry(client).accounts():
        own = OWN if account.client_id == OWN.client_id else None
        tokens = stack.sandbox.connect(
            organization=account.organization, application=account.client_id
        )
        if account.disconnected_at:
            # It comes back as an account of its own. Its old one is connected under other names.
            own_id = {"encoded_account_id": "p0", "organization_name": account.name}
            stack.sandbox.control(path="/v3/account/summary", count=1, body=own_id)
        connecting.tokens.connect(
            account.name,
            tokens,
            by="ola",
            application=own,
            replace=account.disconnected_at is not None,
        )


def still_to_send(client: "redis.Redis", spool: Path) -> int:
    """Return how many sign-ups are due, dead, or wait on web's disk, without the unreadable one."""
    totals = [client.hgetall(key) for key in client.scan_iter("*:totals")]
    with sqlite3.connect(spool) as connection:
        (spooled,) = connection.execute(
            "SELECT count(*) FROM spooled WHERE json_extract(document, '$.quarantine') IS NULL"
        ).fetchone()
    unsettled = sum(int(each.get(name, 0)) for each in totals for name in ("due", "dead"))
    return unsettled + int(spooled) - 1


@pytest.mark.slow
def test_everything_goes_on(
    make_stack: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.limits.TOKEN_SPACING", timedelta(milliseconds=1))
    stack = make_stack(rate=100)
    stack.sandbox.application(OWN.client_id, OWN.client_secret)
    stack.sandbox.control(rates={"token_requests_per_second": 1000})
    spool = stack.folder / "data" / "spool" / "sign-ups.sqlite3"
    settings = Settings.from_env(stack.environ)
    with stack.valkey.client() as client:
        restore(FORMAT_1, client, stack.folder / "data")
        let_leases_run_out(client, spool)
        expected = still_to_send(client, spool)
        connect_all(stack, settings, client)
        for held in ("books", "estate", "gym"):
            Ledger(client).release(held)
        stack.start_web()
        stack.start_workers()
        stack.start("beat")
        names = [account.name for account in Registry(client).accounts()]
        jobs = JobLedger(client, job_pace(settings))
        eventually(
            lambda: all(part.ended_at for name in names for part in jobs.parts(name)),
            what="the end of all jobs",
        )
        eventually(lambda: all(map(stack.settled, names)), what="that all are settled")
        stack.relay("failed", "retry", "--all", "--yes")
        eventually(lambda: all(map(stack.settled, names)), what="that the rest is settled")
    assert sum(map(len, stack.deliveries().values())) == expected
    assert_all_is_accounted_for(stack.json("status"))


def assert_all_is_accounted_for(status: dict[str, Any]) -> None:
    assert status["spooled"] == 1  # the one that cannot be read
    for account in status["accounts"]:
        assert (account["due"], account["dead"], account["hold"]) == (0, 0, None), account
        ended = account["delivered"] + account["discarded"] + account["quarantined"]
        assert account["accepted"] == ended, json.dumps(account)
