"""The whole product on an older Redis in place of Valkey."""

from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer
from tests.support.stack import Stack, eventually


class OnRedis(Stack):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, rate=100, RELAY_RETRY_BASE_SECONDS="0.1")
        self.valkey = RedisServer(self.valkey.data_dir)


@pytest.mark.slow
def test_everything_works_on_redis(tmp_path: Path) -> None:
    with OnRedis(tmp_path / "stack") as stack:
        stack.open()
        stack.start("beat")
        stack.start_workers()
        refused = "typo@example.com"
        stack.sandbox.control(refuse_email=refused)
        emails = [f"person-{number}@example.com" for number in range(10)]
        for email in (*emails, emails[0], refused):
            assert stack.post(email=email).status_code == 202
        eventually(stack.settled, what="delivery")

        assert {email: len(found) for email, found in stack.deliveries().items()} == dict.fromkeys(
            emails, 1
        )
        (dead,) = stack.json("failed", "list")
        stack.relay("failed", "edit", dead["id"], "--set", "email=ada@example.com")
        stack.sandbox.control(revoke="all")
        stack.relay("failed", "retry", dead["id"])
        eventually(lambda: stack.account()["hold"] is not None, what="the hold")
        stack.connect()
        eventually(lambda: "ada@example.com" in stack.deliveries(), what="the corrected delivery")
        eventually(stack.settled, what="its end")

        account = stack.account()
        assert (account["accepted"], account["delivered"]) == (11, 11)
        stack.assert_accounted_for()
        (version,) = [c for c in stack.json("doctor")["checks"] if c["name"] == "redis_version"]
        assert "Redis 7.0" in version["found"]
