"""What ends a hold, in sentences that fit how the hold is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.accounts.advice import on_hold, why
from shared.domain.account import Hold, HoldReason

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reason", "how", "told"),
    [
        pytest.param(
            HoldReason.RECONNECT,
            {"probe_at": NOON},
            "If the hold does not end by itself, run: relay connect acme",
            id="probed",
        ),
        pytest.param(
            HoldReason.RECONNECT, {}, "To end it, run: relay connect acme", id="proven: no probe"
        ),
        pytest.param(
            HoldReason.OUTAGE,
            {"note": "no answer: could not connect"},
            "check that this host reaches Constant Contact",
            id="no answer",
        ),
        pytest.param(HoldReason.OUTAGE, {"note": "HTTP 503"}, "ask Constant Contact", id="503"),
        pytest.param(HoldReason.OUTAGE, {"note": "HTTP 301"}, "check CTCT_API_URL", id="301"),
    ],
)
def test_it_says_what_can_help(reason: HoldReason, how: dict[str, Any], told: str) -> None:
    assert told in on_hold(Hold(reason=reason, since=NOON, **how), "acme")


def test_an_outage_blames_nobody() -> None:
    outage = Hold(reason=HoldReason.OUTAGE, since=NOON, note="no answer")
    assert why(outage) == "Several sign-ups in a row could not be sent."
