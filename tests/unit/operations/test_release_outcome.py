"""What came of a release, as a table: how the account is since, and what is said of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.accounts.advice import BUTTONS
from shared.domain.account import Hold, HoldReason, Release
from shared.ledger.values import Figures
from shared.operations.release_outcome import ReleaseStage, Since, outcome_of
from tests.support.builders import NOON

MINUTE = timedelta(minutes=1)
RELEASE = Release(at=NOON, by="olga", holds=(HoldReason.FORBIDDEN,), delivered=40, dead=2)


def hold(reason: HoldReason = HoldReason.FORBIDDEN, **fields: Any) -> Hold:
    return Hold(**{"reason": reason, "since": NOON - 60 * MINUTE, **fields})


def since(
    *holds: Hold,
    has_workers: bool = True,
    last_delivery: datetime | None = NOON + 4 * MINUTE,
    **counts: Any,
) -> Since:
    figures = replace(Figures(delivered=40, dead=2, holds=holds), **counts)
    return Since(
        release=RELEASE,
        figures=figures,
        last_delivery=last_delivery,
        has_workers=has_workers,
        now=NOON + 5 * MINUTE,
    )


@pytest.mark.parametrize(
    ("found", "stage", "said", "is_over"),
    [
        pytest.param(
            since(hold(), due=212),
            ReleaseStage.UNDER_WAY,
            "Released at 12:00 UTC. One sign-up is sent now, to see whether the cause of forbidden"
            " is gone.",
            False,
            id="the probe is under way",
        ),
        pytest.param(
            since(hold(refused_at=NOON - MINUTE), due=1, has_workers=False),
            ReleaseStage.UNDER_WAY,
            "Released at 12:00 UTC. No worker is alive, so nothing is sent yet. Start one with:"
            " relay worker",
            False,
            id="nobody sends the probe",
        ),
        pytest.param(
            since(hold()),
            ReleaseStage.UNDER_WAY,
            "Released at 12:00 UTC. No sign-up waits that could show whether the cause of"
            " forbidden is gone. The next one that comes will.",
            False,
            id="nothing to probe with",
        ),
        pytest.param(
            since(hold(refused_at=NOON + 4 * MINUTE, note="HTTP 403"), due=212),
            ReleaseStage.HELD,
            "Released at 12:00 UTC, and refused again at 12:04 UTC: The login that connected it"
            " may not write contacts (HTTP 403). The hold forbidden stays. To reconnect it as an"
            " Account Owner or Manager, press Reconnect. 212 sign-ups wait, and none is lost.",
            False,
            id="the probe was refused",
        ),
        pytest.param(
            since(hold(since=NOON + MINUTE), due=1),
            ReleaseStage.HELD,
            "Released at 12:00 UTC, and refused again at 12:01 UTC: The login that connected it"
            " may not write contacts. The hold forbidden is back. To reconnect it as an Account"
            " Owner or Manager, press Reconnect. 1 sign-up waits, and none is lost.",
            False,
            id="the hold is back",
        ),
        pytest.param(
            since(hold(HoldReason.PAUSED, since=NOON + MINUTE, by="ada", note="not yet")),
            ReleaseStage.HELD,
            "Released at 12:00 UTC. At 12:01 UTC, ada paused it again (not yet). To end the pause,"
            " press Release.",
            False,
            id="somebody paused it since",
        ),
        pytest.param(
            since(due=212),
            ReleaseStage.UNDER_WAY,
            "Released at 12:00 UTC, and no hold is left. 212 sign-ups wait and are sent now, oldest"
            " first.",
            False,
            id="nothing was delivered yet",
        ),
        pytest.param(
            since(due=1, has_workers=False),
            ReleaseStage.UNDER_WAY,
            "Released at 12:00 UTC, and no hold is left. No worker is alive, so nothing is sent"
            " yet. Start one with: relay worker",
            False,
            id="a pause has ended, and nobody delivers",
        ),
        pytest.param(
            since(due=211, delivered=41),
            ReleaseStage.FLOWS,
            "Released at 12:00 UTC, and no hold is left. 1 sign-up was delivered since, the last at"
            " 12:04 UTC. 211 follow, oldest first.",
            False,
            id="it flows",
        ),
        *(
            pytest.param(
                since(due=1, delivered=42, last_delivery=last),
                ReleaseStage.FLOWS,
                "Released at 12:00 UTC, and no hold is left. 2 sign-ups were delivered since."
                " 1 follows.",
                False,
                id=id,
            )
            for id, last in (
                ("nobody knows when the last was delivered", None),
                ("the last that is known was before", NOON - MINUTE),
            )
        ),
        pytest.param(
            since(delivered=250, dead=3),
            ReleaseStage.FLOWS,
            "Released at 12:00 UTC, and no hold is left. 210 sign-ups were delivered since, the"
            " last at 12:04 UTC. 1 sign-up failed since.",
            True,
            id="all is sent",
        ),
        pytest.param(
            since(dead=1),
            ReleaseStage.FLOWS,
            "Released at 12:00 UTC, and no hold is left. Nothing waited.",
            True,
            id="there was nothing to send",
        ),
    ],
)
def test_what_came_of_a_release(
    found: Since, stage: ReleaseStage, said: str, is_over: bool
) -> None:
    outcome = outcome_of(found, "acme", BUTTONS)
    assert " ".join(outcome.sentences) == said
    assert (outcome.stage, outcome.is_over) == (stage, is_over)
