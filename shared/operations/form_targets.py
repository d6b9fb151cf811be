"""To which lists dead letters go if they go to those that their forms have now: what an operator
reads before, and the ids for the job that does it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from shared.domain.failure_group import FailureGroup
from shared.domain.form import Form
from shared.domain.phrases import clause, in_a_sentence
from shared.domain.signup import Signup, State
from shared.domain.signup_advice import is_about_lists, why_failed
from shared.ledger.jobs import ListIds
from shared.operations.forms.refused_lists import KnownLists, refused_by
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
    looked. `refused` are the names of the form's lists that Constant Contact did not know when the
    latest was sent; `gone` are those that are known to be gone, if they go elsewhere.
    """

    account: str
    form: str | None
    count: int
    lists: tuple[str, ...] = ()
    names_gone_list: bool | None = None
    refused: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def needs_list(self) -> bool:
        """Whether retrying them helps only after the form has got another list."""
        return self.names_gone_list is False or bool(self.gone)

    @property
    def has_others(self) -> bool | None:
        """Whether the form has other lists by now, so that retrying them there helps; None if
        nobody looked."""
        return None if self.names_gone_list is None else not self.needs_list

    @property
    def lists_in_words(self) -> str:
        """Where they go, in a few words."""
        if len(self.lists) == 1:
            return self.lists[0]
        return f"the form's {len(self.lists)} lists"

    @property
    def cause(self) -> str:
        """Which list does not exist, as the beginning of a sentence."""
        names = self.gone or self.refused
        if len(names) == 1:
            return f"The list “{names[0]}” does not exist any more"
        return "One of the lists does not exist any more"

    @property
    def warning(self) -> str:
        """Why retrying them there may not help, in a sentence; empty if nothing is known."""
        if self.gone:
            return f"Constant Contact does not know {', '.join(self.gone)} any more."
        if self.names_gone_list is False:
            return "The latest is for lists that the form still has."
        return ""

    @property
    def to_do(self) -> str | None:
        """What to do about that, in a sentence; None if nobody looked."""
        if self.names_gone_list is None:
            return None
        if self.needs_list:
            return "Give the form another list, and retry them there."
        return f"The form has another list by now. Retry them to {self.lists_in_words}."

    @property
    def stays(self) -> bool:
        return self.form is not None and not self.lists


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some of an account's sign-ups failed; with `target`, that is a list which does not
    exist, and `target` says where they would go."""

    group: FailureGroup
    target: FormTarget | None = None

    @property
    def in_words(self) -> str:
        """Return it as the end of a sentence, without its full stop."""
        if self.target:
            return in_a_sentence(self.target.cause)
        return in_a_sentence(clause(why_failed(self.group).short))

    @property
    def to_do(self) -> str | None:
        """Return what to do about it, if a sentence says that."""
        return self.target.to_do if self.target else None

    @property
    def form_to_mend(self) -> str | None:
        """Return the form that needs another list, if one does."""
        return self.target.form if self.target and self.target.needs_list else None


@dataclass(frozen=True, slots=True)
class FormTargets:
    """Raises `LedgerUnavailable`."""

    lists: SignupLists
    known: KnownLists

    def of_signups(self, signups: Sequence[Signup]) -> list[FormTarget]:
        """Return where these dead letters would go, by form."""
        latest = {(each.account, each.form): each for each in oldest_first(signups)}
        counts: _Counts = Counter((each.account, each.form) for each in signups)
        forms, there = self._forms(counts), cache(self.known.there)
        return [
            _target(forms, there, account, name, count, latest[account, str(name)])
            for (account, name), count in counts.most_common()
        ]

    def of_groups(self, groups: Iterable[FailureGroup]) -> list[FormTarget]:
        """Return where the dead letters of these groups would go, by form: those in no job yet."""
        counts: _Counts = Counter()
        for each in groups:
            counts[each.account, each.form] += each.undecided
        counts = +counts
        forms, there = self._forms(counts), cache(self.known.there)
        return [
            _target(
                forms,
                there,
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
        there = cache(self.known.there)
        return {
            (each.account, each.id): _target(
                forms,
                there,
                each.account,
                each.form,
                each.count,
                self._latest(each.account, group=each.id) if each.form in forms else None,
            )
            for each in causes
        }

    def list_cause(self, signup: Signup) -> Cause | None:
        """Return all that failed with a dead letter for a list that does not exist; None if it is
        none any more, or failed for something else."""
        group = self.lists.group_of(signup)
        if group is None:
            return None
        return next((Cause(group, target) for target in self.of_causes([group]).values()), None)

    def of_each(self, signups: Sequence[Signup]) -> dict[str, FormTarget]:
        """Return, by id, where those of these dead letters would go whose cause is such a list."""
        deaths = [each for each in signups if is_about_lists(each)]
        forms = self._forms((each.account, each.form) for each in deaths)
        there = cache(self.known.there)
        return {each.id: _target(forms, there, each.account, each.form, 1, each) for each in deaths}

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
    forms: Mapping[str | None, Form],
    there: Callable[[str], frozenset[str] | None],
    account: str,
    name: str | None,
    count: int,
    latest: Signup | None,
) -> FormTarget:
    form = forms.get(name)
    lists = form.lists_for(account) if form else ()
    names = {each.id: each.name for each in lists}
    failed_for = refused_by(latest) if latest and is_about_lists(latest) else ()
    elsewhere = not names.keys() >= set(latest.lists) if latest and names else None
    known = there(account) if elsewhere else None
    return FormTarget(
        account=account,
        form=name,
        count=count,
        lists=tuple(names.values()),
        names_gone_list=elsewhere,
        refused=tuple(names[id] for id in failed_for if id in names),
        gone=tuple(names[id] for id in names if known is not None and id not in known),
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
