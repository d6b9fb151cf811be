"""To which lists dead letters go if they go to those that their forms have now: what an operator
reads before, and the ids for the job that does it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form
from shared.domain.signup import Signup, State
from shared.domain.signup_advice import is_about_lists
from shared.ledger.jobs import ListIds
from shared.operations.selection import oldest_first
from shared.operations.signup_lists import SignupFilter, SignupLists

_DEAD = frozenset({State.DEAD})
# Of so many forms, a dead letter is read.
_LOOKED_AT = 10

_Counts = Counter[tuple[str, str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTarget:
    """Dead letters of an account that came by one form, and the names of the lists that it has now.

    Without lists, they stay as they are: the form is gone, or has none. `form` is None if they are
    of several forms, and nobody knows of which. `names_gone_list` says whether the latest of them
    is for a list that the form has no more, so that they go elsewhere than before; None if nobody
    looked.
    """

    account: str
    form: str | None
    count: int
    lists: tuple[str, ...] = ()
    names_gone_list: bool | None = None

    @property
    def stays(self) -> bool:
        return self.form is not None and not self.lists


@dataclass(frozen=True, slots=True)
class FormTargets:
    """Raises `LedgerUnavailable`."""

    lists: SignupLists

    def of_signups(self, signups: Sequence[Signup]) -> list[FormTarget]:
        """Return where these dead letters would go, by form."""
        latest = {(each.account, each.form): each for each in oldest_first(signups)}
        counts: _Counts = Counter((each.account, each.form) for each in signups)
        forms = self._forms(counts)
        return [
            _target(forms, account, name, count, latest[account, str(name)])
            for (account, name), count in counts.most_common()
        ]

    def of_groups(self, groups: Iterable[FailureGroup]) -> list[FormTarget]:
        """Return where the dead letters of these groups would go, by form: those in no job yet."""
        counts: _Counts = Counter()
        for each in groups:
            counts[each.account, each.form] += each.undecided
        counts = +counts
        forms = self._forms(counts)
        return [
            _target(
                forms,
                account,
                name,
                count,
                self._latest(account, form=name) if place < _LOOKED_AT and name in forms else None,
            )
            for place, ((account, name), count) in enumerate(counts.most_common())
        ]

    def of_causes(self, groups: Sequence[FailureGroup]) -> dict[tuple[str, str], FormTarget]:
        """Return, by account and id, where those of the groups would go whose cause is a list that
        Constant Contact does not know. Those of several forms are left out."""
        causes = [each for each in groups if each.form and is_about_lists(each)]
        forms = self._forms((each.account, each.form) for each in causes)
        return {
            (each.account, each.id): _target(
                forms,
                each.account,
                each.form,
                each.count,
                self._latest(each.account, group=each.id) if each.form in forms else None,
            )
            for each in causes
        }

    def of_list_deaths(self, signups: Sequence[Signup]) -> list[FormTarget]:
        """Return, by form, those of these dead letters whose cause is such a list."""
        return self.of_signups([each for each in signups if is_about_lists(each)])

    def _forms(self, of: Iterable[tuple[str, str | None]]) -> dict[str | None, Form]:
        names = sorted({name for _, name in of if name})
        return {form.name: form for form in self.lists.finder.registry.forms_named(names)}

    def _latest(
        self, account: str, *, form: str | None = None, group: str | None = None
    ) -> Signup | None:
        chosen = SignupFilter(states=_DEAD, account=account, form=form, group=group)
        return next(iter(self.lists.page(chosen, limit=1).signups), None)


def _target(
    forms: dict[str | None, Form],
    account: str,
    name: str | None,
    count: int,
    latest: Signup | None,
) -> FormTarget:
    form = forms.get(name)
    lists = form.lists_for(account) if form else ()
    kept = {each.id for each in lists}
    return FormTarget(
        account=account,
        form=name,
        count=count,
        lists=tuple(each.name for each in lists),
        names_gone_list=not kept.issuperset(latest.lists) if latest and kept else None,
    )


def staying(targets: Iterable[FormTarget]) -> Counter[str]:
    """Return by account how many stay as they are."""
    counts: Counter[str] = Counter()
    for target in targets:
        counts[target.account] += target.count if target.stays else 0
    return counts


def list_ids(forms: Iterable[Form]) -> dict[str, ListIds]:
    """Return by account the ids of the lists of each form that has some."""
    found: dict[str, dict[str, list[str]]] = {}
    for form in forms:
        if form.lists:
            found.setdefault(form.account, {})[form.name] = [each.id for each in form.lists]
    return {**found}
