"""What delivering asks of Redis. Each round trip costs CPU on both sides."""

from datetime import timedelta
from typing import Any

import pytest
from redis.connection import AbstractConnection

from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import TokenVault
from shared.infrastructure.settings import Settings
from tests.support.builders import accept
from tests.support.lane_rig import LaneRig


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All that goes to Redis: one entry for each round trip."""
    messages: list[Any] = []
    send: Any = AbstractConnection.send_packed_command

    def note_and_send(self: AbstractConnection, message: Any, check_health: bool = True) -> None:
        messages.append(message)
        send(self, message, check_health)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", note_and_send)
    return messages


def test_a_signup_takes_two_round_trips_its_claim_and_its_end(
    rig: LaneRig, vault: TokenVault, live_settings: Settings, sent: list[Any]
) -> None:
    tokens = TokenSet(access_token="a", refresh_token="r", expires_in=timedelta(days=1))
    vault.store("acme", tokens, client_id=live_settings.client_id)

    def round_trips(signups: int) -> int:
        for n in range(signups):
            accept(rig.ledger, f"{n}@example.com")
        lane = rig.lane(name=f"{signups}", tools=rig.tools(tokens=vault))
        sent.clear()
        assert lane.run()["delivered"] == signups
        return len(sent)

    first = round_trips(1)  # loads scripts, too
    assert first < 12
    assert round_trips(7) - round_trips(2) == 2 * 5
