"""Workers clear what is over within a minute, while sign-ups come, and though one is killed."""

from collections.abc import Callable

import pytest

from shared.ledger import keys
from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
WITHIN = 60  # seconds, as the documents promise


@pytest.mark.slow
def test_records_are_cleared_within_a_minute_and_stay_counted(make_stack: MakeStack) -> None:
    stack = make_stack(
        rate=50,
        RELAY_RETAIN_DELIVERED="2s",
        RELAY_RETAIN_QUARANTINED="2s",
        RELAY_RETAIN_CONSENT="1d",
        RELAY_ANONYMIZE_ADDRESSES="3s",
        RELAY_RETAIN_AUDIT="2s",
    )
    stack.open()
    assert stack.json("audit")
    first, _ = stack.start_workers(2)
    for number in range(20):
        assert stack.post(email=f"a{number}@example.com").status_code == 202
    assert stack.post(email="robot@example.com", _gotcha="x").status_code == 202
    eventually(stack.settled, what="delivering all")
    stack.kill(first)

    prefix = keys.account("acme")
    with stack.valkey.client() as client:
        eventually(lambda: client.zcard(f"{prefix}cleared") == 21, within=WITHIN, what="clearing")
        eventually(
            lambda: all(
                '"127.0.0.1"' not in str(client.get(key))
                for key in client.scan_iter(f"{prefix}signup:*")
            ),
            within=WITHIN,
            what="replacing the addresses",
        )
        eventually(lambda: not client.exists(keys.AUDIT), within=WITHIN, what="trimming")
        assert client.exists(keys.MEMORY), "no worker has noted how much memory Redis uses"
        kept = stack.json("status")["retention"]
        assert {name: each["records"] for name, each in kept.items()} == {
            "delivered": 0,
            "discarded": 0,
            "quarantined": 0,
            "dead": 0,
            "consent": 21,
            "addresses": None,
        }
        account = stack.account()
        assert (account["accepted"], account["delivered"], account["quarantined"]) == (21, 20, 1)
        stack.assert_accounted_for()
        assert "@example.com" not in "".join(
            str(client.get(key)) for key in client.scan_iter(f"{prefix}signup:*")
        )
        assert "retention counts from now on" in stack.log
        assert "records cleared" in stack.log

    # What is posted again is a sign-up that was sent twice, though its record is gone.
    assert stack.post(email="a0@example.com").status_code == 202
    assert stack.account()["accepted"] == 21
