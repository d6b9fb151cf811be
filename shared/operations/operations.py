"""What an operator can do. Command line and console call this, and nothing else holds the logic."""

from dataclasses import dataclass

from shared.operations.account_holds import AccountHolds
from shared.operations.dead_letters import DeadLetters
from shared.operations.retries import Retries
from shared.operations.system_status import SystemStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The operations, by subject."""

    status: SystemStatus
    dead_letters: DeadLetters
    retries: Retries
    holds: AccountHolds
