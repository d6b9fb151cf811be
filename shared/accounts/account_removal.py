"""Removing an account: its connection, and the records of sign-ups that are settled. The evidence
of their consent stays."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.accounts.connecting import Connecting
from shared.domain.account import Account
from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.domain.state_words import count_words
from shared.ledger.values import Figures

# Web may take sign-ups of a form for two seconds after the form was removed (`FRESH` in
# web/signup/form_cache.py), and needs less than one to store the last of them.
FORMS_FORGOTTEN_AFTER = timedelta(seconds=3)

_TO_SETTLE = {
    "due": (
        "Wait until they are delivered. If nothing is delivered, see why with:"
        " relay accounts show {name}"
    ),
    "dead": "Retry or discard them. See: relay failed list --account {name}",
    "quarantined": "Deliver or discard them. See: relay quarantine list --account {name}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InTheWay:
    """Why an account cannot be removed now: the forms that use it, its sign-ups that are not
    settled, by state, and whether sign-ups wait on the disk of a web host, perhaps for it."""

    forms: list[str]
    unsettled: dict[str, int]
    spooled: bool

    @property
    def anything(self) -> bool:
        return bool(self.forms or self.unsettled or self.spooled)


@dataclass(frozen=True, slots=True)
class AccountRemoval:
    """Raises `Refused` and `LedgerUnavailable`. `sleep` takes seconds."""

    connecting: Connecting
    sleep: Callable[[float], None]

    def in_the_way(self, name: str) -> InTheWay:
        """Return why the account cannot be removed now."""
        registry, ledger = self.connecting.connector.registry, self.connecting.connector.ledger
        to_settle = {"due": ledger.figures(name).due, **registry.undecided(name)}
        return InTheWay(
            forms=[form.name for form in registry.forms() if form.account == name],
            unsettled={state: count for state, count in to_settle.items() if count},
            spooled=any(report.figures.count for report in ledger.spools.all()),
        )

    def check(self, name: str) -> tuple[Account, Figures]:
        """Return the account and what it has. Raises `Refused` while it is needed."""
        account = self.connecting.connector.registry.known_account(name)
        found = self.in_the_way(name)
        if found.forms:
            raise Refused(
                f"{name} has forms: {', '.join(found.forms)}. Remove them first, or give them"
                f" another account. Remove one with: relay forms remove {found.forms[0]}"
            )
        for state, count in found.unsettled.items():
            to_do = _TO_SETTLE[state].format(name=name)
            raise Refused(f"{name} has sign-ups that are {count_words(state)}: {count:,}. {to_do}")
        if found.spooled:
            raise Refused(
                f"Sign-ups wait on the disk of a web host, perhaps for {name}. Remove it when"
                " they have been handed over. See them with: relay status"
            )
        return account, self.connecting.connector.ledger.figures(name)

    def remove(self, name: str) -> None:
        """Remove the account, its tokens, its links, and its records, but for the evidence of
        consent."""
        self.check(name)
        self.sleep(FORMS_FORGOTTEN_AFTER.total_seconds())
        connector = self.connecting.connector
        with connector.lock_account(name):
            account, _ = self.check(name)
            if not connector.registry.remove_account(name):
                raise Refused(f"{name} has got a sign-up just now, so nothing was removed.")
            connector.trail.add(Action.REMOVE_ACCOUNT, account=name)
            connector.vault.forget(name)
            self.connecting.browser.links.forget(name)
            self._forget_application(account.client_id)
            connector.registry.delete_records(name)

    def _forget_application(self, client_id: str) -> None:
        """Forget the secret of the API key, unless another account uses the key."""
        connector = self.connecting.connector
        if all(other.client_id != client_id for other in connector.registry.accounts()):
            connector.calls.applications.forget(client_id)
