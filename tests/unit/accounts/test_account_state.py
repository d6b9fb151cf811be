"""The one state of an account: what counts more hides what counts less."""

from datetime import timedelta
from typing import Any

import pytest

from shared.accounts.account_state import StateKind, account_state
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.domain.account import Hold, HoldReason
from shared.domain.connection_end import ConnectionEnd, EndCause
from tests.support.builders import NOON, account

ENDS = ConnectionEnd(cause=EndCause.REFUSED, at=NOON + timedelta(hours=3))
OUTAGE, PAUSED, RECONNECT = (
    Hold(reason=reason, since=NOON)
    for reason in (HoldReason.OUTAGE, HoldReason.PAUSED, HoldReason.RECONNECT)
)


def summary(status: ConnectionStatus, **fields: Any) -> AccountSummary:
    return AccountSummary(
        account=account(), status=status, own_key=False, **{"holds": (), **fields}
    )


@pytest.mark.parametrize(
    ("status", "fields", "words", "kind"),
    [
        ("connected", {}, "connected", StateKind.OK),
        ("connected", {"holds": (PAUSED,)}, "on hold: paused", StateKind.WAITING),
        ("connected", {"holds": (PAUSED, OUTAGE)}, "on hold: paused", StateKind.WAITING),
        ("connected", {"holds": (OUTAGE,)}, "on hold: outage", StateKind.PROBLEM),
        ("connected", {"end": ENDS, "holds": (PAUSED,)}, "works until", StateKind.PROBLEM),
        ("failing", {}, "refresh failing", StateKind.WAITING),
        ("failing", {"holds": (RECONNECT,)}, "on hold: reconnect", StateKind.PROBLEM),
        ("revoked", {"holds": (RECONNECT,)}, "reconnect needed", StateKind.PROBLEM),
        ("disconnected", {"holds": (PAUSED,)}, "disconnected", StateKind.OFF),
        ("unusable", {}, "not usable", StateKind.PROBLEM),
        ("foreign", {"holds": (PAUSED,)}, "kept by another installation", StateKind.PROBLEM),
    ],
)
def test_the_state_that_counts_most(
    status: str, fields: dict[str, Any], words: str, kind: StateKind
) -> None:
    state = account_state(summary(ConnectionStatus(status), **fields))
    assert state.words.startswith(words)
    assert state.kind == kind
