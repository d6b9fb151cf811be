"""Dead letters and their causes as plain values, in place of the ledger and the lists of Constant
Contact that were last read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from shared.accounts.list_cache import Lists
from shared.domain.account import Account
from shared.domain.errors import Refused
from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form
from shared.domain.signup import DeathReason, Signup, State
from shared.operations.form_targets import FormTargets
from shared.operations.forms.refused_lists import KnownLists
from shared.operations.signup_lists import SignupFilter, SignupPage
from tests.support import builders

LIST_GONE = "HTTP 400: The list_memberships do not exist."


def cause(count: int = 1, message: str = LIST_GONE, **given: Any) -> FailureGroup:
    usual: dict[str, Any] = {
        "id": f"{count}",
        "account": "acme",
        "reason": DeathReason.REJECTED,
        "form": "news",
        "error_key": "contacts.api.validation",
        "first_at": builders.NOON,
        "last_at": builders.NOON,
    }
    return FailureGroup(count=count, message=message, **{**usual, **given})


def dead(message: str | None = LIST_GONE, **given: Any) -> Signup:
    """Return a dead letter of the cause with this message."""
    usual: dict[str, Any] = {"reason": DeathReason.REJECTED, "settled_at": builders.NOON}
    return builders.signup(State.DEAD, message=message, **{**usual, **given})


@dataclass(frozen=True, slots=True, kw_only=True)
class FewFailures:
    """`dead` has the last received first, and `lists` what was read of each account. `asked` notes
    which sign-ups were asked for, and `read` of which accounts the lists were."""

    accounts: Sequence[str] = ("acme",)
    forms: Sequence[Form] = ()
    causes: Sequence[FailureGroup] = ()
    dead: Sequence[Signup] = ()
    lists: Mapping[str, Lists] = field(default_factory=dict)
    asked: list[tuple[SignupFilter, int]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    @property
    def signups(self) -> Any:
        """What stands in for `SignupLists`."""
        registry = SimpleNamespace(
            forms=lambda: self.forms,
            forms_named=lambda names: [each for each in self.forms if each.name in names],
            known_account=self._known,
        )
        return SimpleNamespace(
            finder=SimpleNamespace(registry=registry),
            groups=self._groups,
            index=SimpleNamespace(
                groups=lambda accounts: [each for each in self.causes if each.account in accounts]
            ),
            group_of=lambda signup: next(
                (each for each in self.causes if each.message == signup.message), None
            ),
            page=self._page,
        )

    @property
    def known(self) -> KnownLists:
        cache: Any = SimpleNamespace(read=self._read)
        return KnownLists(self.signups, cache)

    @property
    def targets(self) -> FormTargets:
        return FormTargets(self.signups, self.known)

    def _groups(self, *, account: str, form: str | None = None) -> list[FailureGroup]:
        of_account = [each for each in self.causes if each.account == account]
        return [each for each in of_account if form in (None, each.form)]

    def _page(self, chosen: SignupFilter, *, limit: int) -> SignupPage:
        self.asked.append((chosen, limit))
        kinds = {(each.form, each.message) for each in self.causes if each.id == chosen.group}
        found = [
            each
            for each in self.dead
            if each.account == chosen.account
            and chosen.form in (None, each.form)
            and (chosen.group is None or (each.form, each.message) in kinds)
        ]
        return SignupPage(found[:limit], None, 0)

    def _known(self, name: str) -> Account:
        if name not in self.accounts:
            raise Refused(f"There is no account {name}.")
        return builders.account(name)

    def _read(self, account: Account) -> Lists | None:
        self.read.append(account.name)
        return self.lists.get(account.name)
