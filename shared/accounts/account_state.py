"""The one state of an account that counts most now, under the one name that it has everywhere."""

from dataclasses import dataclass
from enum import StrEnum

from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.domain.durations import minute


class StateKind(StrEnum):
    """What a state means for the reader."""

    OK = "ok"
    WAITING = "waiting"  #: nobody needs to act now
    PROBLEM = "problem"  #: somebody must act
    OFF = "off"  #: somebody wants it so


@dataclass(frozen=True, slots=True)
class AccountState:
    """`words` are what every page, table and message calls it, in lower case."""

    words: str
    kind: StateKind


_WORKING = (ConnectionStatus.CONNECTED, ConnectionStatus.FAILING)
_OF_STATUS = {
    ConnectionStatus.CONNECTED: StateKind.OK,
    ConnectionStatus.FAILING: StateKind.WAITING,
    ConnectionStatus.DISCONNECTED: StateKind.OFF,
}


def account_state(summary: AccountSummary) -> AccountState:
    """Return the state of the account: what ends its connection, then what has ended it, then the
    gravest hold, then how its connection is."""
    if summary.end:
        return AccountState(f"works until {minute(summary.end.at)}", StateKind.PROBLEM)
    if summary.holds and summary.status in _WORKING:
        hold = summary.holds[0]
        kind = StateKind.WAITING if hold.reason.is_harmless else StateKind.PROBLEM
        return AccountState(f"on hold: {hold.reason}", kind)
    kind = _OF_STATUS.get(summary.status, StateKind.PROBLEM)
    return AccountState(summary.status.label, kind)
