"""The balance: whether every sign-up that was accepted is in one state, over all accounts. Pure.

The counts of an account are read in one step of Redis, which moves them in the same steps as the
states. So the counts of each account add up at its own moment, and their sum does, however many
sign-ups move between two accounts. A difference is therefore no matter of timing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.domain.phrases import counted, first_of
from shared.domain.totals import Totals

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Balance:
    """The `totals` of all accounts together. `uneven` has the names of those accounts whose counts
    do not add up, and `spooled` what waits on the disks of web hosts: it is not accepted yet."""

    totals: Totals
    uneven: Sequence[str]
    spooled: int

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Return how many are in each state, by its word for people. They add up to `accepted`."""
        return [
            ("delivered", self.totals.delivered),
            ("waiting", self.totals.due),
            ("failed", self.totals.dead),
            ("quarantined", self.totals.quarantined),
            ("discarded", self.totals.discarded),
        ]

    @property
    def sentence(self) -> str:
        """Return whether anything is lost, as far as counts can tell."""
        if self.uneven:
            return f"The counts of {first_of(self.uneven, MOST_NAMED)} do not add up."
        match self.totals.accepted:
            case 0:
                return "No sign-up has been accepted yet."
            case 1:
                return "The 1 accepted sign-up is accounted for. It is not lost."
        accepted = f"{self.totals.accepted:,} accepted sign-ups"
        return f"Every one of {accepted} is accounted for. None is lost."

    @property
    def to_do(self) -> str | None:
        """Return what to do about it; None if all is well."""
        if not self.uneven:
            return None
        return (
            "That proves no loss: somebody may have changed counts in Redis by hand, or restored"
            " only a part of a backup. The records tell: find the sign-ups of the last days by"
            " their addresses, and compare with your websites."
        )

    @property
    def spooled_in_words(self) -> str | None:
        """Return what is to be known of disks; None if nothing waits there."""
        if not self.spooled:
            return None
        verb = "waits" if self.spooled == 1 else "wait"
        return f"{counted(self.spooled, 'more sign-up')} {verb} on the disks of web hosts."


def balance_of(accounts: Mapping[str, Totals], spooled: int) -> Balance:
    """Return the balance of the accounts, by name."""
    uneven = [name for name, each in accounts.items() if each.accepted != each.in_a_state]
    return Balance(sum(accounts.values(), Totals()), sorted(uneven), spooled)
