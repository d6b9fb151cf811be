"""The steps that upgrade records from one format to the next. `format.STEPS` has them in order."""

import re

import redis

from shared.ledger.redis_server.server_id import server_id

_SIGNUP = re.compile(r"(relay:\{.+\}:)signup:(.+)")
# One batch keeps Redis busy for a few milliseconds.
_BATCH = 500


def count_for_forms(client: "redis.Redis", cursor: str) -> str | None:
    """From format 1 to 2: count each sign-up for its form. Counted ones are not counted again."""
    return _upgrade_signups(client, cursor, "forms/count_existing")


def pack_records(client: "redis.Redis", cursor: str) -> str | None:
    """From format 2 to 3: give each sign-up a record of one text. Those that have one keep it."""
    return _upgrade_signups(client, cursor, "signups/upgrade")


def add_to_lists(client: "redis.Redis", cursor: str) -> str | None:
    """From format 3 to 4: have lists find what is settled by when it was received, and each dead
    letter by its group. Those that they find already stay as they are."""
    return _upgrade_signups(client, cursor, "signups/add_to_lists")


def _upgrade_signups(client: "redis.Redis", cursor: str, script: str) -> str | None:
    """Run the script for the next sign-ups.

    A cursor of Redis' SCAN means nothing to another server, nor to the same one after a restart.
    So ours names the server, and another server begins anew.
    """
    # The scripts need the format's number, and the format needs its steps.
    from shared.ledger.script_library import Scripts

    server = server_id(client)
    last_server, _, place = cursor.rpartition(" ")
    following, found = client.scan(
        int(place) if place and last_server == server else 0,
        match="relay:{*}:signup:*",
        count=_BATCH,
    )
    scripts = Scripts(client)
    signups = [signup.groups() for key in found if (signup := _SIGNUP.fullmatch(str(key)))]
    scripts.execute_all([scripts.call(script, account=account, id=id) for account, id in signups])
    return f"{server} {following}" if following else None
