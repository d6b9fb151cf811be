"""A primary dies, its replica takes over, and nobody restarts anything."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.sentinels import Sentinels
from tests.support.stack import Stack, eventually
from tests.support.traffic import Traffic


class WatchedStack(Stack):
    """The product on a primary and its replica, by one address of three Sentinels."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.valkey: Sentinels = Sentinels(folder / "sentinels")


@pytest.mark.slow
def test_after_a_failover_everything_accepted_is_delivered_and_new_ones_flow(
    tmp_path: Path,
) -> None:
    with WatchedStack(tmp_path / "stack", rate=100) as stack:
        stack.open()
        beat, (worker,) = stack.start("beat"), stack.start_workers()
        with Traffic(stack) as visitors:
            eventually(lambda: len(visitors.accepted) >= 20, what="traffic")

            # Replication is asynchronous: what is accepted in the last milliseconds may be lost
            # with the primary. So this one dies at a moment when its replica has everything.
            with visitors.pause():
                stack.valkey.replicate()
                stack.valkey.sentinels[0].kill()  # as it often runs on the same host
                stack.valkey.primary.kill()

            eventually(stack.valkey.replica_leads, within=60, what="the failover")
            after = len(visitors.accepted)
            eventually(lambda: len(visitors.accepted) >= after + 20, what="traffic afterwards")
        assert visitors.refused == []
        everyone = set(visitors.accepted)

        eventually(
            lambda: everyone <= set(stack.deliveries()) and stack.settled(),
            within=60,
            what="delivery",
        )
        # Wakes come by the broker again, whose database is beside the ledger's.
        eventually(lambda: stack.log.count("Connected to sentinel://") == 2, what="the broker")
        assert set(stack.deliveries()) == everyone
        # What was settled in the primary's last moments may have been sent once more.
        assert max(len(found) for found in stack.deliveries().values()) <= 2
        stack.assert_accounted_for()
        assert stack.account()["accepted"] == len(everyone)
        assert (beat.poll(), worker.poll()) == (None, None)
